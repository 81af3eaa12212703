package logpane

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/rivo/uniseg"

	"github.com/cdktr/cdktr/lib/wire"
)

// Role says what a piece of text is: those who know colours choose one.
type Role uint8

// The roles.
const (
	Plain   Role = iota
	Faint        // times, agents
	Err          // the word err
	System       // lines of CDKTR itself
	Bad          // a line that looks like an error
	Note         // gaps and ends
	Match        // what was searched for
	Current      // the match that n went to
)

// Span is text of one role.
type Span struct {
	Text string
	Role Role
}

// Row is one row of the screen.
type Row []Span

// Text is the row without its roles.
func (r Row) Text() string {
	var b strings.Builder
	for _, s := range r {
		b.WriteString(s.Text)
	}
	return b.String()
}

// Rows lays out what is seen: h rows of exactly w cells.
func (p *Pane) Rows(w, h int) []Row {
	if w < 1 || h < 1 {
		return nil
	}
	p.w, p.h = w, h
	rows := make([]Row, 0, h)
	if p.ring.count > 0 {
		if !p.follow {
			p.settle()
		}
		at, ok := p.first(), true
		if at.id, ok = p.from(at.id); ok {
			rows = p.fill(rows, at)
		}
	}
	if p.ring.count == 0 {
		rows = p.last(rows)
	}
	for len(rows) < h {
		rows = append(rows, Row{{Text: strings.Repeat(" ", w)}})
	}
	return rows
}

func (p *Pane) fill(rows []Row, at spot) []Row {
	for {
		l := p.ring.at(at.id)
		text, breaks := p.layout(l)
		marks := p.marks(at.id, text)
		for row := at.row; row < len(breaks); row++ {
			if len(rows) == p.h {
				return rows
			}
			end := len(text)
			if row+1 < len(breaks) {
				end = breaks[row+1]
			}
			rows = append(rows, p.row(l, at.id, text, breaks[row], end, row > 0, marks))
		}
		id, ok := p.from(at.id + 1)
		if !ok {
			return p.last(rows)
		}
		at = spot{id, 0}
	}
}

// last adds what stands below the last line.
func (p *Pane) last(rows []Row) []Row {
	if p.end == "" || p.behind || len(rows) >= p.h {
		return rows
	}
	return append(rows, p.note(p.end))
}

// height is how many rows a line takes.
func (p *Pane) height(id int) int {
	if !p.wrap {
		return 1
	}
	l := p.ring.at(id)
	room := p.room()
	if len(l.Text) <= room && plain(l.Text) {
		return 1
	}
	_, breaks := p.layout(l)
	return len(breaks)
}

// layout is a line's text as it is shown, and where its rows begin.
func (p *Pane) layout(l *Line) (text string, breaks []int) {
	text = p.text(l)
	breaks = []int{0}
	if !p.wrap || l.Note {
		return text, breaks
	}
	room := p.room()
	if ascii(text) {
		for at := room; at < len(text); at += room {
			breaks = append(breaks, at)
		}
		return text, breaks
	}
	used := 0
	state := -1
	for at := 0; at < len(text); {
		cluster, _, _, next := uniseg.FirstGraphemeClusterInString(text[at:], state)
		state = next
		if n := ansi.StringWidth(cluster); used+n > room && used > 0 {
			breaks = append(breaks, at)
			used = n
		} else {
			used += n
		}
		at += len(cluster)
	}
	return text, breaks
}

// text is a line's text made harmless, with its tabs at every eighth cell.
func (p *Pane) text(l *Line) string {
	if !strings.Contains(l.Text, "\t") {
		return p.opt.Clean(l.Text)
	}
	var b strings.Builder
	for i, part := range strings.Split(l.Text, "\t") {
		if i > 0 {
			n := ansi.StringWidth(b.String())
			b.WriteString("        "[:8-n%8])
		}
		b.WriteString(p.opt.Clean(part))
		if b.Len() > 2*longest {
			break
		}
	}
	return b.String()
}

// room is how many cells there are for text.
func (p *Pane) room() int { return max(p.w-p.indent(), 1) }

// wide is from how many cells on there is room to name the agent of each line.
const wide = 100

func (p *Pane) namesAgents() bool { return p.agent > 0 && (p.w >= wide || p.agents) }

// clock is the form of times: a narrow window that names agents has no room for
// milliseconds.
func (p *Pane) clock() string {
	if p.w < wide && p.namesAgents() {
		return "15:04:05Z"
	}
	return "15:04:05.000Z"
}

// indent is how many cells stand before the text.
func (p *Pane) indent() int {
	n := 1 + 5
	if p.w < 30 {
		return 0
	}
	if p.times {
		n += len(p.clock()) + 1
	}
	if p.namesAgents() {
		n += p.agent + 1
	}
	if p.opt.Tasks && p.task > 0 {
		n += p.task + 1
	}
	return n
}

// marks are the parts of a text that match what is searched for, from and to by
// turns.
func (p *Pane) marks(id int, text string) []int {
	if !p.search.on() || !p.search.hit(id) {
		return nil
	}
	var all []int
	for _, m := range p.search.pattern.FindAllStringIndex(text, 100) {
		all = append(all, m[0], m[1])
	}
	return all
}

func (p *Pane) row(l *Line, id int, text string, from, to int, more bool, marks []int) Row {
	if l.Note {
		return p.note(text)
	}
	b := builder{left: p.w}
	p.prefix(&b, l, more)
	role := Plain
	switch {
	case l.Stream == wire.System:
		role = System
	case l.bad:
		role = Bad
	}
	part, tail := text[from:to], ""
	if !p.wrap {
		if p.shift > 0 {
			cut := ansi.TruncateLeft(text, p.shift, "")
			from, part = len(text)-len(cut), cut
		}
		if width(part) > b.left {
			part, tail = ansi.Truncate(part, b.left-1, ""), p.ellipsis()
		}
	}
	for len(marks) >= 2 {
		start, end := max(marks[0]-from, 0), min(marks[1]-from, len(part))
		if start < end {
			found := Match
			if id == p.current {
				found = Current
			}
			done := b.bytes - b.begin
			if start < done {
				start = done
			}
			if start < end {
				b.add(role, part[done:start])
				b.add(found, part[start:end])
			}
		}
		marks = marks[2:]
	}
	b.add(role, part[b.bytes-b.begin:])
	b.add(Faint, tail)
	return b.done()
}

func (p *Pane) ellipsis() string {
	if p.opt.ASCII {
		return "~"
	}
	return "…"
}

func (p *Pane) prefix(b *builder, l *Line, more bool) {
	n := p.indent()
	switch {
	case n == 0:
	case more:
		b.add(Plain, strings.Repeat(" ", n))
	default:
		b.add(Plain, " ")
		if p.times {
			b.add(Faint, l.Time.UTC().Format(p.clock())+" ")
		}
		if p.namesAgents() {
			b.add(Faint, fix(p.opt.Clean(l.Agent), p.agent)+" ")
		}
		if p.opt.Tasks && p.task > 0 {
			b.add(Faint, fix(p.opt.Clean(l.Task), p.task)+" ")
		}
		switch l.Stream {
		case wire.Stderr:
			b.add(Err, "err  ")
		case wire.System:
			b.add(System, "sys  ")
		default:
			b.add(Faint, "out  ")
		}
	}
	b.begin = b.bytes
}

// note is a line of ours: it is no line of the log.
func (p *Pane) note(text string) Row {
	rule := "──"
	if p.opt.ASCII {
		rule = "--"
	}
	b := builder{left: p.w}
	text = " " + rule + " " + text + " " + rule
	if width(text) > p.w {
		text = ansi.Truncate(text, p.w, p.ellipsis())
	}
	b.add(Note, text)
	return b.done()
}

// builder is a row in the making.
type builder struct {
	row   Row
	left  int // cells
	bytes int // that were added
	begin int // of them, before the text
}

func (b *builder) add(role Role, text string) {
	if text == "" {
		return
	}
	b.bytes += len(text)
	n := width(text)
	if n > b.left {
		text = ansi.Truncate(text, b.left, "")
		n = width(text)
	}
	b.left -= n
	b.row = append(b.row, Span{text, role})
}

func (b *builder) done() Row {
	if b.left > 0 {
		b.row = append(b.row, Span{Text: strings.Repeat(" ", b.left)})
	}
	return b.row
}

// fix makes text exactly n cells wide.
func fix(s string, n int) string {
	if width(s) > n {
		s = ansi.Truncate(s, n, "")
	}
	return s + strings.Repeat(" ", max(n-width(s), 0))
}

// plain tells whether text needs no cleaning: nearly all does not.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x7f {
			return false
		}
	}
	return true
}

func width(s string) int {
	if ascii(s) {
		return len(s)
	}
	return ansi.StringWidth(s)
}

// Status says how the lines are looked at: for the title of the pane.
func (p *Pane) Status() string {
	onOff := func(on bool) string {
		if on {
			return "on"
		}
		return "off"
	}
	dot := " · "
	if p.opt.ASCII {
		dot = " | "
	}
	s := "FOLLOW " + onOff(p.follow) + dot + "wrap " + onOff(p.wrap) + dot + p.seen()
	if p.filter.on() {
		s += dot + fmt.Sprintf("FILTER %s: %s of %s", p.opt.Clean(p.filter.text), Count(int64(len(p.filter.hits))), Count(int64(p.ring.count)))
	}
	if p.search.on() {
		n := len(p.search.hits)
		at := 0
		if i, ok := slices.BinarySearch(p.search.hits, p.current); ok {
			at = i + 1
		}
		s += dot + fmt.Sprintf("/%s %s of %s (n/N)", p.opt.Clean(p.search.text), Count(int64(at)), Count(int64(n)))
	}
	if p.behind {
		s += dot + "newer lines left out (f)"
	}
	return s
}

// seen is which lines are in view, of how many; + tells that older ones are not
// loaded.
func (p *Pane) seen() string {
	if p.ring.count == 0 {
		return "no lines"
	}
	at, last := p.first(), 0
	first, ok := p.from(at.id)
	if !ok {
		return "0/" + Count(int64(p.ring.count))
	}
	rows := -at.row
	for id := first; ok; id, ok = p.from(id + 1) {
		if rows >= p.h {
			break
		}
		rows += p.height(id)
		last = id
	}
	s := Count(int64(first-p.ring.first+1)) + "-" + Count(int64(last-p.ring.first+1)) + "/" + Count(int64(p.ring.count))
	if p.older {
		s += "+"
	}
	return s
}

// Count writes a number with commas.
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
