package store

import (
	"context"
	"fmt"
	"math"
	"time"
)

// box is a part of the lines of a query: those within a span of times and a
// span of positions. The boxes of a query are in its order: every line of one
// comes before all lines of the next. So DuckDB never has to sort all that is
// left to find the next page: it counts, once, how many lines there are where,
// and then reads box by box.
type box struct {
	time, pos span
	measured  bool
	lines     int64
	bytes     int64
}

// last is the cursor behind all that is in the box.
func (b box) last(at cursor) cursor { return at.forward(b.pos.max, b.time.max) }

// before and after are the parts of b on one side of a line.
func (b box) before(time, pos int64, byPos bool) []box {
	rest := b
	if byPos || time == end {
		rest.pos.max = min(rest.pos.max, pos-1)
		return some(rest)
	}
	level := b
	rest.time.max = min(rest.time.max, time-1)
	level.time = level.time.within(span{time, time})
	level.pos.max = min(level.pos.max, pos-1)
	return some(rest, level)
}

func (b box) after(time, pos int64, byPos bool) []box {
	rest := b
	if byPos || time == beginning {
		rest.pos.min = max(rest.pos.min, pos+1)
		return some(rest)
	}
	level := b
	level.time = level.time.within(span{time, time})
	level.pos.min = max(level.pos.min, pos+1)
	rest.time.min = max(rest.time.min, time+1)
	return some(level, rest)
}

// some returns the boxes that are not empty, not yet measured.
func some(boxes ...box) (found []box) {
	for _, b := range boxes {
		if b.time.min <= b.time.max && b.pos.min <= b.pos.max {
			found = append(found, box{time: b.time, pos: b.pos})
		}
	}
	return found
}

// hull is the least box that holds all of them.
func hull(boxes []box) box {
	whole := box{time: emptySpan(), pos: emptySpan()}
	for _, b := range boxes {
		whole.time, whole.pos = whole.time.widen(b.time), whole.pos.widen(b.pos)
	}
	return whole
}

// conditions restricts w to the box.
func (b box) conditions(w *where) {
	w.add("pos >= ? AND pos <= ?", b.pos.min, b.pos.max)
	if b.time.min > math.MinInt64 {
		w.add("time >= ?", time.UnixMicro(b.time.min).UTC())
	}
	if b.time.max < math.MaxInt64 {
		w.add("time <= ?", time.UnixMicro(b.time.max).UTC())
	}
}

// lineBytes is about what a line is more than its text when it is loaded, or
// encoded.
const lineBytes = 200

// fits tells whether the box is read at once.
func (b box) fits(limit int64) bool { return b.lines <= 1 || b.bytes+b.lines*lineBytes <= limit }

// measure counts what is in the box, and draws it tight.
func (lq *logQuery) measure(ctx context.Context, b box) (box, error) {
	w := where{}
	b.conditions(&w)
	var minTime, maxTime, minPos, maxPos, bytes *int64
	b.measured = true
	err := lq.db.QueryRowContext(ctx, "SELECT count(*), sum(size)::BIGINT, epoch_us(min(time)), epoch_us(max(time)), min(pos), max(pos) FROM ("+lq.from+") WHERE "+w.String(),
		append(lq.args[:len(lq.args):len(lq.args)], w.args...)...).Scan(&b.lines, &bytes, &minTime, &maxTime, &minPos, &maxPos)
	if err == nil && b.lines > 0 {
		b.bytes, b.time, b.pos = *bytes, span{*minTime, *maxTime}, span{*minPos, *maxPos}
	}
	return b, err
}

// split cuts a box that was measured into boxes that fit, as far as that shows
// at once: lines may be close together in one place.
func (lq *logQuery) split(ctx context.Context, b box, limit int64) ([]box, error) {
	key, of := "pos", func(b *box) *span { return &b.pos }
	if !lq.byPos && b.time.min < b.time.max {
		key, of = "epoch_us(time)", func(b *box) *span { return &b.time }
	}
	whole := *of(&b)
	count := min(max(8*(b.bytes+b.lines*lineBytes)/limit, 16), 1024)
	width := (whole.max-whole.min)/count + 1
	w := where{}
	b.conditions(&w)
	rows, err := lq.db.QueryContext(ctx, fmt.Sprintf("SELECT count(*), sum(size)::BIGINT, min(k), max(k) FROM (SELECT %s AS k, size FROM (%s) WHERE %s) GROUP BY (k - ?) // ? ORDER BY 3",
		key, lq.from, w.String()), append(append(lq.args[:len(lq.args):len(lq.args)], w.args...), whole.min, width)...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var boxes []box
	for rows.Next() {
		next := b
		if err := rows.Scan(&next.lines, &next.bytes, &of(&next).min, &of(&next).max); err != nil {
			return nil, err
		}
		if n := len(boxes); n > 0 {
			sum := boxes[n-1]
			sum.lines, sum.bytes, of(&sum).max = sum.lines+next.lines, sum.bytes+next.bytes, of(&next).max
			if sum.fits(limit) {
				boxes[n-1] = sum
				continue
			}
		}
		boxes = append(boxes, next)
	}
	return boxes, rows.Err()
}
