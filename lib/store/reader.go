package store

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// reader goes through the lines of one query, page by page.
type reader struct {
	s    *Store
	lq   logQuery
	grep *pattern
	all  box
	at   cursor
	left []box // what is still to be read, in order

	box   box      // what was read last
	ready []loaded // of it, what was not given out yet
}

func (s *Store) newReader(ctx context.Context, q wire.LogsQuery, at cursor) (*reader, error) {
	grep, err := parsePattern(q.Grep)
	if err != nil {
		return nil, err
	}
	if q.Last > 0 && q.Cursor == "" {
		at = at.backFrom(q.Last)
	}
	r := &reader{s: s, lq: logQuery{db: s.db, byPos: q.ByPos}, grep: grep, all: bounds(q, at), at: at}
	switch {
	case at.Want > 0:
		r.left = r.all.before(at.Time, at.Pos, q.ByPos)
	default:
		r.left = r.all.after(at.Time, at.Pos, q.ByPos)
	}
	if len(r.left) == 0 && at.Want == 0 {
		return r, nil
	}
	within := r.all
	if at.Want == 0 {
		within = hull(r.left)
	}
	if err := s.choose(ctx, &r.lq, q, within); err != nil {
		return nil, err
	}
	if r.lq.from == "" { // no file holds anything, so there is no way back to look along
		r.left = nil
		if at.Want > 0 {
			r.at = at.forward(0, beginning)
		}
		return r, nil
	}
	return r, grep.narrow(ctx, s, &r.lq.narrow)
}

// stepBytes bounds what a reader loads at once.
const stepBytes = pageBytes

// tight tells whether a box fits into memory. One that does not is measured and
// split; one that is empty becomes none.
func (r *reader) tight(ctx context.Context, b box) (fit bool, boxes []box, err error) {
	if n := b.pos.max - b.pos.min + 1; !b.measured && r.lq.byPos && (box{lines: n, bytes: n * r.lq.largest}).fits(stepBytes) {
		return true, []box{b}, nil // a follower's question: there is nothing to be counted
	}
	if !b.measured {
		if b, err = r.lq.measure(ctx, b); err != nil || b.lines == 0 {
			return false, nil, err
		}
	}
	if b.fits(stepBytes) {
		return true, []box{b}, nil
	}
	boxes, err = r.lq.split(ctx, b, stepBytes)
	return false, boxes, err
}

// page reads until the page is half full, or until that has taken long.
func (r *reader) page(ctx context.Context) (wire.Logs, error) {
	page := wire.Logs{Records: []json.RawMessage{}, Pos: r.at.Snap}
	began := time.Now()
	if err := r.back(ctx, began); err != nil {
		return page, err
	}
	size := 0
	for r.at.Want == 0 && r.more() {
		loaded, err := r.load(ctx)
		if err != nil {
			return page, err
		}
		if !loaded {
			break
		}
		n, err := r.s.encode(ctx, &r.lq, r.ready, &page, &size)
		if err != nil {
			return page, err
		}
		r.take(n)
		if len(r.ready) > 0 || r.enough(size, len(page.Records), time.Since(began)) {
			break
		}
	}
	if err := r.prune(ctx); err != nil {
		return page, err
	}
	switch {
	case r.more() || r.at.Want > 0:
		page.More, page.Cursor = true, r.at.String()
		if r.lq.byPos && r.at.Want == 0 {
			page.Pos = r.at.Pos
		}
	case r.lq.byPos:
		// One can follow from its end.
		page.Cursor = r.at.forward(max(r.at.Pos, r.at.Snap), 0).String()
	}
	return page, nil
}

func (r *reader) more() bool { return len(r.ready)+len(r.left) > 0 }

// load makes lines of the next box ready, unless there are some. It returns
// false where no box is left.
func (r *reader) load(ctx context.Context) (bool, error) {
	for len(r.ready) == 0 && len(r.left) > 0 {
		fit, boxes, err := r.tight(ctx, r.left[0])
		if err != nil {
			return false, err
		}
		if !fit {
			r.left = append(boxes, r.left[1:]...)
			continue
		}
		r.box = boxes[0]
		if r.ready, err = r.lines(ctx, r.box); err == nil {
			r.left = r.left[1:]
		}
		return true, err
	}
	return len(r.ready) > 0, nil
}

// take moves the reader past n of the lines that are ready.
func (r *reader) take(n int) {
	switch {
	case n == len(r.ready):
		r.at, r.ready = r.box.last(r.at), nil
	case n > 0:
		r.at = r.at.forward(r.ready[n-1].pos, r.ready[n-1].micros)
		r.ready = r.ready[n:]
	}
}

// unload gives back what is ready, to be loaded again.
func (r *reader) unload() {
	if len(r.ready) > 0 {
		r.left = append(r.box.after(r.at.Time, r.at.Pos, r.lq.byPos), r.left...)
		r.ready = nil
	}
}

// prune drops boxes with nothing in them, so that a page says whether another
// one follows.
func (r *reader) prune(ctx context.Context) error {
	for r.at.Want == 0 && len(r.ready) == 0 && len(r.left) > 0 && !r.left[0].measured {
		b, err := r.lq.measure(ctx, r.left[0])
		if err != nil {
			return err
		}
		if r.left[0] = b; b.lines == 0 {
			r.left = r.left[1:]
		}
	}
	return nil
}

// enough tells whether a page is answered: it takes many records, fewer when
// they have taken long, and at last none.
func (r *reader) enough(size, count int, took time.Duration) bool {
	return size > pageBytes/2 || count > 0 && took > r.s.look/4 || r.grep != nil && took > r.s.look
}

// back looks back for where the newest few begin, and turns the reader round
// there. It gives up for now when that takes long.
func (r *reader) back(ctx context.Context, began time.Time) error {
	for r.at.Want > 0 {
		last := len(r.left) - 1
		if last < 0 {
			// Fewer than were wanted: all that there is.
			r.turn(r.at.forward(0, beginning))
			return nil
		}
		fit, boxes, err := r.tight(ctx, r.left[last])
		if err != nil {
			return err
		}
		r.left = append(r.left[:last], boxes...)
		if !fit {
			continue
		}
		b := boxes[0]
		if r.grep != nil || b.lines > int64(r.at.Want) || !b.measured {
			lines, err := r.lines(ctx, b)
			if err != nil {
				return err
			}
			if len(lines) >= r.at.Want {
				first := &lines[len(lines)-r.at.Want]
				r.turn(r.at.forward(first.pos-1, first.micros))
				return nil
			}
			b.lines = int64(len(lines))
		}
		r.at.Want -= int(b.lines)
		r.at.Time, r.at.Pos = b.time.min, b.pos.min
		r.left = r.left[:last]
		if r.at.Want == 0 {
			r.turn(r.at.forward(r.at.Pos-1, r.at.Time))
		}
		if time.Since(began) > r.s.look {
			return nil
		}
	}
	return nil
}

// turn makes the reader go forward from at.
func (r *reader) turn(at cursor) {
	r.at = at
	r.left = r.all.after(at.Time, at.Pos, r.lq.byPos)
}

// lines loads what matches in a box, in order.
func (r *reader) lines(ctx context.Context, b box) ([]loaded, error) {
	lines, err := r.lq.lines(ctx, b)
	if err != nil || r.grep == nil {
		return lines, err
	}
	return slices.DeleteFunc(lines, func(l loaded) bool { return !r.grep.line(&l) }), nil
}
