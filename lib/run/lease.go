package run

// dispatch leases ready tasks to waiting agents until none fits another.
func (m *Machine) dispatch() {
	for {
		t, a := m.queue.first()
		if t == nil {
			return
		}
		m.lease(t, a)
	}
}

func (m *Machine) lease(t *task, a *agent) {
	r := t.run
	if r.status == Pending {
		m.emit(r, nil, Event{Kind: RunChanged, Status: Running})
	}
	m.emit(r, t, Event{
		Kind:     TaskChanged,
		Status:   Running,
		Attempt:  max(t.attempt, 1),
		Agent:    a.name,
		AgentRef: a.ref,
	})
	m.deliver(a, t)
}

// deliver puts a lease into the agent's next answer.
func (m *Machine) deliver(a *agent, t *task) {
	l := Lease{
		AttemptID:  t.id(),
		Definition: t.run.definition,
		Task:       t.spec(),
		Params:     t.run.params,
		Scheduled:  t.run.scheduled,
	}
	t.upstream(&l)
	if t.handler() {
		l.Outcome, _ = t.run.verdict()
	}
	if t.attempt > 1 {
		l.Again = t.reason
	}
	a.leases = append(a.leases, l)
	m.mayAnswer(a)
}

// leased returns the task of an attempt that the agent holds, or nil.
func (m *Machine) leased(a *agent, id AttemptID) *task {
	r := m.runs[id.Run]
	if r == nil {
		return nil
	}
	t := r.task(id.Task)
	if t == nil || t.holder != a || t.attempt != id.Attempt {
		return nil
	}
	return t
}

// holderOf finds the agent that a RUNNING event names. In a replay nobody has
// said hello yet: the agent is expected back, and its name is kept for it.
func (m *Machine) holderOf(ev *Event) *agent {
	a := m.agents[ev.AgentRef.ID]
	if a == nil {
		a = newAgent(ev.AgentRef)
		m.agents[a.ref.ID] = a
	}
	if a.state == absent {
		a.ref.Incarnation = max(a.ref.Incarnation, ev.AgentRef.Incarnation)
		m.rename(a, ev.Agent)
	}
	return a
}

func (m *Machine) hold(a *agent, t *task) {
	t.holder, t.seen = a, 0
	a.holds = append(a.holds, t)
	m.running++
	m.rank(a)
}

// release ends t's lease, if it has one.
func (m *Machine) release(t *task) {
	a := t.holder
	if a == nil {
		return
	}
	t.holder = nil
	m.running--
	for i := range a.holds {
		if a.holds[i] == t {
			a.holds = append(a.holds[:i], a.holds[i+1:]...)
			break
		}
	}
	m.rank(a)
	m.forgetUnused(a)
}

// forgetUnused forgets an agent that is expected back, when nothing in the log
// is its any more.
func (m *Machine) forgetUnused(a *agent) {
	if a.state == absent && len(a.holds)+len(a.bound) == 0 {
		m.forget(a)
	}
}

// rank puts the agent where it belongs among those that wait for work. One
// that drains waits for the rest of what it has begun.
func (m *Machine) rank(a *agent) {
	if a.pull != 0 && a.free() > 0 && (!a.draining || a.ready.len() > 0) {
		m.queue.offer(a)
	} else {
		m.queue.withdraw(a)
	}
}

// unseen returns the attempts that the agent holds and that its newest account
// did not name.
func unseen(a *agent) []*task {
	var missing []*task
	for _, t := range a.holds {
		if t.seen != a.accounts {
			missing = append(missing, t)
		}
	}
	return missing
}
