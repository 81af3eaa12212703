package run

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cdktr/cdktr/lib/workflow"
)

// gate is the open runs of one workflow. Each run brings its own limit, that of
// its definition, for how many may be active: no more than that are when it
// begins. The others are held, first come first served, and one whose limit
// would let it pass waits behind the rest all the same.
//
// Invariant between two commands: the first of the held ones finds its limit
// reached. So there is an active run, whose end lets it in.
type gate struct {
	workflow string
	active   roll
	leaving  roll // active too, and cancelled
	held     roll
	listed   bool // in Machine.ajar
}

// gate finds or makes the gate of a workflow.
func (m *Machine) gate(workflow string) *gate {
	g := m.gates[workflow]
	if g == nil {
		g = &gate{workflow: workflow}
		m.gates[workflow] = g
	}
	return g
}

// oldest is an active run whose end is to be waited for, or nil. One that is
// stopping goes first.
func (g *gate) oldest() *openRun {
	if g.leaving.first != nil {
		return g.leaving.first
	}
	return g.active.first
}

// room tells whether the limit of a definition lets one more run begin.
func (g *gate) room(d *workflow.Definition) bool {
	limit := d.Limit()
	return limit == 0 || g.active.size+g.leaving.size < limit
}

// inTheWay is the run that a new one of this definition would have to wait for,
// or nil if it may begin.
func (m *Machine) inTheWay(d *workflow.Definition) *openRun {
	g := m.gates[d.ID]
	if g == nil || d.Limit() == 0 || g.held.size == 0 && g.room(d) {
		return nil
	}
	return g.oldest()
}

// skipped says why there is no run.
func skipped(d *workflow.Definition, active *openRun) string {
	return fmt.Sprintf("workflow %s is active: run %s (overlap: skip)", d.ID, active.id)
}

// waits says why a run is held.
func waits(d *workflow.Definition, active *openRun) string {
	rule := "overlap: " + string(d.Overlap)
	if d.Overlap == "" {
		rule = fmt.Sprintf("max_active_runs: %d", d.MaxActiveRuns)
	}
	return fmt.Sprintf("waits for run %s to end (%s)", active.id, rule)
}

// holdBack keeps a run back that has just been created or opened again. Back is the
// agent that it is to go back to, or nil.
func (m *Machine) holdBack(r, active *openRun, back *agent) {
	ev := Event{Kind: RunHeld, Reason: waits(r.definition, active)}
	if back != nil {
		ev.Agent, ev.AgentRef = back.name, back.ref
	}
	m.emit(r, nil, ev)
}

// replace makes room for a held run whose definition wants that: whoever is held
// before it goes, and as many of the active ones as are too many with it.
func (m *Machine) replace(r *openRun) {
	if r.definition.Overlap != workflow.OverlapReplace {
		return
	}
	g := r.gate
	reason := fmt.Sprintf("replaced by run %s (overlap: replace)", r.id)
	for g.held.first != r {
		m.stop(g.held.first, reason)
	}
	for g.active.first != nil && g.active.size >= r.definition.Limit() {
		m.stop(g.active.first, reason)
	}
}

// letIn lets the held runs begin that now may. It comes after each command: what
// is let in may end at once, and let in the next.
func (m *Machine) letIn() {
	for len(m.ajar) > 0 {
		last := len(m.ajar) - 1
		g := m.ajar[last]
		m.ajar, g.listed = m.ajar[:last], false
		for r := g.held.first; r != nil && g.room(r.definition); r = g.held.first {
			ev := Event{Kind: RunReleased}
			if a := m.agents[r.back]; a != nil && a.takes(r.definition) {
				ev.Agent, ev.AgentRef = a.name, a.ref
			}
			m.emit(r, nil, ev)
			m.settle(r)
		}
	}
}

// mayLetIn notes that somebody may have come to be let in.
func (m *Machine) mayLetIn(g *gate) {
	if g.held.size > 0 && !g.listed {
		g.listed = true
		m.ajar = append(m.ajar, g)
	}
}

// foldEnter takes a run among the active ones of its workflow.
func (m *Machine) foldEnter(r *openRun) {
	r.gate = m.gate(r.definition.ID)
	r.gate.active.enter(r)
}

// foldLeave takes it out, wherever it is.
func (m *Machine) foldLeave(r *openRun) {
	g := r.gate
	r.leave()
	r.gate, r.held, r.back = nil, false, ""
	m.mayLetIn(g)
	if g.active.size+g.leaving.size+g.held.size == 0 {
		delete(m.gates, g.workflow)
	}
}

func (m *Machine) foldHeld(r *openRun, ev *Event) {
	r.held, r.back = true, ev.AgentRef.ID
	r.gate.held.enter(r)
	m.lineUpAll(r)
}

func (m *Machine) foldReleased(r *openRun, ev *Event) {
	r.held, r.back = false, ""
	r.gate.active.enter(r)
	if ev.AgentRef.ID != "" {
		m.bind(r, m.holderOf(ev))
	}
	m.lineUpAll(r)
}

// writeGates tells the order of those that wait, for Machine.String.
func (m *Machine) writeGates(b *strings.Builder) {
	for _, workflow := range slices.Sorted(maps.Keys(m.gates)) {
		g := m.gates[workflow]
		if g.held.size == 0 {
			continue
		}
		fmt.Fprintf(b, "%s:", workflow)
		for _, l := range []struct {
			name string
			roll roll
		}{{"active", g.active}, {"leaving", g.leaving}, {"held", g.held}} {
			if l.roll.size > 0 {
				fmt.Fprintf(b, " %s", l.name)
			}
			for r := l.roll.first; r != nil; r = r.spot.next {
				fmt.Fprintf(b, " %s", r.id)
			}
		}
		b.WriteByte('\n')
	}
}
