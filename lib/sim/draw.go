package sim

import (
	"fmt"
	"time"

	"github.com/cdktr/cdktr/lib/workflow"
)

// everything is the labels that some workflow may ask for. The first agent has
// them all: it may run whatever there is.
var everything = [][2]string{{"gpu", "true"}, {"zone", "eu"}}

// drawWorkflow makes a DAG: tasks depend on some of those before them.
func (w *world) drawWorkflow(id string) *workflow.Definition {
	d := &workflow.Definition{ID: id, Hash: id, Exclusive: w.chance(0.3)}
	if w.chance(0.3) {
		d.Placement = workflow.Together
	}
	if w.chance(0.2) {
		d.OnAgentLoss = workflow.FailOnLoss
	}
	rich := w.chance(0.6) // else it is as simple as files can be
	dense := w.rng.Float64()
	for i := range 1 + w.rng.IntN(6) {
		t := workflow.Task{ID: fmt.Sprintf("t%d", i)}
		for j := range i {
			if w.chance(dense) {
				t.Depends = append(t.Depends, fmt.Sprintf("t%d", j))
			}
		}
		if rich {
			w.drawTask(&t)
		}
		d.Tasks = append(d.Tasks, t)
	}
	if rich {
		w.drawRun(d)
	}
	if w.chance(0.5) {
		w.drawOverlap(d)
	}
	return d
}

func (w *world) drawTask(t *workflow.Task) {
	if w.chance(0.5) {
		t.WorkingDirectory = "${{ tasks.t0.outputs.made }}"
	}
	if len(t.Depends) > 0 && w.chance(0.4) {
		t.If = [...]workflow.Condition{workflow.IfFailure, workflow.IfAlways}[w.rng.IntN(2)]
	}
	t.AllowFailure = w.chance(0.2)
	if w.chance(0.4) {
		t.Retries = workflow.Retries{Limit: 1 + w.rng.IntN(3), Delay: workflow.Duration(w.upTo(10 * time.Second)), Backoff: float64(w.rng.IntN(4))}
		if w.chance(0.3) {
			t.Retries.Delay = 0
		}
		if w.chance(0.5) {
			t.Retries.MaxDelay = workflow.Duration(time.Second + w.upTo(20*time.Second))
		}
	}
}

// drawRun draws what concerns the run as a whole.
func (w *world) drawRun(d *workflow.Definition) {
	for _, h := range []struct {
		id string
		at **workflow.Task
	}{{workflow.OnSuccessID, &d.OnSuccess}, {workflow.OnFailureID, &d.OnFailure}, {workflow.OnEndID, &d.OnEnd}} {
		if w.chance(0.4) {
			*h.at = &workflow.Task{ID: h.id}
			w.drawTask(*h.at)
		}
	}
	if w.chance(0.3) {
		d.Timeout = workflow.Duration(w.between(time.Second, 40*time.Second))
	}
	d.Priority = w.rng.IntN(3) - 1
	if w.chance(0.4) {
		d.Agents = w.drawLabels(0.5)
	}
}

// drawOverlap draws what becomes of a run while others of the workflow are active.
func (w *world) drawOverlap(d *workflow.Definition) {
	d.Overlap = [...]workflow.Overlap{"", workflow.OverlapSkip, workflow.OverlapQueue, workflow.OverlapReplace}[w.rng.IntN(4)]
	d.MaxActiveRuns = max(0, w.rng.IntN(5)-1)
}

// edit gives a workflow other rules for its next runs.
func (w *world) edit() {
	i := w.rng.IntN(len(w.workflows))
	d := *w.workflows[i]
	d.Hash += "+"
	w.drawOverlap(&d)
	w.workflows[i] = &d
	w.trace("workflow %s has overlap %q, at most %d", d.ID, d.Overlap, d.MaxActiveRuns)
}

// drawLabels has each label with a chance.
func (w *world) drawLabels(chance float64) map[string]string {
	labels := make(map[string]string)
	for _, l := range everything {
		if w.chance(chance) {
			labels[l[0]] = l[1]
		}
	}
	return labels
}
