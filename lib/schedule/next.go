package schedule

import "time"

// Next returns the first instant after the given one at which the schedule is
// due, in UTC, or the zero time if there is none.
//
// Where clocks are set forward or back, times of the day stay times of the day:
// one that is skipped is due right after the jump, one that comes twice is due
// the first time only. So a reading is due at the first instant at which the
// clock shows it or a later one. Hours that are * or have a step follow elapsed
// time instead: they are due whenever the clock shows one of them.
func (s Schedule) Next(after time.Time) time.Time {
	if s.zone == nil {
		return time.Time{}
	}
	next, ok := int64(0), false
	if at := after.Unix() + 1; s.due.elapsed { // an instant within a second counts for its beginning
		next, ok = s.elapsed(at)
	} else {
		next, ok = s.ofDay(at)
	}
	if !ok {
		return time.Time{}
	}
	return time.Unix(next, 0).UTC()
}

// elapsed finds the first instant, from at on, whose reading is due.
func (s Schedule) elapsed(at int64) (int64, bool) {
	for {
		p := s.period(at)
		reading, ever := s.due.from(at + p.offset)
		if !ever {
			return 0, false
		}
		if due := reading - p.offset; due < p.end {
			return due, true
		}
		at = p.end
	}
}

// ofDay finds the first due reading that the clock has not shown before at, and
// the instant at which it has come to it.
func (s Schedule) ofDay(at int64) (int64, bool) {
	reading, ever := s.due.from(s.shown(at-1) + 1)
	if !ever {
		return 0, false
	}
	for at = max(at, reading-maxOffset); ; {
		p := s.period(at)
		if due := max(at, reading-p.offset); due < p.end {
			return due, true
		}
		at = p.end
	}
}

// shown is the latest reading that the clock has shown until at. It is later
// than that of at itself where the clock was set back just before.
func (s Schedule) shown(at int64) int64 {
	p := s.period(at)
	latest := at + p.offset
	for earlier := p; earlier.start > at-maxBack; {
		before := s.period(earlier.start - 1)
		latest = max(latest, earlier.start-1+before.offset)
		earlier = before
	}
	return latest
}

const (
	maxOffset = 16 * 3600 // that a zone is, or was, ahead of UTC
	maxBack   = 26 * 3600 // that a clock was set back: a day, where the date line moved
	never     = 1<<63 - 1
)

// period is a time in which a clock is not set: its instants and offset. It has
// at in it, and may be shorter than it could be.
type period struct{ start, end, offset int64 }

func (s Schedule) period(at int64) period {
	t := time.Unix(at, 0).In(s.zone)
	_, offset := t.Zone()
	start, end := t.ZoneBounds()
	p := period{start: -never, end: never, offset: int64(offset)}
	if !start.IsZero() {
		p.start = min(start.Unix(), at)
	}
	if !end.IsZero() {
		p.end = end.Unix()
	}
	if p.end <= at {
		// Go takes each year to have 365 days where it goes by a zone's rules.
		// No clock is set but at a full minute.
		p.end = at - at%60 + 60
	}
	return p
}
