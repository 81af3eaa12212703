package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

func TestConditionsAndHandlersAfterAFailure(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("w.yml", `
params: {code: 0}
tasks:
  main: {run: "exit ${{ params.code }}"}
  next: {depends: main, run: "true"}
  always: {depends: next, if: always, run: "echo always"}
  failure: {depends: next, if: failure, run: "echo failure"}
  excused: {allow_failure: true, run: "exit 9"}
  goes_on: {depends: excused, run: "echo goes on"}
on_success: {run: "echo success $CDKTR_STATUS"}
on_failure: {run: "echo handler $CDKTR_STATUS"}
on_end: {run: "echo end $CDKTR_STATUS; exit 4"}
`)
	in.StartPrincipal()
	for _, c := range []struct {
		code     string
		exit     int
		statuses string
		output   []string
	}{
		{"0", 0, "main COMPLETED, next COMPLETED, always COMPLETED, failure SKIPPED, excused FAILED, goes_on COMPLETED, on_success COMPLETED, on_failure SKIPPED, on_end FAILED",
			[]string{"always", "end COMPLETED", "goes on", "success COMPLETED"}},
		{"3", 1, "main FAILED, next SKIPPED, always COMPLETED, failure COMPLETED, excused FAILED, goes_on COMPLETED, on_success SKIPPED, on_failure COMPLETED, on_end FAILED",
			[]string{"always", "end FAILED", "failure", "goes on", "handler FAILED"}},
	} {
		r := in.Run("cdktr-run", "-o", "json", "w", "code="+c.code)
		run := one[wire.Run](t, r.Stdout)
		if r.Code != c.exit || statuses(run) != c.statuses {
			t.Errorf("code %s: exit code %d, %s, want %d, %s", c.code, r.Code, statuses(run), c.exit, c.statuses)
		}
		got := strings.Split(strings.TrimSpace(bare(t, in, run.Run, "stdout")), "\n")
		if slices.Sort(got); !slices.Equal(got, c.output) {
			t.Errorf("code %s: printed %q, want %q", c.code, got, c.output)
		}
	}
}

func TestRunWaitsForAnAgentWithItsLabel(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("w.yml", "agents: {gpu: \"true\"}\ntasks: {a: {run: 'true'}, b: {depends: a, run: 'true'}}")
	in.Workflow("any.yml", "tasks: {a: {run: 'true'}}")
	in.StartPrincipalAlone()
	in.StartAgent("plain")
	run := in.Must("cdktr-run", "-d", "w")
	r := show(t, in, run)
	if r.Status != "PENDING" || r.Tasks[0].Reason == nil || *r.Tasks[0].Reason != "no agent with label gpu=true" || r.Tasks[1].Reason == nil || *r.Tasks[1].Reason != "waits for a" {
		t.Errorf("the run that waits: %+v", r)
	}
	if got := in.Must("cdktr-run", "--show", run, "-o", "table"); !strings.Contains(got, "no agent with label gpu=true") {
		t.Errorf("--show:\n%s", got)
	}
	in.Must("cdktr-run", "-q", "any") // nobody else waits for it
	in.StartAgent("gpu", "--label", "gpu=true")
	in.Must("cdktr-run", "--wait", run)
	if r = show(t, in, run); *r.Tasks[0].Agent != "gpu" || r.Tasks[0].Reason != nil {
		t.Errorf("the run that has ended: %+v", r)
	}
}
