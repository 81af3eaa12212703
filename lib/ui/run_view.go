package ui

import (
	"fmt"
	"strings"

	"github.com/cdktr/cdktr/lib/ui/timeline"
)

func (s *runScreen) crumb() string {
	if s.past == nil {
		return s.want.run
	}
	return s.past.run.Workflow + " " + s.k.glyph.crumb + " " + s.past.run.Run
}

// headline is the state of the run, how long it took, and what that hung on.
func (s *runScreen) headline() string {
	if s.drawn == nil {
		return ""
	}
	st := s.k.runState(s.drawn.Status)
	text := st.look.paint(st.glyph + " " + s.drawn.Status)
	if s.drawn.Status != "PENDING" {
		text += "  " + timeline.Duration(s.drawn.Length(s.k.now()))
	}
	if !s.narrow {
		text += "   " + s.critical()
	}
	return text
}

// critical is what the length of the run hangs on: of one that has not begun,
// what it waits for.
func (s *runScreen) critical() string {
	if row := s.k.world.run(s.past.run.Run); row != nil && s.drawn.Status == "PENDING" && row.sum.reason != "" {
		return clean(row.sum.reason)
	}
	return "critical path " + timeline.Duration(s.drawn.Critical(s.k.now()))
}

func (s *runScreen) marks() *timeline.Glyphs {
	if s.k.ascii {
		return timeline.ASCII()
	}
	return timeline.Unicode()
}

func (s *runScreen) view(w, h int) []string {
	if s.drawn == nil {
		return s.waiting(w, h)
	}
	n := len(s.drawn.Tasks)
	upper := min(n+3, max(h*6/10, 6))
	switch {
	case s.whole && s.below:
		upper = 0
	case s.whole:
		upper = h
	}
	var lines []string
	if upper > 0 {
		lines = s.timeline(w, upper)
	} else {
		s.length.rows = -3
	}
	if h > upper {
		lines = append(lines, s.lines(w, h-upper)...)
	}
	return lines
}

// waiting is the screen without a run.
func (s *runScreen) waiting(w, h int) []string {
	switch {
	case s.failed != "":
		return s.k.empty(w, h, s.failed, "q goes back")
	case !s.k.alive():
		return s.k.empty(w, h, "the principal is away", "the run is shown as soon as it is back")
	}
	return s.k.empty(w, h, "loading run "+s.want.run)
}

func (s *runScreen) timeline(w, h int) []string {
	k := s.k
	if limit := timeline.GutterLimit(w - 2); limit != s.gutterW {
		s.gutterW, s.gutter = limit, timeline.Arrange(s.drawn.Tasks, limit)
	}
	s.selected()
	rows := max(h-3, 1)
	s.length.rows = rows
	s.first = max(0, min(s.first, len(s.drawn.Tasks)-rows))
	if s.cursor < s.first {
		s.first = s.cursor
	}
	if s.cursor >= s.first+rows {
		s.first = s.cursor - rows + 1
	}
	d := timeline.Draw(s.drawn, timeline.View{
		Width: w - 2, Now: k.now(), Window: s.window, Glyphs: s.marks(), Gutter: s.layout(),
		Cursor: s.cursor, First: s.first, Count: rows,
	})
	lines := []string{s.paintRow(&d.Head)}
	for i := range d.Rows {
		lines = append(lines, s.paintRow(&d.Rows[i]))
	}
	return k.box(s.title(rows), lines, w, h, !s.below)
}

// title counts the tasks by how they are.
func (s *runScreen) title(rows int) string {
	counts := map[string]int{}
	for i := range s.drawn.Tasks {
		counts[s.drawn.Tasks[i].Status]++
	}
	var parts []string
	for _, c := range [...]struct{ status, word string }{
		{"COMPLETED", "ok"}, {"RUNNING", "running"}, {"FAILED", "failed"}, {"CRASHED", "lost"}, {"WAITING", "to retry"},
		{"PENDING", "waiting"}, {"SKIPPED", "skipped"}, {"CANCELLED", "cancelled"},
	} {
		if n := counts[c.status]; n > 0 {
			parts = append(parts, fmt.Sprint(n, " ", c.word))
		}
	}
	n := len(s.drawn.Tasks)
	title := "Timeline " + plural(n, "task") + " " + s.k.glyph.dot + " " + strings.Join(parts, " ")
	if n > rows {
		title += fmt.Sprintf(" %s %d-%d", s.k.glyph.dot, s.first+1, min(s.first+rows, n))
	}
	if s.window.Span > 0 {
		title += " " + s.k.glyph.dot + " zoom " + timeline.Duration(s.window.Span) + " (0 ends it)"
	}
	if s.narrow && s.window.Span == 0 {
		title += " " + s.k.glyph.dot + " " + s.critical()
	}
	return title
}

func (s *runScreen) paintRow(r *timeline.Row) string {
	st := &s.k.style
	looks := [...]style{
		timeline.Plain: "", timeline.Head: st.head, timeline.Faint: st.dim, timeline.Name: "",
		timeline.Good: st.good, timeline.Bad: st.bad, timeline.Busy: st.busy, timeline.Idle: st.waiting, timeline.Off: st.off,
		timeline.Lines: st.dim, timeline.Queued: st.dim, timeline.Ran: st.good, timeline.Running: st.busy,
		timeline.Failure: st.bad, timeline.Backoff: st.waiting, timeline.Critical: st.dim,
	}
	below := style("")
	if r.Selected && !s.below {
		below = st.selected
	}
	var b strings.Builder
	for _, span := range r.Spans {
		look := looks[span.Role]
		if span.Role == timeline.Name && (r.Critical || r.Selected) {
			look = st.strong
		}
		b.WriteString(look.on(below).paint(span.Text))
	}
	return b.String()
}

// lines is the log pane.
func (s *runScreen) lines(w, h int) []string {
	k, l := s.k, s.logs
	of := "all tasks"
	if l.task != "" {
		of = clean(l.task)
		if i := s.task(l.task); i >= 0 {
			if a := s.drawn.Tasks[i].Latest(); a != nil {
				of += fmt.Sprintf(" %s attempt %d", k.glyph.dot, a.Number)
			}
		}
	}
	rows := l.pane.Rows(max(w-2, 1), max(h-2, 1))
	title := "Logs " + k.glyph.dot + " " + of + " " + k.glyph.dot + " " + l.pane.Status()
	if s.ask != nil {
		title = k.style.key.paint(s.ask.mark) + k.typed(&s.ask.input, max(w-20, 10))
	}
	if l.pane.Len() == 0 {
		return k.box(title, s.noLines(w-2, h-2), w, h, s.below)
	}
	lines := make([]string, 0, len(rows))
	for _, row := range rows {
		lines = append(lines, s.k.paintLine(row))
	}
	return k.box(title, lines, w, h, s.below)
}

func (s *runScreen) noLines(w, h int) []string {
	l := s.logs
	switch {
	case !l.shown:
		return s.k.empty(w, h, "no task is chosen", "enter shows the lines of the task, a those of all")
	case !l.loaded && !s.k.alive():
		return s.k.empty(w, h, "the principal is away", "its lines are shown as soon as it is back")
	case !l.loaded:
		return s.k.empty(w, h, "loading")
	}
	if i := s.task(l.task); i >= 0 && len(s.drawn.Tasks[i].Attempts) == 0 {
		why := "it has not begun"
		if r := s.drawn.Tasks[i].Reason; r != "" {
			why = r
		}
		return s.k.empty(w, h, "no lines: "+why, "a shows the lines of all tasks")
	}
	if end := l.end(); end != "" {
		return s.k.empty(w, h, "no lines", end)
	}
	return s.k.empty(w, h, "no lines", "what the task prints is shown here")
}
