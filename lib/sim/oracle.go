package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/workflow"
)

// What follows from the statuses of a run's tasks alone. It is written down here
// once more, from the words of WORKFLOWS and the docs, and shares nothing with the
// machine.

func (t *Task) live() bool {
	return t.Status == run.Pending || t.Status == run.Waiting || t.Status == run.Running
}

// good tells whether a task with the default condition goes on after t.
func (t *Task) good() bool {
	return t.Status == run.Completed || t.Status == run.Failed && t.spec.AllowFailure
}

// broken tells whether t failed, crashed, or was skipped because of such a one.
func (r *Run) broken(t *Task) bool {
	return t.Status == run.Failed || t.Status == run.Crashed || t.Status == run.Skipped && r.fatal(t) != ""
}

// fatal is a task that t depends on, and that is broken without being allowed to.
func (r *Run) fatal(t *Task) string {
	for _, id := range t.spec.Depends {
		if d := r.tasks[id]; r.broken(d) && !d.good() {
			return id
		}
	}
	return ""
}

// wanted tells whether the condition of a task is met, if all it depends on have
// ended.
func (r *Run) wanted(t *Task) bool {
	some, all := false, true
	for _, id := range t.spec.Depends {
		d := r.tasks[id]
		some = some || r.broken(d)
		all = all && d.good()
	}
	switch t.spec.If {
	case workflow.IfAlways:
		return true
	case workflow.IfFailure:
		return some
	}
	return all
}

// waitsFor is a task that t depends on and that has not ended.
func (r *Run) waitsFor(t *Task) string {
	for _, id := range t.spec.Depends {
		if r.tasks[id].live() {
			return id
		}
	}
	return ""
}

// outcome is what the run is, by its ordinary tasks.
func (r *Run) outcome() run.Status {
	status := run.Completed
	for _, t := range r.tasks {
		switch {
		case t.handler:
		case t.Status == run.Crashed:
			status = run.Crashed
		case t.Status == run.Failed && !t.spec.AllowFailure && status != run.Crashed:
			status = run.Failed
		}
	}
	switch {
	case r.Cancelled:
		return run.Cancelled
	case r.timedOut:
		return run.Failed
	}
	return status
}

func concerns(handler string, outcome run.Status) bool {
	switch handler {
	case workflow.OnSuccessID:
		return outcome == run.Completed
	case workflow.OnFailureID:
		return outcome == run.Failed || outcome == run.Crashed
	}
	return true
}

// comesBefore is a task that must have ended before a handler begins.
func (r *Run) comesBefore(handler string, outcome run.Status) string {
	for id, t := range r.tasks {
		if t.live() && (!t.handler || handler == workflow.OnEndID && id != handler && concerns(id, outcome)) {
			return id
		}
	}
	return ""
}

// judge looks at a run that ends.
func (r *Run) judge(ev run.Event) error {
	want := r.outcome()
	if ev.Status != want {
		return fmt.Errorf("the tasks make it %s", want)
	}
	if r.timedOut && !r.Cancelled && !strings.HasPrefix(ev.Reason, "timeout") {
		return fmt.Errorf("its time was over, and the reason is %q", ev.Reason)
	}
	for id, t := range r.tasks {
		switch {
		case t.live():
			return fmt.Errorf("task %s is still %s", id, t.Status)
		case t.handler:
			begun := t.leases > 0 || t.Status == run.Cancelled && r.quit
			if concerns(id, want) && !begun {
				return fmt.Errorf("%s has not run", id)
			}
			if t.completed > 1 {
				return fmt.Errorf("%s has completed %d times", id, t.completed)
			}
		case r.Cancelled || r.timedOut:
		case t.Status == run.Completed && t.leases == 0: // in an earlier life of the run
		case r.wanted(t) == (t.Status == run.Skipped):
			return fmt.Errorf("task %s is %s", id, t.Status)
		}
	}
	return nil
}

// pause is the time before a retry, by the file.
func pause(spec *workflow.Task, nth int) time.Duration {
	d := time.Duration(spec.Retries.Delay)
	for range nth - 1 {
		if spec.Retries.Backoff > 0 {
			d = time.Duration(float64(d) * spec.Retries.Backoff)
		}
	}
	if most := time.Duration(spec.Retries.MaxDelay); most > 0 {
		d = min(d, most)
	}
	return min(d, 24*time.Hour)
}
