package run

import "fmt"

// pull parks an agent's offer and sets right what the agent has against what
// it holds.
//
// An agent ignores the answer to any pull but its newest. So an attempt that
// the newest pull does not name is not running there, and never will be
// without another lease.
func (m *Machine) pull(c Pull) {
	a := m.known(c.Agent, c.Token)
	if a == nil {
		return
	}
	if c.Seq <= a.seq {
		if c.Token != 0 {
			m.effect(Work{Token: c.Token, Drain: a.dismissed()})
		}
		return
	}
	m.unpark(a)
	a.seq = c.Seq
	if c.Token != 0 {
		a.pull = c.Token
		m.parked[c.Token] = a
	}
	m.rank(a)
	m.mayAnswer(a)

	a.accounts++
	for _, h := range c.Held {
		t := m.leased(a, h.AttemptID)
		if t != nil {
			t.seen = a.accounts
		}
		if h.State == HeldRunning && (t == nil || t.stops()) {
			a.stops = append(a.stops, h.AttemptID)
		}
	}
	for _, t := range unseen(a) {
		if t.stops() {
			m.crash(t, fmt.Sprintf("agent %s never had it", a.name), nil)
		} else {
			m.deliver(a, t)
		}
	}
}

// expire answers a pull that has been parked for long enough.
func (m *Machine) expire(c Expire) {
	if a := m.parked[c.Token]; a != nil {
		m.unpark(a)
	}
}

// unpark answers the agent's parked pull, if there is one, with nothing.
func (m *Machine) unpark(a *agent) {
	a.leases, a.stops = nil, nil
	if a.pull == 0 {
		return
	}
	m.effect(Work{Token: a.pull, Drain: a.dismissed()})
	a.told = a.dismissed()
	m.clear(a)
}

// clear leaves the agent without a parked pull.
func (m *Machine) clear(a *agent) {
	delete(m.parked, a.pull)
	a.pull = 0
	m.rank(a)
}

func (m *Machine) mayAnswer(a *agent) {
	if !a.listed {
		a.listed = true
		m.answers = append(m.answers, a)
	}
}

// answer lets the parked pulls go that have something to say. An agent is told
// once at once that it drains, and from then on with whatever is said.
func (m *Machine) answer() {
	for _, a := range m.answers {
		leases, stops := a.leases, a.stops
		a.listed, a.leases, a.stops = false, nil, nil
		if a.pull == 0 || len(leases)+len(stops) == 0 && (!a.dismissed() || a.told) {
			continue
		}
		m.effect(Work{Token: a.pull, Leases: leases, Stop: stops, Drain: a.dismissed()})
		a.told = a.dismissed()
		m.clear(a)
	}
}
