package sim

import (
	"fmt"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/workflow"
)

// maxLosses is how often a task may lose its agent.
const maxLosses = 3

func (r *Run) together() bool { return r.Definition.Placement == workflow.Together }

// lose notes that t was CRASHED.
func (r *Run) lose(t *Task, was run.Status) error {
	fails := r.Definition.OnAgentLoss == workflow.FailOnLoss
	switch {
	case was == run.Running && t.handler:
	case was == run.Running:
		r.lost = r.lost || fails || t.losses+1 >= maxLosses
	case was != run.Pending && was != run.Waiting || !r.together() || r.bound == "" || t.handler:
		return fmt.Errorf("it was %s", was)
	case !fails && !r.lost && r.stranded+1 < maxLosses:
		// What waits for a bound run's agent goes elsewhere without it.
		return fmt.Errorf("it was waiting for agent %s, and can go to another", r.bound)
	default:
		r.lost = true
	}
	t.losses++
	if !fails && t.losses < maxLosses {
		r.adrift++
		t.adrift = true
	}
	return nil
}

// queue takes a task into the line again.
func (r *Run) queue(t *Task, ev run.Event) error {
	was := t.Status
	t.outputs = nil
	if r.reopening {
		return r.queueReopened(t, ev)
	}
	switch {
	case r.unwanted(t):
		return fmt.Errorf("queued again after the cancel, or the end of its time")
	case t.losses >= maxLosses:
		return fmt.Errorf("queued again after %d losses", t.losses)
	case was == run.Crashed && r.Definition.OnAgentLoss == workflow.FailOnLoss:
		return fmt.Errorf("queued again, and the run was to fail")
	case ev.Attempt != t.Attempt+1:
		return fmt.Errorf("queued again after attempt %d", t.Attempt)
	case was == run.Waiting && ev.AgentRef.ID == "" && len(r.missing) == 0: // its retry
		t.Status = run.Pending
		return nil
	case !r.together() && was != run.Crashed:
		return fmt.Errorf("queued again while %s", was)
	}
	if t.handler {
		if was != run.Crashed && (ev.AgentRef.ID == "" || ev.AgentRef.ID != r.bound) {
			return fmt.Errorf("queued again while %s", was)
		}
		r.bound = ""
	} else if r.together() {
		if r.untouched() && was == run.Pending && ev.AgentRef.ID == r.bound {
			r.bound = ""
			r.stranded++
			for _, t := range r.tasks {
				if !t.handler {
					t.tries = 0
				}
			}
			return nil
		}
		if err := r.restart(); err != nil {
			return err
		}
		if !r.missing[t.spec.ID] {
			return fmt.Errorf("queued again while %s", was)
		}
		delete(r.missing, t.spec.ID)
	}
	if t.adrift {
		r.adrift--
		t.adrift = false
	}
	t.Status = run.Pending
	return nil
}

// untouched tells whether nothing has begun since it was queued.
func (r *Run) untouched() bool {
	for _, t := range r.tasks {
		if !t.handler && t.Status != run.Pending {
			return false
		}
	}
	return true
}

// queueReopened takes a task of a run that is opened again into the line.
func (r *Run) queueReopened(t *Task, ev run.Event) error {
	if !r.missing[t.spec.ID] {
		return fmt.Errorf("queued again while %s", t.Status)
	}
	if ev.Attempt != t.Attempt+1 {
		return fmt.Errorf("queued again after attempt %d", t.Attempt)
	}
	delete(r.missing, t.spec.ID)
	r.reopening = len(r.missing) > 0
	t.Status, t.adrift = run.Pending, false
	return nil
}

// restart begins, with the first task that is queued again, to start a run that
// stays together all over: every task that has started or ended is to follow.
func (r *Run) restart() error {
	if len(r.missing) > 0 {
		return nil
	}
	if r.lost {
		return fmt.Errorf("the run starts again after a task was lost for good")
	}
	missing := make(map[string]bool)
	for id, t := range r.tasks {
		if t.handler {
			continue
		}
		t.tries = 0
		switch t.Status {
		case run.Pending:
		case run.Running:
			return fmt.Errorf("the run starts again while %s is running on %s", id, t.Holder.ID)
		default:
			missing[id] = true
		}
	}
	if r.adrift == 0 {
		r.stranded++
	}
	r.missing, r.bound = missing, ""
	return nil
}
