package run

import (
	"fmt"
	"slices"

	"github.com/cdktr/cdktr/lib/workflow"
)

// retry opens a run again that has ended. Its events are put through a machine
// of their own first, for what they make of it.
func (m *Machine) retry(c Retry) {
	open := m.runs[c.Run] != nil
	switch {
	case c.heeded(open):
		m.done(c.Token)
		return
	case open:
		m.refuse(c.Token, Conflict, fmt.Sprintf("run %s has not ended", c.Run))
		return
	case len(c.Story) == 0:
		m.refuse(c.Token, NotFound, fmt.Sprintf("no run %s", c.Run))
		return
	}
	then := New(m.config)
	for _, ev := range c.Story {
		if err := then.Restore(ev); err != nil {
			m.refuse(c.Token, Conflict, err.Error())
			return
		}
	}
	r := then.ended[c.Run]
	switch {
	case r == nil:
		m.refuse(c.Token, Unavailable, fmt.Sprintf("the end of run %s is not in the history yet", c.Run))
		return
	case r.status == Completed:
		m.refuse(c.Token, Conflict, fmt.Sprintf("run %s has completed: there is nothing to retry", c.Run))
		return
	}
	active := m.inTheWay(r.definition)
	if active != nil && r.definition.Overlap == workflow.OverlapSkip {
		m.refuseSkipped(c.Token, skipped(r.definition, active))
		return
	}
	m.noteWall(then.wall) // the times of a run never go back
	m.ended[r.id] = r
	reopened := Event{Kind: RunReopened, Status: Pending}
	back := m.lastHome(r, c.Story)
	if back != nil && active == nil {
		reopened.Agent, reopened.AgentRef = back.name, back.ref
	}
	m.emit(r, nil, reopened)
	if active != nil {
		m.holdBack(r, active, back)
	}
	for i := range r.tasks {
		if t := &r.tasks[i]; t.ended() && (t.status != Completed || t.handler()) {
			m.emit(r, t, Event{Kind: TaskQueued, Attempt: t.next(), Reason: "the run is retried"})
		}
	}
	m.followAll(r)
	m.done(c.Token)
	if active != nil {
		m.replace(r)
	}
	m.settle(r)
}

// heeded tells whether the run was opened again since the end that the command
// names, if it names one: then the same wish has come twice. The story says so,
// or the run is open and the story knows its end only.
func (c Retry) heeded(open bool) bool {
	if c.After == 0 {
		return false
	}
	ended := false
	for _, ev := range c.Story {
		switch ev.Kind {
		case RunReopened:
			if ev.Pos == 0 || ev.Pos > c.After { // 0: it is not in the log yet
				return true
			}
			ended = false
		case RunChanged:
			ended = ev.Status.Final()
		}
	}
	return open && ended
}

// foldReopened takes an ended run back among the open ones, as the newest. What
// was counted begins anew.
func (m *Machine) foldReopened(r *openRun, ev *Event) {
	delete(m.ended, r.id)
	r.definition, r.graph = m.graphs.take(r.definition)
	m.created++
	r.number, r.status = m.created, ev.Status
	r.cancelled, r.timedOut, r.quit, r.reason = false, false, false, ""
	r.startsOver, r.doomed, r.stranded = false, false, 0
	for i := range r.tasks {
		r.tasks[i].losses, r.tasks[i].tries = 0, 0
	}
	m.runs[r.id] = r
	m.foldEnter(r)
	if ev.AgentRef.ID != "" {
		m.bind(r, m.holderOf(ev))
	}
}

// lastHome is the agent that a run with `placement: together` had last, where
// what its tasks have left is, if the run can go there again.
func (m *Machine) lastHome(r *openRun, story []Event) *agent {
	if !r.together() {
		return nil
	}
	for _, ev := range slices.Backward(story) {
		if ev.Kind != TaskChanged || ev.Status != Running {
			continue
		}
		if a := m.agents[ev.AgentRef.ID]; a != nil && a.takes(r.definition) {
			return a
		}
		break
	}
	return nil
}

// takes tells whether the agent may get new runs of a workflow.
func (a *agent) takes(d *workflow.Definition) bool {
	return a.state == live && !a.draining && a.fits(d.Agents)
}

// next is the number of the task's coming attempt, if it starts again.
func (t *task) next() int {
	if t.begun {
		return t.attempt + 1
	}
	return max(t.attempt, 1)
}
