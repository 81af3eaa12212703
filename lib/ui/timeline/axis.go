package timeline

import (
	"strings"
	"time"
	"unicode/utf8"
)

// scale maps the time that is seen to the cells of the bar.
type scale struct {
	clock
	from, span time.Duration
	cells      int // that the span takes
	room       int // cells that there are
	now        time.Time
	zoomed     bool
}

// notes is how many cells at the right are left free for words, where all of the
// run is seen.
const notes = 20

func (r *Run) scale(v *View, room int) scale {
	length := r.Length(v.Now)
	s := scale{clock: r.clock(), cells: room, room: room, now: v.Now, zoomed: v.Window.Span > 0}
	s.from, s.span = v.Window.bounds(length)
	if !s.zoomed {
		s.cells = max(room-min(notes, room/4), 1)
	}
	return s
}

// column is the cell that begins at an instant or before it; it may be outside.
func (s *scale) column(t time.Time) int {
	d := s.at(t) - s.from
	// Cells as a float: a product of int64 overflows after some days.
	c := float64(d) / float64(s.span) * float64(s.cells)
	if c < 0 {
		return -1
	}
	return int(min(c, 1e6))
}

// steps are the distances of ticks that people like.
var steps = [...]time.Duration{
	10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	24 * time.Hour, 2 * 24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour,
}

// apart is how many cells there are at least from one tick to the next.
const apart = 11

func (s *scale) step() time.Duration {
	for _, step := range steps {
		if float64(step)/float64(s.span)*float64(s.cells) >= apart {
			return step
		}
	}
	return steps[len(steps)-1]
}

// axis writes the times above the bars: first the whole time at the left end,
// then round ones, and where now is.
func (s *scale) axis(open bool) string {
	line := []rune(strings.Repeat(" ", s.room))
	free := 0 // the first cell that may be written to
	put := func(c int, text string) bool {
		n := utf8.RuneCountInString(text)
		if c < free || c+n > s.room {
			return false
		}
		copy(line[c:], []rune(text))
		free = c + n + 2
		return true
	}
	end := s.room
	if now := s.column(s.now); open && now >= 0 && now < s.room {
		end = min(now, s.room-3)
		if end >= 0 {
			copy(line[end:], []rune("now"))
		}
	}
	step := s.step()
	first := s.wall(s.from)
	label := first.UTC().Format("15:04:05")
	switch {
	case step < time.Second:
		label = first.UTC().Format("15:04:05.000")
	case step >= 24*time.Hour:
		label = first.UTC().Format("Jan 02 15:04")
	}
	if len(label)+1 > end {
		return string(line)
	}
	put(0, label)
	last := first
	for t := first.UTC().Truncate(step).Add(step); ; t = t.Add(step) {
		if p, closed := s.closed(t); closed {
			t = p.To.UTC().Truncate(step) // the next one comes after it
			continue
		}
		c := s.column(t)
		if c >= s.room {
			return string(line)
		}
		text := s.tick(t, last, step)
		if c+len(text)+1 <= end && put(c, text) {
			last = t
		}
	}
}

// closed tells whether the run was closed at an instant. The start of the next
// tick's search is before the end of the pause: its own end is not in it.
func (s *scale) closed(t time.Time) (Pause, bool) {
	for _, p := range s.pauses {
		if t.After(p.From) && t.Before(p.To) {
			return p, true
		}
	}
	return Pause{}, false
}

// tick is the time as far as it differs from the one before.
func (s *scale) tick(t, before time.Time, step time.Duration) string {
	before = before.UTC()
	switch {
	case step >= 24*time.Hour:
		return t.Format("Jan 02")
	case t.YearDay() != before.YearDay() && step >= time.Minute:
		return t.Format("Jan 02")
	case step >= time.Hour:
		return t.Format("15:04")
	case step < time.Second && t.Truncate(time.Minute).Equal(before.Truncate(time.Minute)):
		return t.Format(":05.000")
	case step < time.Second:
		return t.Format(":04:05")
	case t.Hour() != before.Hour():
		return t.Format("15:04:05")
	}
	return t.Format(":04:05")
}
