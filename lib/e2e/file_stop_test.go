package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

// gone fails the test where a process of the run's tasks lives.
func gone(t *testing.T, in *harness.Installation, run string) {
	t.Helper()
	if pids := in.Living("CDKTR_RUN_ID=" + run); len(pids) > 0 {
		t.Errorf("processes of the ended run live on: %v", pids)
	}
}

// stayers is a task with a child and a grandchild, all of which outlive it.
const stayers = `"sh -c 'sleep 600 & sleep 600' & sleep 600 & echo begun; sleep 600"`

func TestTaskTimeoutLeavesNoProcessBehind(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("w.yml", "tasks: {a: {timeout: 500ms, run: "+stayers+"}, b: {depends: a, run: echo never}}")
	in.StartPrincipal()
	r := in.Run("cdktr-run", "-o", "json", "w")
	run := one[wire.Run](t, r.Stdout)
	gone(t, in, run.Run)
	if a := run.Tasks[0]; r.Code != 1 || a.Status != "FAILED" || a.Reason == nil || !strings.HasPrefix(*a.Reason, "timeout") || run.Tasks[1].Status != "SKIPPED" {
		t.Errorf("exit code %d, %s", r.Code, r.Stdout)
	}
	if got := bare(t, in, run.Run, "stdout"); got != "begun\n" {
		t.Errorf("output %q", got)
	}
}

func TestRunTimeoutStopsItsTasksAndFailsTheRun(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("w.yml", `
timeout: 1s
tasks: {a: {run: `+stayers+`}, b: {run: "true"}, c: {depends: a, run: echo never}}
on_failure: {run: echo $CDKTR_STATUS}
`)
	in.StartPrincipal()
	r := in.Run("cdktr-run", "-o", "json", "w")
	run := one[wire.Run](t, r.Stdout)
	gone(t, in, run.Run)
	if r.Code != 1 || run.Status != "FAILED" || statuses(run) != "a CANCELLED, b COMPLETED, c CANCELLED, on_failure COMPLETED" {
		t.Errorf("exit code %d, %s, %s", r.Code, run.Status, statuses(run))
	}
	if reason := run.Tasks[0].Reason; reason == nil || !strings.HasPrefix(*reason, "timeout") {
		t.Errorf("the task's reason: %s", r.Stdout)
	}
	if got := bare(t, in, run.Run, "stdout"); got != "begun\nFAILED\n" {
		t.Errorf("output %q", got)
	}
}

func TestCancelEndsATaskThatIgnoresSIGTERM(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("w.yml", `tasks: {a: {run: "trap '' TERM; sleep 600 & echo begun; while :; do sleep 1; done"}}`)
	in.StartPrincipal()
	run := in.Must("cdktr-run", "-d", "w")
	harness.Eventually(t, "the task has begun", func() bool { return bare(t, in, run, "stdout") == "begun\n" })
	ended := make(chan harness.Result, 1)
	go func() { ended <- in.Run("cdktr-run", "--wait", run) }()
	began := time.Now()
	in.Must("cdktr-run", "--cancel", run)
	if r := <-ended; r.Code != 3 {
		t.Errorf("who waits gets exit code %d\n%s", r.Code, r.Stderr)
	}
	gone(t, in, run)
	if took := time.Since(began); took < 9*time.Second {
		t.Errorf("it was killed after %v: it had 10 s to end", took)
	}
}
