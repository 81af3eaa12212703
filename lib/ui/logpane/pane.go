package logpane

import "strings"

// Options are what a pane is made with. The zero value is good for tests.
type Options struct {
	MaxLines int                 // 0: 100,000
	MaxBytes int                 // 0: 32 MiB
	Clean    func(string) string // makes foreign text harmless; nil: it is
	ASCII    bool
	Tasks    bool // show which task a line is of
}

// Pane is the window. It is used by one goroutine.
type Pane struct {
	opt    Options
	ring   ring
	follow bool
	wrap   bool
	times  bool
	agents bool // are named in a narrow window too
	top    spot // what is seen first, while not following
	shift  int  // cells to the left of what is seen, while not wrapping
	w, h   int  // of the last frame

	search  finder
	current int // the match that n and N go on from; none where search.hit does not have it
	filter  finder

	agent, task int   // widths of these columns
	gaps, lost  int64 // how many gaps, and lines that are missing in them
	older       bool  // the history has more before the first line
	behind      bool  // newer lines were given up for older ones
	newest      int64 // position
	end         string
	notes       int // that the pane holds
}

// spot is a row of a line.
type spot struct{ id, row int }

// New makes an empty pane that follows and wraps.
func New(o Options) *Pane {
	if o.MaxLines <= 0 {
		o.MaxLines = 100_000
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 32 << 20
	}
	if o.Clean == nil {
		o.Clean = func(s string) string { return s }
	}
	return &Pane{opt: o, follow: true, wrap: true, times: true, current: none}
}

const none = -1 << 62

// Clear forgets all lines; how they are looked at stays.
func (p *Pane) Clear() {
	p.ring = ring{}
	p.top, p.shift, p.gaps, p.lost, p.newest = spot{}, 0, 0, 0, 0
	p.older, p.behind, p.end = false, false, ""
	p.agent, p.task, p.notes = 0, 0, 0
	p.search.reset(0)
	p.filter.reset(0)
	p.current = none
}

// Append takes lines that came. Those that the pane has already, by their
// position, are dropped; so are all while Behind.
func (p *Pane) Append(lines ...Line) {
	if p.behind {
		return
	}
	for _, l := range lines {
		if l.Pos > 0 && l.Pos <= p.newest {
			continue
		}
		p.newest = max(p.newest, l.Pos)
		p.prepare(&l)
		p.ring.pushBack(l)
		p.search.came(p)
		p.filter.came(p)
	}
	for p.ring.count > p.opt.MaxLines || p.ring.bytes > p.opt.MaxBytes && p.ring.count > 1 {
		p.notes -= p.ring.at(p.ring.first).note()
		p.ring.popFront()
		p.older = true
	}
	p.search.forget(p.ring.first)
	p.filter.forget(p.ring.first)
	if p.top.id < p.ring.first {
		p.top = spot{p.ring.first, 0}
	}
}

// Prepend takes lines that come before those that are there, in their order, and
// whether there are still older ones. Where there is no room for both, the newest
// lines go: then the pane is Behind.
func (p *Pane) Prepend(lines []Line, older bool) {
	for i := len(lines) - 1; i >= 0; i-- {
		l := lines[i]
		p.newest = max(p.newest, l.Pos)
		p.prepare(&l)
		p.ring.pushFront(l)
		if p.ring.count == 1 {
			p.top = spot{p.ring.first, 0}
		}
	}
	p.older = older
	for p.ring.count > p.opt.MaxLines || p.ring.bytes > p.opt.MaxBytes && p.ring.count > 1 {
		p.notes -= p.ring.at(p.ring.last()).note()
		p.ring.popBack()
		p.behind = true
	}
	p.search.before(p, len(lines))
	p.filter.before(p, len(lines))
}

// End is what stands below the last line, such as that no more will come; empty
// for nothing.
func (p *Pane) End(text string) { p.end = text }

func (p *Pane) prepare(l *Line) {
	if n := len(l.Text); n > longest {
		l.Text = strings.ToValidUTF8(l.Text[:longest], "") + " … (" + Count(int64(n)) + " bytes in all)"
	}
	if l.Gap > 0 {
		p.gaps++
		p.lost += l.Gap
		l.Note = true
	}
	if l.Note {
		p.notes++
	}
	l.bad = !l.Note && bad(l.Text)
	p.agent = max(p.agent, min(len(l.Agent), 12))
	p.task = max(p.task, min(len(l.Task), 20))
}

// Len is how many lines there are.
func (p *Pane) Len() int { return p.ring.count }

// Older tells whether the history has lines before the first one.
func (p *Pane) Older() bool { return p.older }

// SetOlder says it.
func (p *Pane) SetOlder(older bool) { p.older = older }

// WantsOlder tells whether the oldest lines are nearly in view, and there are
// older ones: it is time to Prepend them.
func (p *Pane) WantsOlder() bool {
	return p.older && !p.follow && p.top.id < p.ring.first+2*max(p.h, 10)
}

// Oldest is the first line, or nil.
func (p *Pane) Oldest() *Line {
	if p.ring.count == 0 {
		return nil
	}
	return p.ring.at(p.ring.first)
}

// Newest is the position of the newest line that came.
func (p *Pane) Newest() int64 { return p.newest }

// Behind tells whether newer lines are missing at the end, and none are taken:
// to follow again, Clear and load the newest.
func (p *Pane) Behind() bool { return p.behind }

// Leave says that newer lines are left out.
func (p *Pane) Leave() { p.behind, p.follow = true, false }

// Gaps tells how many gaps were seen, and how many lines are missing in them.
func (p *Pane) Gaps() (gaps, lines int64) { return p.gaps, p.lost }

// Following tells whether the newest line is kept in view.
func (p *Pane) Following() bool { return p.follow }

// Wrapping tells whether long lines are broken.
func (p *Pane) Wrapping() bool { return p.wrap }

// Follow keeps the newest line in view, or stops.
func (p *Pane) Follow(on bool) {
	if p.follow == on {
		return
	}
	p.top = p.first()
	p.follow = on
}

// Wrap breaks long lines, or lets them be cut.
func (p *Pane) Wrap(on bool) {
	p.top, p.shift = spot{p.first().id, 0}, 0
	p.wrap = on
}

// ToggleTimes shows when each line was written, or does not.
func (p *Pane) ToggleTimes() { p.times = !p.times }

// NameAgents shows the agent of each line in a narrow window too, or only in a
// wide one.
func (p *Pane) NameAgents(always bool) { p.agents = always }

// Lines is how many lines of the log there are; notes are none.
func (p *Pane) Lines() int { return p.ring.count - p.notes }
