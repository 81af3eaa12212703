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
	if t.unwanted() {
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
	case !last && (!r.together() || t.handler()):
		m.emit(r, t, Event{Kind: TaskQueued, Attempt: t.attempt + 1, Reason: reason})
	case stopping: // it would have started over, and now may not
		m.followAll(r)
	default:
		m.follow(t)
	}
	m.settle(r)
}

func (r *openRun) failsOnLoss() bool { return r.definition.OnAgentLoss == workflow.FailOnLoss }

// foldLoss notes what a crash means for a run that is bound to its agent: it
// starts over, unless something in it is lost for good.
func (m *Machine) foldLoss(t *task, was Status) {
	r := t.run
	t.losses++
	if !r.together() || t.handler() {
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
	home := r.home
	again := func(t *task) {
		m.emit(r, t, Event{Kind: TaskQueued, Attempt: t.next(), Reason: reason, Agent: home.name, AgentRef: home.ref})
	}
	for i := range r.ordinary() {
		if t := &r.tasks[i]; t.status != Pending { // else it has not begun since it was queued
			again(t)
		}
	}
	if r.home != nil { // nothing has: the run leaves its agent all the same
		again(&r.tasks[0])
	}
}

// foldQueued lets a task start again. An event that names the run's agent takes
// the run from there; older logs do not name it, and know no retries. The events
// of a run's starting over mean the same in any order.
func (m *Machine) foldQueued(t *task, ev *Event) {
	r := t.run
	if r.home != nil && (ev.AgentRef.ID != "" || r.status == Running && t.status != Waiting) {
		if !t.handler() {
			r.foldOver()
		}
		m.unbind(r)
	}
	t.attempt, t.reason, t.begun, t.alarm = ev.Attempt, ev.Reason, false, m.silence(t.alarm)
	t.keep(nil)
	m.set(t, Pending)
}

// foldOver notes that a run starts over.
func (r *openRun) foldOver() {
	if !r.startsOver {
		r.stranded++
	}
	r.startsOver = false
	for i := range r.ordinary() {
		r.tasks[i].tries = 0
	}
}

// strand takes the agent away from a run that is bound to it and has nothing
// running there: it starts over as well. If it may not, its next tasks were
// lost with the agent. Its handlers go elsewhere.
func (m *Machine) strand(r *openRun, reason string) {
	if r.left > 0 && !m.loseNext(r, reason) {
		return
	}
	m.settle(r)
	if r.home != nil {
		m.moveHandlers(r, reason)
	}
}

// loseNext crashes what a stranded run would have run next. Otherwise it starts
// over.
func (m *Machine) loseNext(r *openRun, reason string) bool {
	why := reason
	switch {
	case r.failsOnLoss():
		why += "; on_agent_loss is fail"
	case r.doomed:
	case r.stranded+1 >= maxLosses:
		why = fmt.Sprintf("lost %d times between two tasks: %s", maxLosses, reason)
	default:
		m.startOver(r, reason)
		return false
	}
	for more := true; more; { // what comes after a crashed one may be next
		more = false
		for i := range r.ordinary() {
			if t := &r.tasks[i]; t.queued > 0 || t.status == Waiting {
				m.end(t, Crashed, why, nil)
				m.follow(t)
				more = true
			}
		}
	}
	return true
}
