package timeline

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// View is how a run is looked at.
type View struct {
	Width  int // of all rows, in cells
	Now    time.Time
	Window Window
	Glyphs *Glyphs
	Gutter *Gutter // as Arrange made it; nil: it is made here
	Cursor int     // the row that is selected; -1: none
	First  int     // the first row that is wanted
	Count  int     // how many; 0: all
}

// Role says what a piece of text is: those who know colours choose one.
type Role uint8

// The roles.
const (
	Plain Role = iota
	Head
	Faint
	Name
	Good
	Bad
	Busy
	Idle
	Off
	Lines   // the gutter
	Queued  // parts of bars
	Ran     // of an attempt that ended well
	Running // now
	Failure
	Backoff
	Critical // words about the critical path
)

// Span is text of one role.
type Span struct {
	Text string
	Role Role
}

// Row is one line: exactly as wide as the view.
type Row struct {
	Task     int // its index in the run
	Selected bool
	Critical bool
	Spans    []Span
}

// Text is the row without its roles.
func (r *Row) Text() string {
	var b strings.Builder
	for _, s := range r.Spans {
		b.WriteString(s.Text)
	}
	return b.String()
}

// Drawing is a run as rows.
type Drawing struct {
	Head Row
	Rows []Row // those that are wanted
}

// Draw lays out a run.
func Draw(r *Run, v View) Drawing {
	if v.Gutter == nil {
		v.Gutter = Arrange(r.Tasks, GutterLimit(v.Width))
	}
	c := columns(r, &v)
	s := r.scale(&v, c.bar)
	path, _ := r.critical(v.Now)
	d := Drawing{Head: c.head(&s, !r.Final())}
	end := len(v.Gutter.Order)
	if v.Count > 0 {
		end = min(end, v.First+v.Count)
	}
	for row := max(v.First, 0); row < end; row++ {
		d.Rows = append(d.Rows, c.row(r, &s, row, path))
	}
	return d
}

// layout is how wide each column is; 0: it is not there.
type widths struct {
	v                              *View
	mark, graph, task, state, took int
	bar                            int
}

// GutterLimit is how many cells the dependencies may take.
func GutterLimit(width int) int {
	switch {
	case width >= 160:
		return 30
	case width >= 100:
		return 18
	case width >= 70:
		return 10
	}
	return 7
}

// columns shares out the width. As it shrinks the duration goes first, then
// names are cut, then the state is a glyph alone, then the gutter goes, then the
// bar: state and name are the last.
func columns(r *Run, v *View) widths {
	c := widths{v: v, mark: 1, graph: max(v.Gutter.Width, 5) + 1}
	longest := 4
	for i := range r.Tasks {
		longest = max(longest, width(r.Tasks[i].ID))
	}
	limit := 12
	switch {
	case v.Width >= 140:
		limit = 32
	case v.Width >= 100:
		limit = 22
	case v.Width >= 70:
		limit = 16
	}
	c.task, c.state = min(longest, limit)+1, 9
	if v.Width >= 100 {
		c.took = 8
	}
	const least = 8 // cells of a bar that are worth their room
	if v.Width-c.fixed() < least {
		c.state = 2
	}
	if v.Width-c.fixed() < least {
		c.graph = 0
	}
	c.bar = v.Width - c.fixed() - 1
	if c.bar < least {
		c.bar = 0
	}
	return c
}

func (c *widths) fixed() int { return c.mark + c.graph + c.task + c.state + c.took }

func (c *widths) head(s *scale, open bool) Row {
	l := line{left: c.v.Width, more: c.v.Glyphs.More}
	l.add(Head, " ", c.mark)
	l.add(Head, "GRAPH", c.graph)
	l.add(Head, "TASK", c.task)
	l.add(Head, "STATE", c.state)
	l.addLeft(Head, "DUR", c.took-2)
	l.add(Head, "", min(c.took, 2))
	if c.bar > 0 {
		l.add(Head, s.axis(open), c.bar)
	}
	return Row{Task: -1, Spans: l.done()}
}

func (c *widths) row(r *Run, s *scale, at int, path []bool) Row {
	g := c.v.Glyphs
	i := c.v.Gutter.Order[at]
	t := &r.Tasks[i]
	row := Row{Task: i, Selected: at == c.v.Cursor, Critical: path[i]}
	l := line{left: c.v.Width, more: g.More, spans: make([]Span, 0, 16)}
	cursor := " "
	if row.Selected {
		cursor = g.Cursor
	}
	l.add(Plain, cursor, c.mark)
	if c.graph > 0 {
		l.put(Lines, g.gutter(c.v.Gutter.row(at)), c.v.Gutter.Width)
		l.put(Plain, spaces(c.graph-c.v.Gutter.Width), c.graph-c.v.Gutter.Width)
	}
	l.add(Name, cut(t.ID, c.task-1, g.More), c.task)
	state, role := g.state(t)
	if n := utf8.RuneCountInString(state); n <= c.state { // its glyphs are one cell each
		l.put(role, state+spaces(c.state-n), c.state)
	} else {
		l.add(role, state, c.state)
	}
	took := g.None
	if len(t.Attempts) > 0 {
		took = Duration(t.Spent(c.v.Now))
	}
	l.addLeft(Faint, took, c.took-2)
	l.add(Plain, "", min(c.took, 2))
	if c.bar > 0 {
		c.past(&l, s, t, path[i])
	}
	row.Spans = l.done()
	return row
}

// past writes the bar, with its note after it, or before it where there is no
// room after it.
func (c *widths) past(l *line, s *scale, t *Task, critical bool) {
	g := c.v.Glyphs
	cells, first, last := s.bar(t)
	note := g.note(t, critical)
	role := Faint
	switch {
	case t.Status == "FAILED" || t.Status == "CRASHED":
		role = Bad
	case critical:
		role = Critical
	}
	const gap = 2
	from, to := last+1+gap, s.room // where the note may stand
	if first < 0 {
		from = min(s.cells, max(s.room-width(note), 0))
		if at := s.column(t.Ended); !t.Ended.IsZero() && at >= 0 {
			from = min(from, at)
		}
	}
	short, _, _ := strings.Cut(note, " (critical)")
	if to-from < width(note) && to-from < width(short) && first-gap > to-from {
		from, to = max(first-gap-width(note), 0), first-gap
	}
	if to-from < width(note) && to-from >= width(short) {
		note = short
	}
	note = cut(note, to-from, g.More)
	if width(note) < 4 { // what is left of it says nothing
		note = ""
	}
	if note == "" {
		c.cells(l, cells, t)
		return
	}
	c.cells(l, cells[:from], t)
	l.add(role, note, width(note))
	c.cells(l, cells[from+width(note):], t)
}

// cells writes a part of a bar, with one span for cells that are alike.
func (c *widths) cells(l *line, cells []mark, t *Task) {
	g := c.v.Glyphs
	glyphs := [...]string{" ", g.Queued, g.Running, g.Fail, g.Lost, g.Backoff, g.Break, g.Before, g.After}
	roles := [...]Role{Plain, Queued, Ran, Failure, Failure, Backoff, Faint, Faint, Faint}
	for from := 0; from < len(cells); {
		to := from + 1
		for to < len(cells) && cells[to] == cells[from] {
			to++
		}
		role := roles[cells[from]]
		if role == Ran && t.Status == "RUNNING" {
			role = Running
		}
		text := spaces(to - from)
		if cells[from] != nothing {
			text = strings.Repeat(glyphs[cells[from]], to-from)
		}
		l.put(role, text, to-from)
		from = to
	}
}

// line is a row in the making: it never grows beyond its width.
type line struct {
	spans []Span
	left  int
	more  string
}

// add writes text, padded or cut to a width.
func (l *line) add(role Role, text string, n int) {
	n = min(n, l.left)
	w := width(text)
	if w > n {
		text = cut(text, n, l.more)
		w = width(text)
	}
	if w < n {
		text += spaces(n - w)
	}
	l.put(role, text, n)
}

// put is add for text that is known to be n cells.
func (l *line) put(role Role, text string, n int) {
	switch {
	case n <= 0:
		return
	case n > l.left:
		l.add(role, text, n)
		return
	}
	l.left -= n
	if last := len(l.spans) - 1; last >= 0 && l.spans[last].Role == role {
		l.spans[last].Text += text
		return
	}
	l.spans = append(l.spans, Span{text, role})
}

// addLeft is add with the text at the right.
func (l *line) addLeft(role Role, text string, n int) {
	if pad := n - width(text); pad > 0 {
		text = strings.Repeat(" ", pad) + text
	}
	l.add(role, text, n)
}

func (l *line) done() []Span {
	l.add(Plain, "", l.left)
	return l.spans
}

const blank = "                                                                                                                                "

func spaces(n int) string {
	if n <= len(blank) {
		return blank[:max(n, 0)]
	}
	return strings.Repeat(" ", n)
}

func width(s string) int {
	for i := range len(s) {
		if s[i] >= 0x7f {
			return ansi.StringWidth(s)
		}
	}
	return len(s)
}

// cut shortens text to n cells.
func cut(s string, n int, more string) string {
	switch {
	case n <= 0:
		return ""
	case width(s) <= n:
		return s
	}
	return ansi.Truncate(s, n, more)
}
