package ui

import (
	"fmt"
	"strings"

	"github.com/cdktr/cdktr/lib/wire"
)

func (s *agentsScreen) view(w, h int) []string {
	k := s.k
	a := s.current()
	there, slots, running := 0, 0, 0
	for i := range k.world.agents {
		if x := &k.world.agents[i]; x.Status != "LOST" {
			there++
			slots += x.Slots
			running += x.Running
		}
	}
	title := k.style.strong.paint("Agents") + fmt.Sprintf(" %s  slots %s/%s", number(len(s.list.names)), number(running), number(slots))
	if lost := len(k.world.agents) - there; lost > 0 {
		title += "  " + k.style.bad.paint(k.glyph.lost+" "+number(lost)+" lost")
	}
	if a == nil {
		s.place = place4{}
		return k.box(title, s.nothing(w-2, h-2), w, h, true)
	}
	below := max(6, h*2/5)
	s.list.still = s.below
	s.place = place4{1, h - below + 1, w - 2, below - 2}
	return append(s.list.show(title, 0, 0, w, h-below, !s.below, s.cells), s.tasksPane(a, w, below)...)
}

func (s *agentsScreen) nothing(w, h int) []string {
	if lines := s.k.notYet(s.k.world.known.agents, "the agents"); lines != nil {
		return s.k.empty(w, h, lines...)
	}
	if s.list.find.on() {
		return s.k.empty(w, h, "no agent matches", "esc clears the filter")
	}
	return s.k.empty(w, h, "no agents yet: nothing can run", "start one with `cdktr-agent`")
}

func (s *agentsScreen) cells(name string) []cell {
	k := s.k
	a := k.agent(name)
	st := k.agentState(a)
	seen := cell{text: k.glyph.none, look: k.style.dim}
	if a.LastSeen != nil {
		seen = cell{text: age(k.now().Sub(a.LastSeen.Time))}
		if a.Status == "LOST" {
			seen.look = k.style.bad
		}
	}
	var what []string
	for i := range a.Tasks {
		what = append(what, a.Tasks[i].Task)
	}
	return []cell{
		{text: a.Agent, look: k.style.strong},
		{text: st.glyph + " " + st.word, look: st.look},
		{bar: s.slots(a)}, seen,
		{text: a.Version, look: k.style.dim},
		{text: labels(a), look: k.style.dim},
		{text: strings.Join(what, " ")},
	}
}

// slots shows how many of them are taken.
func (s *agentsScreen) slots(a *wire.Agent) string {
	k := s.k
	full := 0
	if a.Slots > 0 {
		full = max(min(a.Running*mostBar/a.Slots, mostBar), min(a.Running, 1))
	}
	return k.style.busy.paint(strings.Repeat(k.glyph.full, full)) + k.style.dim.paint(strings.Repeat(k.glyph.empty, mostBar-full)) +
		fmt.Sprintf(" %d/%d", a.Running, a.Slots)
}

func (s *agentsScreen) tasksPane(a *wire.Agent, w, h int) []string {
	k := s.k
	title := k.style.strong.paint(clean(a.Agent)) + " " + k.glyph.dot + " " + plural(len(a.Tasks), "task")
	if text := clean(labels(a)); text != "" {
		title += " " + k.glyph.dot + " " + k.style.dim.paint(text)
	}
	if len(a.Tasks) == 0 {
		what := "nothing runs here"
		if a.Status == "LOST" {
			what = "the agent is lost: what ran on it runs elsewhere"
		}
		return k.box(title, k.empty(w-2, h-2, what), w, h, s.below)
	}
	s.tasks.still = !s.below
	lines := s.tasks.view(w-2, h-2, len(a.Tasks), func(i int) []cell { return s.taskCells(&a.Tasks[i]) })
	return k.box(title, lines, w, h, s.below)
}

func (s *agentsScreen) taskCells(t *wire.Attempt) []cell {
	k := s.k
	cells := []cell{{text: t.Task, look: k.style.strong}, {}, {text: t.Run}, {text: fmt.Sprint(t.Attempt)}, {}, {}}
	if row := k.world.run(t.Run); row != nil {
		cells[1] = cell{text: row.Workflow}
	}
	d := k.world.details.peek(t.Run)
	if d == nil {
		return cells
	}
	for i := range d.Tasks {
		if x := &d.Tasks[i]; x.Task == t.Task && x.Started != nil && x.Ended == nil {
			cells[4] = k.when(x.Started.Time)
			cells[5] = cell{text: age(k.now().Sub(x.Started.Time))}
		}
	}
	return cells
}
