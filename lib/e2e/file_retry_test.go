package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
)

func TestTaskSucceedsAtItsThirdAttemptWithTheOutputOfAll(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("w.yml", `
tasks:
  a:
    retries: {limit: 3, delay: 100ms, backoff: 2}
    run: |
      echo attempt $CDKTR_ATTEMPT; [ $CDKTR_ATTEMPT = 3 ]
  b: {depends: a, run: echo after}
`)
	in.StartPrincipal()
	r := in.Run("cdktr-run", "w")
	run := strings.TrimSpace(r.Stdout)
	if got := bare(t, in, run, "stdout"); r.Code != 0 || got != "attempt 1\nattempt 2\nattempt 3\nafter\n" {
		t.Errorf("exit code %d, output %q", r.Code, got)
	}
	for _, line := range []string{"a FAILED (exit 1), retry 1 of 3 in 100ms\n", "a FAILED (exit 1), retry 2 of 3 in 200ms\n", ", attempt 3\na COMPLETED\nb RUNNING on ", "\nb COMPLETED\n"} {
		if !strings.Contains(r.Stderr, line) {
			t.Errorf("stderr lacks %q:\n%s", line, r.Stderr)
		}
	}
	if task := show(t, in, run).Tasks[0]; task.Attempt != 3 || task.Status != "COMPLETED" {
		t.Errorf("the task is %+v", task)
	}
}

// A task that waits for its retry is in no process: its time goes on in the
// history.
func TestRetryOfATaskGoesOnOverKillOfThePrincipal(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("w.yml", `
tasks: {a: {retries: {limit: 1, delay: 1s}, run: "echo attempt $CDKTR_ATTEMPT; [ $CDKTR_ATTEMPT = 2 ]"}}
`)
	in.StartPrincipalAlone()
	in.StartAgent("web1")
	run := in.Must("cdktr-run", "-d", "w")
	harness.Eventually(t, "the task waits", func() bool {
		task := show(t, in, run).Tasks[0]
		return task.Status == "WAITING" && strings.HasPrefix(*task.Reason, "retry 1 of 1 in ")
	})
	in.KillPrincipal()
	in.RestartPrincipal()
	in.Must("cdktr-run", "--wait", run)
	if got := bare(t, in, run, "stdout"); got != "attempt 1\nattempt 2\n" {
		t.Errorf("output %q", got)
	}
}

const repairable = `
tasks:
  good: {run: "echo good >>ran; echo rows=7 >>$CDKTR_OUTPUT"}
  bad: {depends: good, run: "echo bad >>ran; echo try $CDKTR_ATTEMPT; [ -e fixed ]"}
  after: {depends: bad, run: "echo after >>ran; echo rows ${{ tasks.good.outputs.rows }}"}
  beside: {run: "echo beside >>ran"}
on_end: {run: "echo end $CDKTR_STATUS >>ran"}
`

func TestRetryRunsOnlyWhatFailedAndWhatFollows(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("w.yml", repairable)
	in.StartPrincipal()
	first := in.Run("cdktr-run", "w")
	run := strings.TrimSpace(first.Stdout)
	if first.Code != 1 {
		t.Fatalf("exit code %d\n%s", first.Code, first.Stderr)
	}
	// A run keeps its definition.
	in.Workflow("w.yml", "tasks: {other: {run: echo other >>ran}}")
	again := in.Run("cdktr-run", "--retry", run[:8])
	if again.Code != 1 || again.Stdout != run+"\n" || !strings.Contains(again.Stderr, `task "bad": exit 1`) {
		t.Errorf("a retry that fails: exit code %d, %q, %q", again.Code, again.Stdout, again.Stderr)
	}
	touch(t, in, "fixed")
	if got := in.Must("cdktr-run", "-l", "--retry", run); got != "bad | try 3\nafter | rows 7" {
		t.Errorf("the third time prints %q", got)
	}
	r := show(t, in, run)
	if statuses(r) != "good COMPLETED, bad COMPLETED, after COMPLETED, beside COMPLETED, on_end COMPLETED" || r.Status != "COMPLETED" {
		t.Errorf("%s: %s", r.Status, statuses(r))
	}
	if r.Tasks[0].Attempt != 1 || r.Tasks[1].Attempt != 3 || r.Tasks[2].Attempt != 1 || r.Tasks[0].Outputs["rows"] != "7" {
		t.Errorf("the tasks are %+v", r.Tasks)
	}
	ran := map[string]int{}
	for _, line := range noted(t, in, "ran") {
		ran[line]++
	}
	if ran["good"] != 1 || ran["beside"] != 1 || ran["bad"] != 3 || ran["after"] != 1 || ran["end FAILED"] != 2 || ran["end COMPLETED"] != 1 || ran["other"] != 0 {
		t.Errorf("ran %v", ran)
	}

	for _, c := range []struct {
		run  string
		code int
		says string
	}{
		{run, 65, "cdktr-run: run " + run + " has completed: there is nothing to retry\n"},
		{"nosuchrun123", 66, "cdktr-run: no run \"nosuchrun123\"\n"},
	} {
		if r := in.Run("cdktr-run", "--retry", c.run); r.Code != c.code || r.Stderr != c.says || r.Stdout != "" {
			t.Errorf("--retry %s: exit code %d, %q, %q", c.run, r.Code, r.Stdout, r.Stderr)
		}
	}
}

func TestRetriedRunSurvivesKillOfThePrincipal(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("w.yml", strings.ReplaceAll(repairable, "[ -e fixed ]", "until [ -e go ]; do sleep 0.01; done; [ -e fixed ]"))
	in.StartPrincipalAlone()
	in.StartAgent("web1")
	touch(t, in, "go")
	run := strings.TrimSpace(in.Run("cdktr-run", "-q", "w").Stdout)
	in.KillPrincipal()
	in.RestartPrincipal() // knows nothing of a run that has ended
	in.Must("rm", filepath.Join(in.Dir, "go"))
	in.Must("cdktr-run", "-d", "--retry", run)
	if r := in.Run("cdktr-run", "--retry", run); r.Code != 65 || r.Stderr != "cdktr-run: run "+run+" has not ended\n" {
		t.Errorf("--retry of an open run: exit code %d, %q", r.Code, r.Stderr)
	}
	in.KillPrincipal()
	in.RestartPrincipal()
	touch(t, in, "fixed")
	touch(t, in, "go")
	in.Must("cdktr-run", "--wait", run)
	if got := bare(t, in, run, "stdout"); got != "try 1\ntry 2\nrows 7\n" {
		t.Errorf("output %q", got)
	}
	if got := strings.Join(noted(t, in, "ran"), " "); strings.Count(got, "good") != 1 || strings.Count(got, "bad") != 2 {
		t.Errorf("ran %s", got)
	}
}
