package run

import (
	"fmt"
	"time"
)

// agent is what the machine knows of one agent. Agents are soft state: only
// the attempts that they hold are in the log. An attempt belongs to an agent's
// id; the incarnation tells the agent's processes apart, the attempt's number
// tells a superseded result.
type agent struct {
	ref    AgentRef
	name   string
	state  presence
	slots  int
	labels map[string]string
	vers   string
	seen   time.Time // on the wall clock, for people

	holds    []*task     // in the order of their leases
	bound    []*openRun  // whose home it is; in the order of their first leases
	ready    heap[*task] // of these runs
	draining bool
	told     bool // that it drains

	pull   Token // the parked pull; 0: none
	seq    int64 // of the newest pull
	leases []Lease
	stops  []AttemptID // these two: for the next answer
	listed bool        // in Machine.answers

	accounts uint64 // counts the accounts (hello, pull) that it gave of what it has

	due         time.Duration // when it is lost; once lost: when it is forgotten
	inWaiting   int
	inDeadlines int
}

// presence is whether an agent is there.
type presence uint8

const (
	absent presence = iota // the log says that it holds attempts; it has not said hello yet
	live
	lost
)

// forgetAfter is how long a lost agent is still listed.
const forgetAfter = 24 * time.Hour

func newAgent(ref AgentRef) *agent {
	return &agent{ref: ref, ready: heap[*task]{before: readyBefore, at: (*task).place}}
}

func (a *agent) free() int { return a.slots - len(a.holds) }

func (m *Machine) hello(c Hello) {
	a := m.agents[c.Agent.ID]
	if a != nil && c.Agent.Incarnation < a.ref.Incarnation {
		m.refuse(c.Token, Fenced, fmt.Sprintf("agent %s was started again since", c.Name))
		return
	}
	if other := m.names[c.Name]; other != nil && other != a {
		m.refuse(c.Token, Unavailable, fmt.Sprintf("the name %s is taken by another agent", c.Name))
		return
	}
	reason := "new"
	if a == nil {
		a = newAgent(c.Agent)
		m.agents[c.Agent.ID] = a
	} else if a.state == lost {
		reason = "back"
	} else {
		reason = "again"
	}
	restarted := c.Agent.Incarnation > a.ref.Incarnation
	if restarted {
		reason = "restarted"
		a.seq, a.draining = 0, false
	}
	m.unpark(a)
	m.rename(a, c.Name)
	a.ref, a.state, a.told = c.Agent, live, false
	a.slots, a.labels, a.vers = c.Slots, c.Labels, c.Version
	m.sign(a)

	m.relabel(a)
	w := Welcome{Token: c.Token}
	a.accounts++
	for _, h := range c.Held {
		if t := m.leased(a, h.AttemptID); t != nil {
			t.seen = a.accounts
			w.Keep = append(w.Keep, h.AttemptID)
		} else {
			w.Kill = append(w.Kill, h.AttemptID)
		}
	}
	if restarted {
		for _, t := range unseen(a) {
			m.crash(t, fmt.Sprintf("agent %s restarted without it", a.name), nil)
		}
	}
	if c.Token != 0 {
		m.effect(w)
	}
	m.effect(AgentChanged{Agent: a.ref, Name: a.name, Status: a.status(), Reason: reason})
}

// known finds the agent that a message comes from, and takes the message as a
// sign of life. It refuses those that have to say hello first, or to end.
func (m *Machine) known(ref AgentRef, token Token) *agent {
	a := m.agents[ref.ID]
	switch {
	case a != nil && ref.Incarnation < a.ref.Incarnation:
		m.refuse(token, Fenced, "the agent was started again since")
	case a == nil || a.state != live || ref.Incarnation > a.ref.Incarnation:
		m.refuse(token, NotFound, "the agent is not known: say hello")
	default:
		m.sign(a)
		return a
	}
	return nil
}

// sign notes that the agent lives.
func (m *Machine) sign(a *agent) {
	a.seen = m.wall
	a.due = m.mono + m.config.HeartbeatTimeout
	m.deadlines.put(a)
}

func (m *Machine) renew(c Renew) {
	if m.known(c.Agent, c.Token) != nil {
		m.done(c.Token)
	}
}

func (m *Machine) drain(c Drain) {
	a := m.names[c.Name]
	if a == nil {
		m.refuse(c.Token, NotFound, fmt.Sprintf("no agent %q", c.Name))
		return
	}
	m.done(c.Token)
	if a.draining {
		return
	}
	a.draining = true
	m.rank(a)
	m.mayAnswer(a)
	m.effect(AgentChanged{Agent: a.ref, Name: a.name, Status: Draining})
}

func (m *Machine) leave(c Leave) {
	a := m.known(c.Agent, c.Token)
	if a == nil {
		return
	}
	m.part(a, fmt.Sprintf("agent %s left", a.name))
	m.forget(a)
	m.done(c.Token)
	m.effect(AgentChanged{Agent: a.ref, Name: a.name})
}

// lose gives up on an agent that has shown no sign for too long.
func (m *Machine) lose(a *agent) {
	reason := fmt.Sprintf("agent %s lost: no sign since %s", a.name, a.seen.Format("2006-01-02T15:04:05.000Z"))
	m.part(a, reason)
	m.agents[a.ref.ID] = a // an absent one went with its last attempt
	a.state = lost
	a.due = m.mono + forgetAfter
	m.deadlines.put(a)
	m.effect(AgentChanged{Agent: a.ref, Name: a.name, Status: Lost, Reason: reason})
}

// dismissed tells whether the agent is to be told that it drains: not while
// runs are bound to it.
func (a *agent) dismissed() bool { return a.draining && len(a.bound) == 0 }

// part takes everything away from an agent: its attempts, its runs, its place
// in the line, its name.
func (m *Machine) part(a *agent, reason string) {
	m.unpark(a)
	for _, t := range append([]*task(nil), a.holds...) {
		m.crash(t, reason, nil)
	}
	for _, r := range append([]*openRun(nil), a.bound...) {
		m.strand(r, reason)
	}
	m.rename(a, "")
}

// forget removes the agent.
func (m *Machine) forget(a *agent) {
	m.rename(a, "")
	m.deadlines.drop(a)
	m.queue.withdraw(a)
	delete(m.agents, a.ref.ID)
}

// rename moves the agent to another name, or with "" frees the one that it
// has; its last name stays readable.
func (m *Machine) rename(a *agent, name string) {
	if m.names[a.name] == a {
		delete(m.names, a.name)
	}
	if name != "" {
		a.name = name
		m.names[name] = a
	}
}

// forgiveOwnSleep gives every agent a new timeout when no command came for so
// long that ticks were missed: then it was the principal that was away
// (suspended, stopped), and the agents' signs are still unread in its sockets.
//
// An absence too short to be seen here leaves an agent that renews every third
// of the timeout the rest of it to be heard.
func (m *Machine) forgiveOwnSleep(since time.Duration) {
	if m.mono-since <= m.config.HeartbeatTimeout/2 {
		return
	}
	for _, a := range m.agents {
		if a.state != lost {
			a.due = m.mono + m.config.HeartbeatTimeout
			m.deadlines.put(a)
		}
	}
}
