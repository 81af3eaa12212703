package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/harness"
)

// freeze stops an agent, but not its tasks, until the function is called.
func freeze(t *testing.T, agent *harness.Process) (wake func()) {
	t.Helper()
	send := func(s syscall.Signal) {
		t.Helper()
		if err := agent.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	send(syscall.SIGSTOP)
	return func() { t.Helper(); send(syscall.SIGCONT) }
}

// gated is a task that notes its process and ends with the attempt's number
// when a file allows it.
const gated = `
tasks:
  a:
    run: |
      ` + living + `
      for pid in $(cat pids 2>/dev/null); do if living $pid; then echo $pid >>still; fi; done
      echo $$ >>pids
      until [ -e go-$CDKTR_ATTEMPT ]; do sleep 0.02; done
      echo attempt $CDKTR_ATTEMPT
`

// gatedOnWeb1 is an installation whose one agent runs the gated task as process
// first.
func gatedOnWeb1(t *testing.T) (f follower, agent *harness.Process, run string, first int) {
	t.Helper()
	in := harness.New(t, "CDKTR_AGENT_HEARTBEAT_TIMEOUT_MS=1500")
	f = follow(t, in)
	in.Workflow("gated.yml", gated)
	in.Workflow("hello.yml", hello)
	in.StartPrincipalAlone()
	agent = in.StartAgent("web1")
	run = in.Must("cdktr-run", "-d", "gated")
	return f, agent, run, firstPID(t, in)
}

const hello = `tasks: {a: {run: echo hello}}`

// runsOn gives the agent a task when it waits for one, which it must do.
func (f follower) runsOn(t *testing.T, name string) {
	t.Helper()
	harness.Eventually(t, name+" waits for work", func() bool { return f.agents(t)[name].Status == "READY" })
	for range 100 { // others may be quicker
		run, _ := finish(t, f.in, f.in.Must("cdktr-run", "-d", "hello"))
		if run.Status != "COMPLETED" {
			t.Fatalf("run %s is %s", run.Run, run.Status)
		}
		if *run.Tasks[0].Agent == name {
			return
		}
	}
	t.Errorf("of 100 tasks %s had none", name)
}

// The agent wakes with a result of a task that somebody else has done since.
func TestLateResultOfAFrozenAgentIsRefused(t *testing.T) {
	t.Parallel()
	f, agent, run, first := gatedOnWeb1(t)
	in := f.in
	wake := freeze(t, agent)
	touch(t, in, "go-1") // the task ends, and its agent does not know
	harness.Eventually(t, "the task ends", func() bool { return !harness.Living(first) })
	f.untilCrashed(t, run, 1)
	in.StartAgent("web2")
	touch(t, in, "go-2")
	ended, _ := finish(t, in, run)
	wake()
	harness.Eventually(t, "the result is refused", func() bool { return strings.Contains(agent.Said(), "not wanted any more") })
	f.runsOn(t, "web1")

	ended = f.run(t, ended.Run)
	if task := ended.Tasks[0]; task.Attempt != 2 || *task.Agent != "web2" || task.Status != "COMPLETED" {
		t.Errorf("the task is %s in attempt %d on %s", task.Status, task.Attempt, *task.Agent)
	}
	if got := way(events(t, in, run), "a"); got != "RUNNING CRASHED RUNNING COMPLETED" {
		t.Errorf("the task went %s", got)
	}
}

// Nobody could start the task again while its agent was frozen: the process
// has lived so long, and dies when the agent wakes, before the next starts.
func TestFrozenAgentsTaskIsKilledWhenItWakes(t *testing.T) {
	t.Parallel()
	needsProc(t)
	f, agent, run, first := gatedOnWeb1(t)
	in := f.in
	wake := freeze(t, agent)
	f.untilCrashed(t, run, 1)
	if !harness.Living(first) {
		t.Error("the task died while its agent was frozen, and it is not exclusive")
	}
	wake()
	harness.Eventually(t, "it dies", func() bool { return !harness.Living(first) })
	touch(t, in, "go-2")
	ended, _ := finish(t, in, run)
	if task := ended.Tasks[0]; task.Attempt != 2 || task.Status != "COMPLETED" {
		t.Errorf("the task is %s in attempt %d", task.Status, task.Attempt)
	}
	if there(in, "still") {
		t.Error("the first attempt lived beside the second")
	}
	f.runsOn(t, "web1")
	if got := bare(t, in, run, "stdout"); got != "attempt 2\n" {
		t.Errorf("stdout is %q", got)
	}
}

// Another agent of the same machine does not wait for the frozen one.
func TestNextAttemptOnTheSameMachineStartsAlone(t *testing.T) {
	t.Parallel()
	needsProc(t)
	f, agent, run, first := gatedOnWeb1(t)
	in := f.in
	wake := freeze(t, agent)
	f.untilCrashed(t, run, 1)
	if !harness.Living(first) {
		t.Error("the task died while its agent was frozen, and it is not exclusive")
	}
	in.StartAgent("web2")
	touch(t, in, "go-2")
	ended, _ := finish(t, in, run)
	if task := ended.Tasks[0]; task.Attempt != 2 || *task.Agent != "web2" || task.Status != "COMPLETED" {
		t.Errorf("the task is %s in attempt %d on %s", task.Status, task.Attempt, *task.Agent)
	}
	if there(in, "still") {
		t.Error("the first attempt lived beside the second")
	}
	wake()
	f.runsOn(t, "web1")
}

// An exclusive task must be over before the principal can think of giving it
// to anybody else, wherever that is.
func TestExclusiveTaskOfAFrozenAgentDiesBeforeItIsLost(t *testing.T) {
	t.Parallel()
	needsProc(t)
	const timeout = 3 * time.Second
	in := harness.New(t, "CDKTR_AGENT_HEARTBEAT_TIMEOUT_MS=3000")
	f := follow(t, in)
	in.Workflow("alone.yml", "exclusive: true\n"+gated)
	in.Workflow("hello.yml", hello)
	in.StartPrincipalAlone()
	agent := in.StartAgent("web1")
	run := in.Must("cdktr-run", "-d", "alone")
	first := firstPID(t, in)
	in.StartAgent("web2")
	wake := freeze(t, agent)
	frozen := time.Now()
	harness.Eventually(t, "the process is gone", func() bool { return !harness.Living(first) })
	gone := time.Now()
	if gone.Sub(frozen) < timeout/10 {
		t.Errorf("the process was gone %v after the freeze: too soon to be for that", gone.Sub(frozen))
	}
	if lost := f.untilCrashed(t, run, 1); gone.After(lost.Time.Time) {
		t.Errorf("the process lived until %v after its agent was lost", gone.Sub(lost.Time.Time))
	}
	touch(t, in, "go-2")
	ended, _ := finish(t, in, run)
	if task := ended.Tasks[0]; task.Attempt != 2 || *task.Agent != "web2" || task.Status != "COMPLETED" {
		t.Errorf("the task is %s in attempt %d on %s", task.Status, task.Attempt, *task.Agent)
	}
	wake()
	f.runsOn(t, "web1")
	if got := way(events(t, in, run), "a"); got != "RUNNING CRASHED RUNNING COMPLETED" {
		t.Errorf("the task went %s", got)
	}
}

// An exclusive task is not harmed while its agent and the principal talk; and
// where the principal is away for long, its attempt is given back.
func TestExclusiveTaskNeedsAPrincipalThatAnswers(t *testing.T) {
	t.Parallel()
	needsProc(t)
	in := harness.New(t, "CDKTR_AGENT_HEARTBEAT_TIMEOUT_MS=1500")
	f := follow(t, in)
	in.Workflow("alone.yml", "exclusive: true\n"+gated)
	in.StartPrincipalAlone()
	in.StartAgent("web1")
	run := in.Must("cdktr-run", "-d", "alone")
	first := firstPID(t, in)
	seen := f.agents(t)["web1"].LastSeen
	harness.Eventually(t, "two timeouts pass", func() bool {
		now := f.agents(t)["web1"].LastSeen
		return now != nil && now.Sub(seen.Time) > 3*time.Second
	})
	if !harness.Living(first) {
		t.Error("the task died though its agent and the principal talk")
	}
	in.KillPrincipal()
	harness.Eventually(t, "the process is gone", func() bool { return !harness.Living(first) })
	in.RestartPrincipal()
	touch(t, in, "go-2")
	ended, _ := finish(t, in, run)
	if task := ended.Tasks[0]; task.Attempt != 2 || task.Status != "COMPLETED" {
		t.Errorf("the task is %s in attempt %d", task.Status, task.Attempt)
	}
	if got := way(events(t, in, run), "a"); got != "RUNNING CRASHED RUNNING COMPLETED" {
		t.Errorf("the task went %s", got)
	}
}
