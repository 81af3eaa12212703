package sim

import (
	"fmt"

	"github.com/cdktr/cdktr/lib/run"
)

// owes tells whether a task that has just failed is to be tried again.
func (r *Run) owes(t *Task) bool {
	over := r.together() && r.adrift > 0 && !r.lost && !t.handler
	return t.tries < t.spec.Retries.Limit && !r.unwanted(t) && !over
}

// unwanted tells whether nobody wants a task to run any more.
func (r *Run) unwanted(t *Task) bool {
	if t.handler {
		return r.quit
	}
	return r.Cancelled || r.timedOut
}

// wait lets a task wait for its retry: right after it failed, and never too often.
func (r *Run) wait(t *Task, was run.Status, ev run.Event) error {
	switch {
	case r.owed != t || was != run.Failed:
		return fmt.Errorf("it was %s", was)
	case ev.Attempt != t.Attempt+1:
		return fmt.Errorf("it waits for attempt %d after %d", ev.Attempt, t.Attempt)
	}
	r.owed = nil
	t.tries++
	return nil
}

// reopen begins another life of a run.
func (r *Run) reopen(ev run.Event) error {
	was := r.Status
	r.Status, r.held = ev.Status, false
	if !was.Final() || was == run.Completed || ev.Status != run.Pending {
		return fmt.Errorf("it was %s", was)
	}
	r.Reopened++
	r.Cancelled, r.timedOut, r.quit = false, false, false
	r.adrift, r.lost, r.stranded = 0, false, 0
	r.bound, r.missing = ev.AgentRef.ID, make(map[string]bool)
	for id, t := range r.tasks {
		t.losses, t.tries, t.leases, t.completed = 0, 0, 0, 0
		if t.Status != run.Completed || t.handler {
			r.missing[id] = true
		}
	}
	r.reopening = len(r.missing) > 0
	return nil
}

// hold keeps a run back, or lets it begin.
func (r *Run) hold(ev run.Event) error {
	if r.held == (ev.Kind == run.RunHeld) || r.Status != run.Pending || r.Cancelled {
		return fmt.Errorf("it is %s, held %v, cancelled %v", r.Status, r.held, r.Cancelled)
	}
	if r.held = !r.held; !r.held {
		r.bound = ev.AgentRef.ID
	}
	return nil
}

// halt notes a cancel or a timeout.
func (r *Run) halt(ev run.Event) error {
	working := false
	for _, t := range r.tasks {
		working = working || t.live() && !t.handler
	}
	if working {
		r.adrift = 0
		for _, t := range r.tasks {
			t.adrift = false
		}
	}
	if ev.Kind == run.RunTimedOut {
		if r.timedOut || r.Cancelled || !working || r.Definition.Timeout == 0 || r.Status != run.Running {
			return fmt.Errorf("its time is not over")
		}
		r.timedOut = true
		return nil
	}
	if r.quit || r.Cancelled && working {
		return fmt.Errorf("cancelled twice")
	}
	r.Cancelled, r.quit = true, !working || r.held
	r.Cancels++
	return nil
}
