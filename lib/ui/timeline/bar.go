package timeline

import "time"

// mark is what is in a cell of a bar.
type mark uint8

const (
	nothing mark = iota
	queued
	running
	failedAt
	lostAt
	backoff
	paused
	before
	after
)

// piece is a part of a bar: from one instant to another, at least so many cells.
type piece struct {
	mark     mark
	from, to time.Time
	least    int
}

// sign tells whether it is one of the cells that end a try.
func (p *piece) sign() bool { return p.mark == failedAt || p.mark == lostAt }

// pieces are a task's past as parts of its bar. Each try is there with one cell
// at least, and so is each failure.
func (t *Task) pieces(now time.Time, tight bool) []piece {
	all := make([]piece, 0, 4*len(t.Attempts)+1)
	for i := range t.Attempts {
		a := &t.Attempts[i]
		end := a.end(now)
		if !a.Queued.IsZero() && a.Queued.Before(a.Started) {
			all = append(all, piece{mark: queued, from: a.Queued, to: a.Started})
		}
		sign := nothing
		switch a.Status {
		case "FAILED":
			sign = failedAt
		case "CRASHED":
			sign = lostAt
		}
		least := 1
		if sign != nothing && tight && i > 0 {
			least = 0
		}
		all = append(all, piece{mark: running, from: a.Started, to: end, least: least})
		if sign != nothing {
			all = append(all, piece{mark: sign, from: end, to: end, least: 1})
		}
		if wait := t.wait(i, now); wait.After(end) {
			all = append(all, piece{mark: backoff, from: end, to: wait})
		}
	}
	if !t.Ready.IsZero() && !t.ended() && t.Status != "RUNNING" && t.Ready.Before(now) {
		all = append(all, piece{mark: queued, from: t.Ready, to: now, least: 1})
	}
	return all
}

// span is the cells of a piece.
type span struct{ from, to int }

// bar draws a task's past. It tells which cells are used at most, or -1 for none.
func (s *scale) bar(t *Task) (cells []mark, first, last int) {
	cells = make([]mark, s.room)
	first, last = -1, -1
	if s.room < 1 {
		return cells, first, last
	}
	for _, p := range s.pauses {
		if c := s.column(p.From); c >= 0 && c < s.room {
			cells[c] = paused
		}
	}
	pieces := t.pieces(s.now, false)
	spans, fits := s.spread(pieces)
	if !fits {
		pieces = t.pieces(s.now, true)
		spans, _ = s.spread(pieces)
	}
	for i, p := range pieces {
		for c := max(spans[i].from, 0); c < min(spans[i].to, s.room); c++ {
			cells[c] = p.mark
			if first < 0 || c < first {
				first = c
			}
			last = max(last, c)
		}
	}
	if n := len(pieces); n > 0 && first < 0 {
		// All of it is outside of what is seen.
		if s.column(pieces[n-1].to) < 0 {
			cells[0], first, last = before, 0, 0
		} else {
			cells[s.room-1], first, last = after, s.room-1, s.room-1
		}
	}
	return cells, first, last
}

// spread gives each piece its cells, one after the other. Where the smallest
// sizes push some of them beyond the end, all before them move to the left;
// false where that is not enough.
func (s *scale) spread(pieces []piece) ([]span, bool) {
	spans := make([]span, len(pieces))
	next := -1
	for i, p := range pieces {
		from, to := s.start(p), s.column(p.to)
		if s.inside(p) {
			from = max(from, next)
			to = max(to, from+p.least)
			switch {
			case p.mark == running && i+1 < len(pieces) && pieces[i+1].sign():
				to = max(to-1, from+p.least) // the last cell is the failure's
			case p.sign() && next >= 0:
				from, to = next, next+1
			}
			next = to
		}
		spans[i] = span{from, max(to, from)}
	}
	end := s.room
	if !s.zoomed {
		end = s.cells
	}
	for i := len(pieces) - 1; i >= 0; i-- {
		if !s.inside(pieces[i]) || spans[i].to <= end {
			break
		}
		size := min(spans[i].to-spans[i].from, max(pieces[i].least, end-spans[i].from))
		spans[i] = span{end - size, end}
		end -= size
	}
	return spans, end >= 0
}

// inside tells whether a piece is at least partly in what is seen.
func (s *scale) inside(p piece) bool {
	return s.column(p.to) >= 0 && s.start(p) < s.room
}

// start is the first cell of a piece. One that begins with the end of what is
// seen is in the last cell.
func (s *scale) start(p piece) int {
	c := s.column(p.from)
	if c == s.cells && s.at(p.from) <= s.from+s.span {
		return c - 1
	}
	return c
}
