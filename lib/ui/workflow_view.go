package ui

import (
	"strings"

	"github.com/cdktr/cdktr/lib/ui/timeline"
)

// headline is what the list says of the workflow.
func (s *workflowScreen) headline() string {
	f := s.k.world.workflow(s.id)
	if f == nil {
		return ""
	}
	st := (&workflowsScreen{k: s.k}).state(f)
	text := st.look.paint(st.glyph + " " + st.word)
	if f.Next != nil && !f.Paused {
		text += "   next " + s.k.clock(f.Next.Time)
	}
	if results := s.k.results(s.id, 8); results != "" {
		text += "   " + results
	}
	return text
}

func (s *workflowScreen) view(w, h int) []string {
	k := s.k
	broken := s.loadErrors(w)
	if len(broken) > h/2 {
		broken = broken[:h/2]
	}
	h -= len(broken)
	if s.def == nil {
		lines := []string{"reading workflow " + s.id}
		switch {
		case s.failed != "":
			lines = []string{s.failed, "q goes back"}
			if len(broken) > 0 {
				lines = []string{"the file has not loaded yet", "the workflow is shown as soon as it does; q goes back"}
			}
		case !k.alive():
			lines = []string{"the principal is away", "the workflow is shown as soon as it is back"}
		}
		return append(broken, k.emptyText(w, h, lines...)...)
	}
	n := len(s.drawn.Tasks)
	upper := max(4, min(n+3, h/2))
	s.places = [2]place4{{1, len(broken) + 1, w - 2, upper - 2}, {0, len(broken) + upper, w, h - upper}}
	lines := append(broken, s.dag(w, upper)...)
	return append(lines, s.definition(w, h-upper)...)
}

// loadErrors are those of the file as it is now: the definition is the one before.
func (s *workflowScreen) loadErrors(w int) []string {
	f := s.k.world.workflow(s.id)
	if f == nil || len(f.Errors) == 0 {
		return nil
	}
	lines := s.k.problems(f.Errors, w)
	if s.def != nil {
		lines = append(lines, "   "+s.k.style.dim.paint("below is the definition that was loaded before: it is still the one that runs"))
	}
	return lines
}

// dag is the tasks in order of their dependencies, with these as lines.
func (s *workflowScreen) dag(w, h int) []string {
	k := s.k
	if limit := timeline.GutterLimit(w - 2); limit != s.limit {
		s.limit, s.graph = limit, timeline.Arrange(s.drawn.Tasks, limit)
		longest := 4
		for i := range s.drawn.Tasks {
			longest = max(longest, min(width(s.drawn.Tasks[i].ID), 40))
		}
		s.tasks.k = k
		s.tasks.cols = []column{
			{title: "GRAPH", width: max(5, s.graph.Width)},
			{title: "TASK", width: min(longest, max(12, w/4))},
			{title: "WHEN", width: 8, drop: 1},
			{title: "WHAT", width: 10, most: 400},
		}
	}
	s.tasks.still = s.below
	marks := timeline.Unicode()
	if k.ascii {
		marks = timeline.ASCII()
	}
	n := len(s.drawn.Tasks)
	lines := s.tasks.view(w-2, h-2, n, func(row int) []cell {
		t := s.task(row)
		when := string(t.If)
		switch {
		case s.drawn.Tasks[s.graph.Order[row]].Handler:
			when = "handler"
		case when == "":
			when = "success"
		}
		return []cell{{bar: k.style.dim.paint(s.graph.Row(row, marks))}, {text: t.ID, look: k.style.strong}, {text: when, look: k.style.dim}, {text: actionText(&t.Action)}}
	})
	return k.box(k.style.strong.paint("Tasks")+" "+number(n), lines, w, h, !s.below)
}

func (s *workflowScreen) definition(w, h int) []string {
	k := s.k
	if s.width != w {
		s.width = w
		s.text, s.parts = definitionText(k, s.def, w-3)
	}
	s.room = max(1, h-2)
	s.top = max(0, min(s.top, len(s.text)-s.room))
	lines := make([]string, 0, s.room)
	for i := s.top; i < min(len(s.text), s.top+s.room); i++ {
		lines = append(lines, " "+s.text[i])
	}
	title := k.style.strong.paint("Definition")
	if len(s.text) > s.room {
		title += k.style.dim.paint(strings.Join([]string{" ", number(s.top + 1), "-", number(min(len(s.text), s.top+s.room)), "/", number(len(s.text))}, ""))
	}
	return k.box(title, lines, w, h, s.below)
}
