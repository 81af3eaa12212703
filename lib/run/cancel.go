package run

import (
	"fmt"
	"time"
)

// sameWish is how long after a cancel another is taken for the same one, sent
// again because its answer was lost: it must not cut on_end short.
const sameWish = 10 * time.Second

// cancel ends what has not begun, asks the agents to stop what has, and leaves
// the run open until the last of them has answered. A run in whose handlers it
// comes stops those too; one that is held has begun nothing, and runs none.
func (m *Machine) cancel(c Cancel) {
	r := m.runs[c.Run]
	if r == nil {
		m.refuse(c.Token, NotFound, fmt.Sprintf("no open run %s", c.Run))
		return
	}
	m.done(c.Token)
	if r.quit || r.cancelled && (r.left > 0 || m.mono-r.cancelledAt < sameWish) {
		return
	}
	reason := c.Reason
	if reason == "" {
		reason = "cancelled"
	}
	m.stop(r, reason)
}

// stop cancels a run.
func (m *Machine) stop(r *openRun, reason string) {
	stopping := r.left > 0 && r.stops()
	m.emit(r, nil, Event{Kind: CancelRequested, Reason: reason})
	m.halt(r, stopping)
	m.settle(r)
}

// halt ends what is not wanted any more and has not begun, and stops the rest.
// Stopping: the agents have been told.
func (m *Machine) halt(r *openRun, stopping bool) {
	for i := range r.tasks {
		if t := &r.tasks[i]; !t.ended() && t.holder == nil && t.unwanted() {
			m.end(t, Cancelled, r.reason, nil)
		}
	}
	if !stopping {
		m.stopAll(r)
	}
}

// stopAll has the agents stop what they run of a run. One whose pull is not
// parked learns of it from the answer to its next.
func (m *Machine) stopAll(r *openRun) {
	for i := range r.tasks {
		if t := &r.tasks[i]; t.holder != nil && t.holder.pull != 0 {
			t.holder.stops = append(t.holder.stops, t.id())
			m.mayAnswer(t.holder)
		}
	}
}
