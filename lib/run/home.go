package run

import "github.com/cdktr/cdktr/lib/workflow"

// A run with `placement: together` is bound to the agent of its first lease,
// its home, until it ends or starts over. Its tasks wait in a line of their
// own there, and go before everything else that the agent could get: what is
// begun ends first.

func (r *openRun) together() bool { return r.definition.Placement == workflow.Together }

// bind gives a run its home.
func (m *Machine) bind(r *openRun, a *agent) {
	if r.home == a {
		return
	}
	m.move(r, a)
	a.bound = append(a.bound, r)
}

// unbind takes a run's home away. An agent that drains may have waited for
// this to be told so; one that is only expected back may have stayed for it.
func (m *Machine) unbind(r *openRun) {
	a := r.home
	if a == nil {
		return
	}
	m.move(r, nil)
	for i := range a.bound {
		if a.bound[i] == r {
			a.bound = append(a.bound[:i], a.bound[i+1:]...)
			break
		}
	}
	if a.draining {
		m.mayAnswer(a)
	}
	m.forgetUnused(a)
}

// move takes the run's ready tasks from one line to the other.
func (m *Machine) move(r *openRun, home *agent) {
	for i := range r.tasks {
		m.unqueue(&r.tasks[i], false)
	}
	r.home = home
	m.lineUpAll(r)
}

// lineUp puts a task into the line where it waits for an agent, or for its
// retry, or takes it out of there, as its state wants.
func (m *Machine) lineUp(t *task) {
	switch {
	case t.alarm == nil:
	case t.stops():
		m.alarms.drop(t.alarm)
	default:
		m.alarms.put(t.alarm)
	}
	if t.status != Pending || !t.ready() {
		m.unqueue(t, false)
		return
	}
	if t.queued > 0 {
		return
	}
	m.readied++
	t.readied = m.readied
	if a := t.run.home; a != nil {
		a.ready.put(t)
		m.atHome++
		m.rank(a)
	} else {
		m.queue.push(t)
	}
}

func (m *Machine) lineUpAll(r *openRun) {
	for i := range r.tasks {
		m.lineUp(&r.tasks[i])
	}
}

// unqueue takes a task out of its line, if it is in one. Served: it was leased.
func (m *Machine) unqueue(t *task, served bool) {
	a := t.run.home
	switch {
	case t.queued == 0:
	case a != nil:
		a.ready.drop(t)
		m.atHome--
		m.rank(a)
	default:
		m.queue.remove(t, served)
	}
}
