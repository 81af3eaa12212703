package principal

import (
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/workflow"
)

// A task whose expressions have no value is no lease, and does not keep the
// others from their agent.
func TestTaskThatCannotBeResolvedIsNoLease(t *testing.T) {
	def, errors, _ := workflow.Parse("w", "w.yml", []byte(`
tasks:
  a: {run: x}
  b: {depends: a, run: 'echo "${{ tasks.a.outputs.rows }}"'}
  c: {depends: a, run: x}
`))
	if def == nil {
		t.Fatal(errors)
	}
	lease := func(task string) run.Lease {
		return run.Lease{
			AttemptID: run.AttemptID{Run: "r1", Task: task, Attempt: 1}, Definition: def, Task: def.Task(task),
			Ended: map[string]run.Status{"a": run.Completed},
		}
	}
	out, misfits := workOut(run.Work{Leases: []run.Lease{lease("b"), lease("c")}})
	if len(out.Leases) != 1 || out.Leases[0].Task != "c" {
		t.Errorf("leases %+v", out.Leases)
	}
	if why := misfits[lease("b").AttemptID]; len(misfits) != 1 || !strings.Contains(why, `task "a" has completed without the output "rows"`) {
		t.Errorf("misfits %v", misfits)
	}
}
