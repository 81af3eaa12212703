package run

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/workflow"
)

// Counts are the machine's sizes.
type Counts struct {
	OpenRuns     int
	ReadyTasks   int // wait for an agent
	RunningTasks int // leased
	Agents       int // not lost
}

// Counts returns the machine's sizes, without looking at each thing.
func (m *Machine) Counts() Counts {
	return Counts{OpenRuns: len(m.runs), ReadyTasks: m.queue.size + m.atHome, RunningTasks: m.running, Agents: len(m.names)}
}

// View is an open run. Definition and Params are not to be changed.
type View struct {
	Run        string
	Definition *workflow.Definition
	Params     map[string]string
	Status     Status
	Cancelled  bool // a cancel was requested
	TimedOut   bool // its time is over
}

// Run returns an open run; ok is false when there is none of that id, also
// when it has ended.
func (m *Machine) Run(id string) (v View, ok bool) {
	r := m.runs[id]
	if r == nil {
		return View{}, false
	}
	return View{Run: r.id, Definition: r.definition, Params: r.params, Status: r.status, Cancelled: r.cancelled, TimedOut: r.timedOut}, true
}

// Open tells whether the run has been accepted and has not ended.
func (m *Machine) Open(run string) bool { return m.runs[run] != nil }

// OpenRuns returns the ids of the open runs, oldest first.
func (m *Machine) OpenRuns() []string {
	ids := make([]string, 0, len(m.runs))
	for _, r := range m.inOrder() {
		ids = append(ids, r.id)
	}
	return ids
}

func (m *Machine) inOrder() []*openRun {
	rs := make([]*openRun, 0, len(m.runs))
	for _, r := range m.runs {
		rs = append(rs, r)
	}
	sort.Slice(rs, func(i, j int) bool { return rs[i].number < rs[j].number })
	return rs
}

// Agent is an agent as people see it.
type Agent struct {
	Ref      AgentRef
	Name     string
	Status   AgentStatus
	Slots    int // 0 while a restarted principal waits for its hello
	Labels   map[string]string
	Version  string
	Seen     time.Time // the last sign of life, on the wall clock
	Attempts []AttemptID
}

// Agents returns all agents, lost ones too, ordered by name, then id.
func (m *Machine) Agents() []Agent {
	as := make([]Agent, 0, len(m.agents))
	for _, a := range m.agents {
		v := Agent{
			Ref:     a.ref,
			Name:    a.name,
			Status:  a.status(),
			Slots:   a.slots,
			Labels:  a.labels,
			Version: a.vers,
			Seen:    a.seen,
		}
		for _, t := range a.holds {
			v.Attempts = append(v.Attempts, t.id())
		}
		as = append(as, v)
	}
	sort.Slice(as, func(i, j int) bool {
		if as[i].Name != as[j].Name {
			return as[i].Name < as[j].Name
		}
		return as[i].Ref.ID < as[j].Ref.ID
	})
	return as
}

// Expects tells whether the agent with this id is there, or expected back: it
// is known, and not lost.
func (m *Machine) Expects(id string) bool {
	a := m.agents[id]
	return a != nil && a.state != lost
}

// Holds tells whether the agent with this id has the lease of the attempt.
func (m *Machine) Holds(id string, attempt AttemptID) bool {
	a := m.agents[id]
	return a != nil && m.leased(a, attempt) != nil
}

func (a *agent) status() AgentStatus {
	switch {
	case a.state == lost:
		return Lost
	case a.draining:
		return Draining
	case a.free() <= 0:
		return Busy
	default:
		return Ready
	}
}

// String is what the events of the open runs have made of the machine, as
// text: equal before a crash and after the replay. It is for tests.
func (m *Machine) String() string {
	var b strings.Builder
	for _, r := range m.inOrder() {
		fmt.Fprintf(&b, "%s %s %s", r.id, r.definition.ID, r.status)
		if r.cancelled {
			fmt.Fprintf(&b, " cancelled: %s", r.reason)
		}
		if r.timedOut {
			fmt.Fprintf(&b, " timed out: %s", r.reason)
		}
		if r.quit {
			b.WriteString(" quits")
		}
		if r.held {
			b.WriteString(" held")
		}
		if r.back != "" {
			fmt.Fprintf(&b, " back to %s", r.back)
		}
		if r.outputs > 0 {
			fmt.Fprintf(&b, " outputs=%d", r.outputs)
		}
		if r.home != nil {
			fmt.Fprintf(&b, " at %s", r.home.ref.ID)
		}
		if r.startsOver {
			b.WriteString(" starts over")
		}
		if r.doomed {
			b.WriteString(" doomed")
		}
		if r.stranded > 0 {
			fmt.Fprintf(&b, " stranded=%d", r.stranded)
		}
		b.WriteByte('\n')
		for i := range r.tasks {
			t := &r.tasks[i]
			fmt.Fprintf(&b, "  %s#%d %s missing=%d losses=%d", t.spec().ID, t.attempt, t.status, t.deps[open]+t.deps[harmless]+t.deps[bad], t.losses)
			if n := t.deps[bad] + t.deps[allowed]; n > 0 {
				fmt.Fprintf(&b, " bad=%d", n)
			}
			if t.deps[harmless] > 0 {
				fmt.Fprintf(&b, " harmless=%d", t.deps[harmless])
			}
			if t.tries > 0 {
				fmt.Fprintf(&b, " tries=%d", t.tries)
			}
			if len(t.outputs) > 0 {
				fmt.Fprintf(&b, " outputs=%d", len(t.outputs))
			}
			if t.holder != nil {
				fmt.Fprintf(&b, " held by %s", t.holder.ref.ID)
			}
			if t.queued > 0 {
				b.WriteString(" ready")
			}
			b.WriteByte('\n')
		}
	}
	m.writeGates(&b)
	m.writeSchedules(&b)
	return b.String()
}
