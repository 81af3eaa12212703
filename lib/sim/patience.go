package sim

import (
	"time"

	"github.com/cdktr/cdktr/lib/run"
)

// wait is something that the machine does not do before a while is over. A
// principal that was restarted goes by the wall clock, which may have jumped.
type wait struct {
	since time.Duration
	life  int
	least time.Duration
}

func (j *judge) begin(least time.Duration) wait {
	return wait{since: j.w.now, life: j.w.principal.life, least: least}
}

func (j *judge) tooEarly(t wait) bool {
	sure := t.life == j.w.principal.life || j.w.odds.jump == 0
	return sure && j.w.now < t.since+t.least
}

// time looks at what may not come too early: a retry, the end of a run's time, and
// another cancel.
func (j *judge) time(ev run.Event) {
	id := run.AttemptID{Run: ev.Run, Task: ev.Task, Attempt: ev.Attempt}
	switch {
	case ev.Status == run.Waiting:
		r := j.history.Runs[ev.Run]
		j.waits[id] = j.begin(pause(r.tasks[ev.Task].spec, r.tasks[ev.Task].tries+1))
	case ev.Kind == run.TaskQueued && ev.AgentRef.ID == "":
		if t, waits := j.waits[id]; waits && j.tooEarly(t) {
			j.w.fail("%v is tried again before its time", id)
		}
		delete(j.waits, id)
	case ev.Kind == run.TaskQueued || ev.Kind == run.TaskChanged:
		delete(j.waits, id)
	case ev.Kind == run.RunChanged && ev.Status == run.Running:
		j.clocks[ev.Run] = j.begin(0)
	case ev.Kind == run.CancelRequested:
		at, again := j.cancels[ev.Run]
		if again && j.history.Runs[ev.Run].Cancelled && j.w.now < at+sameWish {
			j.w.fail("the cancel of %s counts twice", ev.Run)
		}
		j.cancels[ev.Run] = j.w.now
	case ev.Kind == run.RunReopened:
		delete(j.cancels, ev.Run)
	case ev.Kind == run.RunTimedOut:
		t := j.clocks[ev.Run]
		t.least = time.Duration(j.history.Runs[ev.Run].Definition.Timeout)
		if j.tooEarly(t) {
			j.w.fail("the time of %s is over too early", ev.Run)
		}
	}
}
