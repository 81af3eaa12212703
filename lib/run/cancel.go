package run

import "fmt"

// cancel ends what has not begun, asks the agents to stop what has, and leaves
// the run open until the last of them has answered.
func (m *Machine) cancel(c Cancel) {
	r := m.runs[c.Run]
	if r == nil {
		m.refuse(c.Token, NotFound, fmt.Sprintf("no open run %s", c.Run))
		return
	}
	m.done(c.Token)
	if r.cancelled {
		return
	}
	reason := c.Reason
	if reason == "" {
		reason = "cancelled"
	}
	m.emit(r, nil, Event{Kind: CancelRequested, Reason: reason})
	for i := range r.tasks {
		t := &r.tasks[i]
		switch {
		case t.ended():
		case t.holder == nil:
			m.end(t, Cancelled, reason, nil)
		case t.holder.pull != 0:
			t.holder.stops = append(t.holder.stops, t.id())
			m.mayAnswer(t.holder)
		}
	}
	m.settle(r)
}
