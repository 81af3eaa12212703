package e2e

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

// family is a task whose first attempt has a child and a grandchild in the
// background, all deaf to SIGTERM. The second notes which of them live still.
const family = `
tasks:
  a:
    run: |
      ` + living + `
      if [ $CDKTR_ATTEMPT = 1 ]; then
        trap '' TERM
        sh -c 'sh -c "echo \$\$ >>pids; exec sleep 600" & echo $$ >>pids; exec sleep 600' &
        echo $$ >>pids
        until [ $(wc -l <pids) = 3 ]; do sleep 0.01; done
        touch began
        until [ -e never ]; do sleep 0.05; done
      fi
      for pid in $(cat pids); do if living $pid; then echo $pid >>still; fi; done
      echo second
`

// pids are the processes that a task noted.
func pids(t *testing.T, in *harness.Installation) (all []int) {
	t.Helper()
	for _, word := range strings.Fields(read(t, filepath.Join(in.Dir, "pids"))) {
		n, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

// firstPID waits until a task has noted its process.
func firstPID(t *testing.T, in *harness.Installation) int {
	t.Helper()
	harness.Eventually(t, "the task runs", func() bool { return len(noted(t, in, "pids")) > 0 })
	return pids(t, in)[0]
}

func TestTaskOfAKilledAgentIsOnAnotherWithinTheTimeout(t *testing.T) {
	t.Parallel()
	needsProc(t)
	in := harness.New(t, "CDKTR_AGENT_HEARTBEAT_TIMEOUT_MS=3000")
	in.Workflow("family.yml", family)
	in.StartPrincipalAlone()
	agent := in.StartAgent("web1")
	run := in.Must("cdktr-run", "-d", "family")
	harness.Eventually(t, "the family lives", func() bool { return there(in, "began") })
	in.StartAgent("web2")
	killed := time.Now()
	if err := agent.Kill(); err != nil {
		t.Fatal(err)
	}
	r, _ := finish(t, in, run)
	history := events(t, in, run)
	if got := way(history, "a"); got != "RUNNING CRASHED RUNNING COMPLETED" {
		t.Errorf("the task went %s", got)
	}
	if task := r.Tasks[0]; task.Attempt != 2 || *task.Agent != "web2" {
		t.Errorf("the task ended in attempt %d on %s", task.Attempt, *task.Agent)
	}
	for _, e := range history {
		if e.Task == nil || *e.Attempt != 2 || e.Status != "RUNNING" {
			continue
		}
		if took := e.Time.Sub(killed); took > 5*time.Second {
			t.Errorf("attempt 2 was there %v after the kill, 5s are promised", took)
		}
	}
	if there(in, "still") {
		t.Errorf("beside attempt 2 there lived, of the first,\n%s", read(t, filepath.Join(in.Dir, "still")))
	}
	if got := bare(t, in, run, "stdout"); got != "second\n" {
		t.Errorf("stdout is %q", got)
	}
}

// No agent is there to take the task, and no principal to tell anybody: its
// processes die all the same.
func TestNoTaskOutlivesItsAgent(t *testing.T) {
	t.Parallel()
	needsProc(t)
	in := harness.New(t)
	in.Workflow("family.yml", family)
	in.StartPrincipalAlone()
	agent := in.StartAgent("web1")
	in.Must("cdktr-run", "-d", "family")
	harness.Eventually(t, "the family lives", func() bool { return there(in, "began") })
	in.KillPrincipal()
	if err := agent.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids(t, in) {
		harness.Eventually(t, "the family is gone", func() bool { return !harness.Living(pid) })
	}
	harness.Eventually(t, "nothing lives on", func() bool { return len(in.Living()) == 0 })
}

// A task that kills its agent does not go round for ever.
func TestTaskThatKillsItsAgentEveryTimeIsCrashedAfterTheThird(t *testing.T) {
	t.Parallel()
	in := harness.New(t, "CDKTR_AGENT_HEARTBEAT_TIMEOUT_MS=1500")
	in.Workflow("poison.yml", `
tasks:
  a: {run: "echo $CDKTR_ATTEMPT >>ran; kill -9 $PPID; until [ -e never ]; do sleep 0.05; done"}
  b: {depends: a, run: "touch never-run"}
`)
	in.Workflow("hello.yml", "tasks: {a: {run: echo hello}}")
	in.StartPrincipal()
	in.StartAgent("web1")
	in.StartAgent("web2")
	ended, code := finish(t, in, in.Must("cdktr-run", "-d", "poison"))
	if code != 1 {
		t.Errorf("cdktr-run ended with %d, want 1", code)
	}
	if ended.Status != "CRASHED" || statuses(ended) != "a CRASHED, b SKIPPED" || ended.Tasks[0].Attempt != 3 {
		t.Errorf("the run is %s: %s, in attempt %d", ended.Status, statuses(ended), ended.Tasks[0].Attempt)
	}
	if reason := ended.Tasks[0].Reason; reason == nil || !strings.Contains(*reason, "lost 3 times") {
		t.Errorf("the reason is %v", reason)
	}
	if got := way(events(t, in, ended.Run), "a"); got != "RUNNING CRASHED RUNNING CRASHED RUNNING CRASHED" {
		t.Errorf("the task went %s", got)
	}
	if got := read(t, filepath.Join(in.Dir, "ran")); got != "1\n2\n3\n" {
		t.Errorf("the attempts that ran: %q", got)
	}
	// The principal's own agent comes back, and takes other work.
	in.Must("cdktr-run", "hello")
	if n := len(runs(t, in)); n != 2 {
		t.Errorf("there are %d runs", n)
	}
}

func TestWorkflowThatFailsOnLossIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	in := harness.New(t, "CDKTR_AGENT_HEARTBEAT_TIMEOUT_MS=1500")
	in.Workflow("once.yml", `
on_agent_loss: fail
tasks:
  a: {run: "echo $CDKTR_ATTEMPT >>ran; until [ -e never ]; do sleep 0.05; done"}
  b: {depends: a, run: "echo b >>ran"}
  c: {run: "true"}
`)
	in.StartPrincipalAlone()
	agent := in.StartAgent("web1", "--max-concurrent", "2")
	run := in.Must("cdktr-run", "-d", "once")
	f := follow(t, in)
	f.until(t, run, "a runs and c has ended", func(r wire.Run) bool {
		return statuses(r) == "a RUNNING, b PENDING, c COMPLETED" && there(in, "ran")
	})
	in.StartAgent("web2")
	if err := agent.Kill(); err != nil {
		t.Fatal(err)
	}
	ended, code := finish(t, in, run)
	if code != 1 {
		t.Errorf("cdktr-run ended with %d, want 1", code)
	}
	if ended.Status != "CRASHED" || statuses(ended) != "a CRASHED, b SKIPPED, c COMPLETED" || ended.Tasks[0].Attempt != 1 {
		t.Errorf("the run is %s: %s, in attempt %d", ended.Status, statuses(ended), ended.Tasks[0].Attempt)
	}
	if reason := ended.Tasks[0].Reason; reason == nil || !strings.Contains(*reason, "web1") {
		t.Errorf("the reason is %v", reason)
	}
	if got := read(t, filepath.Join(in.Dir, "ran")); got != "1\n" {
		t.Errorf("there ran %q", got)
	}
}

// Tasks that share local files stay together, and begin again together.
func TestTasksTogetherStartAgainTogether(t *testing.T) {
	t.Parallel()
	in := harness.New(t, "CDKTR_AGENT_HEARTBEAT_TIMEOUT_MS=1500")
	f := follow(t, in)
	in.Workflow("joint.yml", `
placement: together
tasks:
  root: {run: "echo root"}
  left: {depends: root, run: "echo left"}
  right: {depends: root, run: "until [ -e go ]; do sleep 0.02; done"}
  other: {run: "until [ -e go ]; do sleep 0.02; done"}
  join: {depends: [left, right, other], run: "echo join"}
`)
	in.StartPrincipalAlone()
	agents := map[string]*harness.Process{}
	for _, name := range []string{"web1", "web2"} {
		agents[name] = in.StartAgent(name, "--max-concurrent", "3")
	}
	run := in.Must("cdktr-run", "-d", "joint")
	const middle = "root COMPLETED, left COMPLETED, right RUNNING, other RUNNING, join PENDING"
	f.until(t, run, "it is in the middle", func(r wire.Run) bool { return statuses(r) == middle })
	where := func(attempt int) (name string) {
		for _, task := range f.run(t, run).Tasks {
			if task.Agent == nil {
				continue
			}
			if name == "" {
				name = *task.Agent
			}
			if *task.Agent != name || task.Attempt != attempt {
				t.Errorf("%s is on %s in attempt %d, the first on %s", task.Task, *task.Agent, task.Attempt, name)
			}
		}
		return name
	}
	first := where(1)
	if err := agents[first].Kill(); err != nil {
		t.Fatal(err)
	}
	f.until(t, run, "it is in the middle again", func(r wire.Run) bool {
		return statuses(r) == middle && r.Tasks[0].Attempt == 2
	})
	touch(t, in, "go")
	r, _ := finish(t, in, run)
	for _, task := range r.Tasks {
		want := 2
		if task.Task == "join" { // it had not begun
			want = 1
		}
		if *task.Agent == first || task.Attempt != want || task.Status != "COMPLETED" {
			t.Errorf("%s is %s in attempt %d on %s; lost was %s", task.Task, task.Status, task.Attempt, *task.Agent, first)
		}
	}
	history := events(t, in, run)
	for task, want := range map[string]string{
		"root": "RUNNING COMPLETED RUNNING COMPLETED", "right": "RUNNING CRASHED RUNNING COMPLETED", "join": "RUNNING COMPLETED",
	} {
		if got := way(history, task); got != want {
			t.Errorf("%s went %s, want %s", task, got, want)
		}
	}
	if got := bare(t, in, run, "stdout"); got != "root\nleft\nroot\nleft\njoin\n" {
		t.Errorf("stdout is %q", got)
	}
}
