package e2e

import (
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
)

// Four tasks that end only when all four run, on two agents with two slots
// each: there is one way to run them.
func TestIndependentTasksOfOneRunSpreadOverAgents(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("wide.yml", `
tasks:
  a: &task
    run: |
      `+strings.ReplaceAll(meet, "\n", "\n      ")+`
      meet here 4
  b: *task
  c: *task
  d: *task
  join: {depends: [a, b, c, d], run: "true"}
`)
	in.StartPrincipalAlone()
	in.StartAgent("web1", "--max-concurrent", "2")
	in.StartAgent("web2", "--max-concurrent", "2")
	run := in.Must("cdktr-run", "wide")
	on := map[string]int{}
	for _, task := range show(t, in, run).Tasks[:4] {
		if task.Agent != nil {
			on[*task.Agent]++
		}
	}
	if on["web1"] != 2 || on["web2"] != 2 {
		t.Errorf("tasks ran on %v, want two on each", on)
	}
}

func TestThreeTasksRunAtOnceOnThreeSlotsAndNoFourth(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("four.yml", `
tasks:
  a: &task
    run: |
      `+strings.ReplaceAll(meet+await, "\n", "\n      ")+`
      meet here 3
      await go
  b: *task
  c: *task
  d: *task
`)
	in.StartPrincipalAlone()
	in.StartAgent("web1", "--max-concurrent", "3")
	run := in.Must("cdktr-run", "-d", "four")
	harness.Eventually(t, "three tasks meet", func() bool {
		return in.Must("sh", "-c", "ls | grep -c ^met-here- || true") == "3"
	})
	if got := statuses(show(t, in, run)); strings.Count(got, "RUNNING") != 3 || strings.Count(got, "PENDING") != 1 {
		t.Errorf("tasks are %s, want three of them running and one waiting", got)
	}
	touch(t, in, "go")
	in.Must("cdktr-run", "--wait", run)
}
