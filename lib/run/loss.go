package run

import (
	"fmt"

	"github.com/cdktr/cdktr/lib/workflow"
)

// crash ends an attempt that was lost. Its task is queued again, and with
// `placement: together` its run starts over, unless that happened too often or
// nobody wants it any more.
func (m *Machine) crash(t *task, reason string, ended *Ended) {
	r := t.run
	if r.cancelled {
		m.end(t, Cancelled, r.reason, ended)
		m.settle(r)
		return
	}
	last := true
	why := reason
	switch {
	case r.failsOnLoss():
		why += "; on_agent_loss is fail"
	case t.losses+1 >= maxLosses:
		why = fmt.Sprintf("lost %d times: %s", maxLosses, reason)
	default:
		last = false
	}
	stopping := r.startsOver
	m.end(t, Crashed, why, ended)
	switch {
	case r.startsOver:
		if !stopping {
			m.stopAll(r)
		}
	case !last && !r.together():
		m.emit(r, t, Event{Kind: TaskQueued, Attempt: t.attempt + 1, Reason: reason})
	case stopping: // it would have started over, and now may not
		m.skipAfterCrashed(r)
	default:
		m.skipDependents(t)
	}
	m.settle(r)
}

func (r *openRun) failsOnLoss() bool { return r.definition.OnAgentLoss == workflow.FailOnLoss }

// foldLoss notes what a crash means for a run that is bound to its agent: it
// starts over, unless something in it is lost for good.
func (m *Machine) foldLoss(t *task, was Status) {
	r := t.run
	t.losses++
	if !r.together() {
		return
	}
	if was != Running || t.losses >= maxLosses || r.failsOnLoss() {
		r.doomed = true
	}
	if r.startsOver == r.doomed {
		r.startsOver = !r.doomed
		m.lineUpAll(r)
	}
}

// startOver queues all of a run again, for whichever agent takes it, once
// nothing of it runs any more: no new attempt meets an old one.
func (m *Machine) startOver(r *openRun, reason string) {
	for i := range r.tasks {
		if r.tasks[i].holder != nil {
			return
		}
	}
	for i := range r.tasks {
		t := &r.tasks[i]
		switch t.status {
		case Pending: // it has not begun since it was queued
		case Skipped: // nor had it
			m.emit(r, t, Event{Kind: TaskQueued, Attempt: max(t.attempt, 1), Reason: reason})
		default:
			m.emit(r, t, Event{Kind: TaskQueued, Attempt: t.attempt + 1, Reason: reason})
		}
	}
}

// foldQueued lets a task start again. In a run that is bound this is part of
// its starting over, whose events mean the same in any order.
func (m *Machine) foldQueued(t *task, ev *Event) {
	r := t.run
	if r.home != nil {
		if !r.startsOver {
			r.stranded++
		}
		r.startsOver = false
		m.unbind(r)
	}
	was := t.status
	if t.ended() {
		r.left++
	}
	t.status, t.attempt, t.reason = Pending, ev.Attempt, ev.Reason
	if was == Completed {
		for _, i := range r.graph.dependents[t.number] {
			d := &r.tasks[i]
			d.missing++
			m.lineUp(d)
		}
	}
	m.lineUp(t)
}

// strand takes the agent away from a run that is bound to it and has nothing
// running there: it starts over as well. If it may not, its next tasks were
// lost with the agent.
func (m *Machine) strand(r *openRun, reason string) {
	why := reason
	switch {
	case r.failsOnLoss():
		why += "; on_agent_loss is fail"
	case r.doomed:
	case r.stranded+1 >= maxLosses:
		why = fmt.Sprintf("lost %d times between two tasks: %s", maxLosses, reason)
	default:
		m.startOver(r, reason)
		return
	}
	for i := range r.tasks {
		if t := &r.tasks[i]; t.queued > 0 {
			m.end(t, Crashed, why, nil)
			m.skipDependents(t)
		}
	}
	m.settle(r)
}

// skipAfterCrashed skips what depends on the run's crashed tasks.
func (m *Machine) skipAfterCrashed(r *openRun) {
	for i := range r.tasks {
		if t := &r.tasks[i]; t.status == Crashed {
			m.skipDependents(t)
		}
	}
}
