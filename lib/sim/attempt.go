package sim

import (
	"fmt"

	"github.com/cdktr/cdktr/lib/run"
)

func (r *Run) change(ev run.Event) error {
	was := r.Status
	r.Status = ev.Status
	if ev.Status == run.Running {
		if was != run.Pending {
			return fmt.Errorf("it was %s", was)
		}
		return nil
	}
	if !ev.Status.Final() {
		return fmt.Errorf("not a status of a run that changes")
	}
	if r.adrift > 0 && !r.lost && !r.Cancelled {
		return fmt.Errorf("%d tasks that were lost were not queued again", r.adrift)
	}
	want := run.Completed
	for _, t := range r.tasks {
		switch {
		case t.Status == run.Pending || t.Status == run.Running:
			return fmt.Errorf("task %s is still %s", t.spec.ID, t.Status)
		case t.Status == run.Crashed:
			want = run.Crashed
		case t.Status == run.Failed && want != run.Crashed:
			want = run.Failed
		}
	}
	if r.Cancelled {
		want = run.Cancelled
	}
	if ev.Status != want {
		return fmt.Errorf("the tasks make it %s", want)
	}
	return nil
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
		t.accepted[ev.Attempt] = ev.AgentRef
	}
	switch ev.Status {
	case run.Running:
		return r.lease(t, was, ev)
	case run.Completed, run.Failed:
		if was != run.Running || ev.Ended == nil {
			return fmt.Errorf("it was %s, without a result", was)
		}
	case run.Crashed:
		return r.lose(t, was)
	case run.Skipped:
		if was != run.Pending || !r.doomed(t) {
			return fmt.Errorf("it was %s, and nothing before it failed", was)
		}
	case run.Cancelled:
		if !r.Cancelled || was != run.Pending && was != run.Running {
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
	case r.Cancelled:
		return fmt.Errorf("leased after the cancel")
	case r.Status != run.Running:
		return fmt.Errorf("leased while the run is %s", r.Status)
	case ev.AgentRef.ID == "":
		return fmt.Errorf("leased to nobody")
	case r.adrift > 0 && !r.lost:
		return fmt.Errorf("leased while %d tasks that were lost are not queued again", r.adrift)
	case r.together() && r.bound != "" && r.bound != ev.AgentRef.ID:
		return fmt.Errorf("leased to %s, and the run stays together on %s", ev.AgentRef.ID, r.bound)
	}
	for _, d := range t.spec.Depends {
		if s := r.tasks[d].Status; s != run.Completed {
			return fmt.Errorf("leased while %s, which it depends on, is %s", d, s)
		}
	}
	t.Attempt, t.Holder, r.bound = ev.Attempt, ev.AgentRef, ev.AgentRef.ID
	t.agents = append(t.agents, ev.AgentRef.ID)
	return nil
}

// doomed tells whether a task that t depends on will never complete.
func (r *Run) doomed(t *Task) bool {
	for _, d := range t.spec.Depends {
		switch r.tasks[d].Status {
		case run.Failed, run.Crashed, run.Skipped:
			return true
		}
	}
	return false
}
