package e2e

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/harness"
)

const slow = `tasks: {a: {run: "echo began; until [ -e go ]; do sleep 0.01; done; echo ended"}}`

// began starts the workflow slow and returns when its task runs.
func began(t *testing.T, in *harness.Installation) (run string) {
	t.Helper()
	run = in.Must("cdktr-run", "-d", "slow")
	harness.Eventually(t, "the task runs", func() bool { return bare(t, in, run, "stdout") == "began\n" })
	return run
}

func TestStoppedAgentLetsItsTasksEnd(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("slow.yml", slow)
	in.StartPrincipalAlone()
	agent := in.StartAgent("web1")
	run := began(t, in)
	if err := agent.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	touch(t, in, "go")
	in.Must("cdktr-run", "--wait", run)
	if got := bare(t, in, run, "stdout"); got != "began\nended\n" {
		t.Errorf("stdout is %q", got)
	}
	<-agent.Exited()
	if agent.Code() != 0 {
		t.Errorf("the agent ended with exit code %d", agent.Code())
	}
}

func TestTasksOfALostAgentRunAgainOnAnother(t *testing.T) {
	t.Parallel()
	in := harness.New(t, "CDKTR_AGENT_HEARTBEAT_TIMEOUT_MS=1500")
	in.Workflow("slow.yml", slow)
	in.StartPrincipalAlone()
	lost := in.StartAgent("web1")
	run := began(t, in)
	in.StartAgent("web2")
	if err := lost.Kill(); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the other agent has the task", func() bool {
		task := show(t, in, run).Tasks[0]
		return task.Attempt == 2 && task.Agent != nil && *task.Agent == "web2"
	})
	touch(t, in, "go")
	in.Must("cdktr-run", "--wait", run)
	first := 0
	for _, e := range events(t, in, run) {
		if e.Task != nil && *e.Attempt == 1 && e.Status == "CRASHED" {
			first++
		}
	}
	if first != 1 {
		t.Errorf("the first attempt is CRASHED %d times in the history", first)
	}
}

// The agent beside the principal stops with it, and what it ran is queued
// again, also where a task does not care for SIGTERM.
func TestStoppedPrincipalQueuesTheTasksOfItsAgentAgain(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("slow.yml", `tasks: {a: {run: "trap : TERM; echo began; until [ -e go ]; do sleep 0.01; done; echo ended"}}`)
	in.StartPrincipal()
	run := began(t, in)
	began := time.Now()
	in.StopPrincipal() // it must end with 0
	if took := time.Since(began); took > 5*time.Second {
		t.Logf("it took %v, 5s are promised", took)
	}
	harness.Eventually(t, "nothing lives on", func() bool { return len(in.Living()) == 0 })
	in.RestartPrincipal()
	touch(t, in, "go")
	in.Must("cdktr-run", "--wait", run)
	if task := show(t, in, run).Tasks[0]; task.Attempt != 2 || task.Status != "COMPLETED" {
		t.Errorf("the task is %+v, want it completed in its second attempt", task)
	}
}

// A key that the principal does not list is refused at once, with its own exit
// code, and no request of its gets through.
func TestStrangersKeyIsRefused(t *testing.T) {
	t.Parallel()
	in, other := harness.New(t), harness.New(t)
	in.Workflow("hello.yml", "tasks: {a: {run: 'true'}}")
	in.StartPrincipalAlone()
	other.StartPrincipalAlone()
	write(t, filepath.Join(in.Dir, "principal.key"), read(t, filepath.Join(in.Data, "keys", "principal.key")))
	write(t, filepath.Join(in.Dir, "admin.key_secret"), read(t, filepath.Join(other.Data, "keys", "admin.key_secret")))
	for _, args := range [][]string{{"cdktr-run", "-d", "hello"}, {"cdktr-logs"}, {"cdktr-agent", "list"}} {
		if r := in.Run(args[0], append(args[1:], "--keys", ".")...); r.Code != 77 || r.Stdout != "" {
			t.Errorf("%v: want exit code 77, got %+v", args, r)
		}
	}
	if n := len(runs(t, in)); n != 0 {
		t.Errorf("%d runs were started", n)
	}
}
