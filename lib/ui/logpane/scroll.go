package logpane

import "slices"

// before is the line above one that is shown, or false.
func (p *Pane) before(id int) (int, bool) {
	if !p.filter.on() {
		return id - 1, id > p.ring.first
	}
	i, _ := slices.BinarySearch(p.filter.hits, id)
	if i == 0 {
		return 0, false
	}
	return p.filter.hits[i-1], true
}

// from is the line itself, or the first one after it that is shown.
func (p *Pane) from(id int) (int, bool) {
	id = max(id, p.ring.first)
	if !p.filter.on() {
		return id, id <= p.ring.last()
	}
	i, _ := slices.BinarySearch(p.filter.hits, id)
	if i == len(p.filter.hits) {
		return 0, false
	}
	return p.filter.hits[i], true
}

// bottom is the first row of the last page.
func (p *Pane) bottom() spot {
	id, ok := p.before(p.ring.last() + 1)
	if !ok {
		return spot{p.ring.first, 0}
	}
	at := spot{id, p.height(id) - 1}
	rows := p.h
	if p.end != "" {
		rows--
	}
	for range rows - 1 {
		var more bool
		if at, more = p.above(at); !more {
			break
		}
	}
	return at
}

// first is what is seen first.
func (p *Pane) first() spot {
	if p.follow {
		return p.bottom()
	}
	return p.top
}

func (p *Pane) above(at spot) (spot, bool) {
	if at.row > 0 {
		return spot{at.id, at.row - 1}, true
	}
	id, ok := p.before(at.id)
	if !ok {
		return at, false
	}
	return spot{id, p.height(id) - 1}, true
}

func (p *Pane) below(at spot) (spot, bool) {
	if at.row+1 < p.height(at.id) {
		return spot{at.id, at.row + 1}, true
	}
	id, ok := p.from(at.id + 1)
	if !ok {
		return at, false
	}
	return spot{id, 0}, true
}

func (p *Pane) up(rows int) {
	for range rows {
		var ok bool
		if p.top, ok = p.above(p.top); !ok {
			return
		}
	}
}

// settle keeps the view within the lines, and full where there are enough.
func (p *Pane) settle() {
	if p.ring.count == 0 {
		p.top = spot{}
		return
	}
	id, ok := p.from(p.top.id)
	switch {
	case !ok:
		p.top = p.bottom()
	case id != p.top.id:
		p.top = spot{id, 0}
	default:
		p.top.row = min(p.top.row, p.height(id)-1)
	}
	if end := p.bottom(); p.top.id > end.id || p.top.id == end.id && p.top.row > end.row {
		p.top = end
	}
}

// Scroll moves by rows: up (negative) stops following; down never starts it.
func (p *Pane) Scroll(rows int) {
	if p.ring.count == 0 || p.follow && rows > 0 {
		return
	}
	p.top = p.first()
	p.follow = false
	p.settle()
	if rows < 0 {
		p.up(-rows)
	}
	for range rows {
		var ok bool
		if p.top, ok = p.below(p.top); !ok {
			break
		}
	}
	p.settle()
}

// Page moves by pages.
func (p *Pane) Page(pages int) { p.Scroll(pages * max(p.h-1, 1)) }

// Top goes to the first line.
func (p *Pane) Top() {
	p.follow = false
	p.top = spot{p.ring.first, 0}
	p.settle()
}

// Bottom goes to the last line, without following.
func (p *Pane) Bottom() {
	p.top = p.bottom()
	p.follow = false
}

// Shift moves what is seen to the right, where lines are not wrapped.
func (p *Pane) Shift(cells int) {
	if !p.wrap {
		p.shift = max(p.shift+cells, 0)
	}
}
