package ui

import (
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// view is the list, and below it what is to be said of the workflow at hand.
func (s *workflowsScreen) view(w, h int) []string {
	s.refresh()
	k := s.k
	title := k.style.strong.paint("Workflows") + " " + number(len(s.list.names))
	if s.list.find.on() {
		title += k.style.dim.paint(" matching ") + k.style.info.paint(clean(s.list.find.text()))
	}
	if n := s.broken(); n > 0 {
		title += "  " + k.style.bad.paint(k.glyph.failed+" "+number(n)+" broken")
	}
	if len(s.list.names) == 0 {
		return k.box(title, s.nothing(w-2, h-2), w, h, true)
	}
	below := max(6, min(h/3, 12))
	lines := s.list.show(title, 0, 0, w, h-below, true, s.cells)
	return append(lines, s.about(w, below)...)
}

func (s *workflowsScreen) broken() int {
	n := 0
	for i := range s.k.world.workflows {
		if len(s.k.world.workflows[i].Errors) > 0 {
			n++
		}
	}
	return n
}

func (s *workflowsScreen) nothing(w, h int) []string {
	k := s.k
	if lines := k.notYet(k.world.known.workflows, "the workflows"); lines != nil {
		return k.empty(w, h, lines...)
	}
	if s.list.find.on() {
		return k.empty(w, h, "no workflow matches", "esc clears the filter")
	}
	return k.empty(w, h, "no workflows yet", "put a file such as hello.yml into the workflow directory", "the principal loads it by itself")
}

// notYet is why a list cannot be there yet, or nil.
func (k *kit) notYet(known bool, what string) []string {
	switch {
	case known:
		return nil
	case !k.world.link.tried:
		return []string{"looking for the principal"}
	case !k.world.link.up:
		return []string{"no principal answers", k.world.link.err, "start one with `cdktr-principal`; this screen finds it by itself"}
	}
	return []string{"reading " + what}
}

func (s *workflowsScreen) cells(name string) []cell {
	k := s.k
	f := k.world.workflow(name)
	st := s.state(f)
	cells := []cell{
		{text: f.Workflow, look: k.style.strong},
		{text: st.glyph + " " + st.word, look: st.look},
		{text: k.glyph.none, look: k.style.dim}, {text: k.glyph.none, look: k.style.dim}, {}, {},
	}
	if f.Schedule != nil {
		cells[2] = cell{text: *f.Schedule}
	}
	switch {
	case f.Paused:
		cells[3] = cell{text: "paused", look: k.style.waiting}
	case f.Next != nil:
		cells[3] = k.when(f.Next.Time)
	}
	if cells[4] = (cell{bar: k.results(name, lastResults)}); cells[4].bar == "" {
		cells[4] = cell{text: "no runs", look: k.style.dim}
	}
	if len(f.Errors) > 0 {
		cells[5] = cell{text: problemText(&f.Errors[0]), look: k.style.bad}
	}
	return cells
}

// about is what there is to say of the workflow at hand: its load errors first.
func (s *workflowsScreen) about(w, h int) []string {
	k := s.k
	f := k.world.workflow(s.list.current())
	title := k.style.strong.paint(clean(f.Workflow))
	var lines []string
	if n := len(f.Errors); n > 0 {
		title += " " + k.glyph.dot + " " + k.style.bad.paint(plural(n, "load error"))
		lines = k.problems(f.Errors, w-4)
	}
	say := func(name, text string) {
		lines = append(lines, " "+k.style.dim.paint(k.pad(name, 10))+clean(text))
	}
	if f.Name != nil && *f.Name != f.Workflow {
		say("name", *f.Name)
	}
	never := len(f.Errors) > 0 && f.Schedule == nil // for all that is known
	if !never {
		say("schedule", s.schedule(f))
	}
	if newest := k.world.newest(f.Workflow, 1); len(newest) > 0 {
		st := k.runState(newest[0].Status)
		say("last run", newest[0].Run.Run+"  "+st.glyph+" "+st.word+"  "+k.clock(newest[0].at)+"  "+newest[0].Trigger)
	} else if !never {
		say("last run", "none yet: press r")
	}
	return k.box(title, lines, w, h, false)
}

// problems shows load errors: where, and what, wrapped to w cells.
func (k *kit) problems(all []wire.Problem, w int) []string {
	var lines []string
	for i := range all {
		mark := k.style.bad.paint(k.glyph.failed) + " "
		for _, part := range wrap(clean(problemText(&all[i])), w-3) {
			lines = append(lines, " "+mark+part)
			mark = "  "
		}
	}
	return lines
}

func (s *workflowsScreen) schedule(f *wire.Workflow) string {
	k := s.k
	switch {
	case f.Schedule == nil:
		return "none: it runs when it is asked to"
	case f.Paused:
		return *f.Schedule + ", paused: p resumes it"
	case f.Next == nil:
		return *f.Schedule
	}
	text := *f.Schedule + ", next " + f.Next.In(k.zone).Format("2006-01-02 15:04:05")
	if in := f.Next.Sub(k.now()); in > 0 {
		text += ", in " + took(in.Truncate(time.Second))
	}
	return text
}
