package sim

import (
	"fmt"

	"github.com/cdktr/cdktr/lib/run"
)

func (r *Run) change(ev run.Event) error {
	was := r.Status
	r.Status = ev.Status
	if ev.Status == run.Running {
		if was != run.Pending || r.held {
			return fmt.Errorf("it was %s", was)
		}
		return nil
	}
	if !ev.Status.Final() {
		return fmt.Errorf("not a status of a run that changes")
	}
	if r.adrift > 0 && !r.lost && !r.Cancelled && !r.timedOut {
		return fmt.Errorf("%d tasks that were lost were not queued again", r.adrift)
	}
	if r.held && !r.Cancelled {
		return fmt.Errorf("it is held, and ends")
	}
	return r.judge(ev)
}

func (r *Run) changeTask(t *Task, ev run.Event) error {
	was := t.Status
	t.Status = ev.Status
	if was == run.Running && ev.Status != run.Running {
		if ev.Attempt != t.Attempt {
			return fmt.Errorf("attempt %d was running", t.Attempt)
		}
	}
	if ev.Ended != nil {
		if _, twice := t.accepted[ev.Attempt]; twice {
			return fmt.Errorf("a second result is accepted")
		}
		if was != run.Running || ev.Attempt != t.Attempt || ev.AgentRef.ID != t.Holder.ID {
			return fmt.Errorf("a late result is accepted: %s holds attempt %d (%s)", t.Holder.ID, t.Attempt, was)
		}
		t.accepted[ev.Attempt], t.outputs = ev.AgentRef, ev.Ended.Outputs
	}
	switch ev.Status {
	case run.Running:
		return r.lease(t, was, ev)
	case run.Completed, run.Failed:
		if was != run.Running || ev.Ended == nil {
			return fmt.Errorf("it was %s, without a result", was)
		}
		if ev.Status == run.Completed {
			t.completed++
		} else if r.owes(t) {
			r.owed = t
		}
	case run.Waiting:
		return r.wait(t, was, ev)
	case run.Crashed:
		return r.lose(t, was)
	case run.Skipped:
		if was != run.Pending || !r.maySkip(t) {
			return fmt.Errorf("it was %s, and nothing before it failed", was)
		}
	case run.Cancelled:
		if !r.unwanted(t) || was != run.Pending && was != run.Waiting && was != run.Running {
			return fmt.Errorf("it was %s, and nobody cancelled the run", was)
		}
	default:
		return fmt.Errorf("not a status of a task")
	}
	return nil
}

func (r *Run) lease(t *Task, was run.Status, ev run.Event) error {
	switch {
	case was != run.Pending:
		return fmt.Errorf("leased while %s", was)
	case ev.Attempt != t.Attempt+1:
		return fmt.Errorf("attempt %d after %d", ev.Attempt, t.Attempt)
	case r.unwanted(t):
		return fmt.Errorf("leased after the cancel, or the end of its time")
	case r.Status != run.Running:
		return fmt.Errorf("leased while the run is %s", r.Status)
	case ev.AgentRef.ID == "":
		return fmt.Errorf("leased to nobody")
	case r.adrift > 0 && !r.lost:
		return fmt.Errorf("leased while %d tasks that were lost are not queued again", r.adrift)
	case r.together() && r.bound != "" && r.bound != ev.AgentRef.ID:
		return fmt.Errorf("leased to %s, and the run stays together on %s", ev.AgentRef.ID, r.bound)
	}
	if id := r.waitsFor(t); id != "" {
		return fmt.Errorf("leased while %s, which it depends on, is %s", id, r.tasks[id].Status)
	}
	if outcome := r.outcome(); t.handler {
		if id := r.comesBefore(t.spec.ID, outcome); id != "" {
			return fmt.Errorf("leased while %s is %s", id, r.tasks[id].Status)
		}
		if !concerns(t.spec.ID, outcome) {
			return fmt.Errorf("leased, and the run is %s", outcome)
		}
	} else if !r.wanted(t) {
		return fmt.Errorf("leased, and its condition is not met")
	}
	t.leases++
	if most := 1 + t.tries + t.losses; t.leases > most && !r.together() {
		return fmt.Errorf("leased %d times, after %d retries and %d losses", t.leases, t.tries, t.losses)
	}
	t.Attempt, t.Holder, r.bound = ev.Attempt, ev.AgentRef, ev.AgentRef.ID
	t.agents = append(t.agents, ev.AgentRef.ID)
	return nil
}

// maySkip tells whether a task will never be needed.
func (r *Run) maySkip(t *Task) bool {
	if t.handler {
		return r.comesBefore("", run.Completed) == "" && !concerns(t.spec.ID, r.outcome())
	}
	return r.waitsFor(t) == "" && !r.wanted(t) || t.spec.If == "" && r.fatal(t) != ""
}
