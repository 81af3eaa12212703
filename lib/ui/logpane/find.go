package logpane

import (
	"slices"

	"github.com/cdktr/cdktr/lib/wire"
)

// finder finds the lines that match a pattern: in steps, so that no key waits for
// a hundred thousand lines.
type finder struct {
	text    string
	pattern *wire.Pattern
	hits    []int // ascending
	next    int   // the first line that was not looked at
}

func (f *finder) on() bool { return f.text != "" }

func (f *finder) reset(first int) { f.hits, f.next = nil, first }

// forget drops hits of lines that are gone.
func (f *finder) forget(first int) {
	n, _ := slices.BinarySearch(f.hits, first)
	f.hits = f.hits[n:]
	f.next = max(f.next, first)
}

// before looks at n new lines at the beginning.
func (f *finder) before(p *Pane, n int) {
	if !f.on() {
		return
	}
	var hits []int
	for id := p.ring.first; id < min(p.ring.first+n, p.ring.last()+1); id++ {
		if f.matches(p, p.ring.at(id)) {
			hits = append(hits, id)
		}
	}
	f.hits = append(hits, f.hits...)
	for len(f.hits) > 0 && f.hits[len(f.hits)-1] > p.ring.last() {
		f.hits = f.hits[:len(f.hits)-1]
	}
	f.next = min(f.next, p.ring.last()+1)
}

// came looks at a new line, if all before it were looked at.
func (f *finder) came(p *Pane) {
	if f.on() && f.next == p.ring.last() {
		f.look(p, 1)
	}
}

// look goes on for n lines; false when none are left.
func (f *finder) look(p *Pane, n int) bool {
	for ; f.on() && n > 0 && f.next <= p.ring.last(); n-- {
		if f.matches(p, p.ring.at(f.next)) {
			f.hits = append(f.hits, f.next)
		}
		f.next++
	}
	return f.on() && f.next <= p.ring.last()
}

// matches lets notes through: a gap is never filtered out.
func (f *finder) matches(p *Pane, l *Line) bool {
	if l.Note {
		return f == &p.filter
	}
	return f.pattern.MatchString(p.text(l))
}

// hit tells whether a line is one of the hits.
func (f *finder) hit(id int) bool {
	_, ok := slices.BinarySearch(f.hits, id)
	return ok
}

// step is how many lines are looked at in one go.
const step = 4000

// Scan goes on with looking for what was asked for; true when it must be called
// again, in the next frame.
func (p *Pane) Scan() (more bool) {
	more = p.search.look(p, step)
	if p.filter.look(p, step) {
		more = true
	}
	if p.current == none && p.search.on() && len(p.search.hits) > 0 {
		p.Next(1)
	}
	return more
}

func compile(text string) (finder, error) {
	f := finder{text: text}
	if text == "" {
		return f, nil
	}
	var err error
	f.pattern, err = wire.ParsePattern(text)
	return f, err
}

// Search looks for a regular expression, and leaves all lines where they are; an
// empty one ends it. It goes to the first match from the top of the view on.
func (p *Pane) Search(text string) error {
	f, err := compile(text)
	if err != nil {
		return err
	}
	p.search, p.current = f, none
	p.search.reset(p.ring.first)
	p.Scan()
	return nil
}

// Filter shows only what matches; an empty one shows all.
func (p *Pane) Filter(text string) error {
	f, err := compile(text)
	if err != nil {
		return err
	}
	p.filter = f
	p.filter.reset(p.ring.first)
	p.Scan()
	return nil
}

// Searching and Filtering are the patterns.
func (p *Pane) Searching() string { return p.search.text }

// Filtering is the pattern of the filter.
func (p *Pane) Filtering() string { return p.filter.text }

// Next goes to the next match, or with -1 to the one before; round at the ends.
// False when there is none.
func (p *Pane) Next(by int) bool {
	hits := p.search.hits
	if len(hits) == 0 {
		return false
	}
	i, exact := 0, false
	if p.current == none {
		i, _ = slices.BinarySearch(hits, p.first().id)
		if by < 0 {
			i--
		}
	} else {
		i, exact = slices.BinarySearch(hits, p.current)
		switch {
		case by < 0:
			i--
		case exact:
			i++
		}
	}
	p.current = hits[(i+len(hits))%len(hits)]
	p.show(p.current)
	return true
}

// FirstError goes to the first line that looks like an error: on stderr, else
// anywhere, else the first line of stderr. False when there is none of these.
func (p *Pane) FirstError() bool {
	found := none
	rank := 0
	for id := p.ring.first; id <= p.ring.last(); id++ {
		l := p.ring.at(id)
		is := 0
		switch {
		case l.Note || l.Stream == wire.System:
		case l.bad && l.Stream == wire.Stderr:
			is = 3
		case l.bad:
			is = 2
		case l.Stream == wire.Stderr:
			is = 1
		}
		if is > rank {
			found, rank = id, is
		}
		if rank == 3 {
			break
		}
	}
	if rank == 0 {
		return false
	}
	p.show(found)
	return true
}

// show brings a line into view, with some of what stands before it.
func (p *Pane) show(id int) {
	p.follow = false
	p.top = spot{id, 0}
	p.up(max(p.h/4, 1))
	p.settle()
}
