package schedule

import "time"

// Rule says what becomes of missed slots.
type Rule struct {
	Catchup string        // latest, all; else none
	Window  time.Duration // no slot is caught up with that is older
	Start   time.Time     // zero, or before it there are no slots
}

// Slots are the slots of a schedule from First to Last; none where both are zero.
type Slots struct{ First, Last time.Time }

// None tells that there is no slot.
func (s Slots) None() bool { return s.First.IsZero() }

// Backlog is what was due while nobody looked. The skipped slots are older than
// those that are still to be run, so that they can be decided first.
type Backlog struct{ Skipped, Due Slots }

// First returns the first slot after an instant that is not before start, which
// may be zero.
func (s Schedule) First(after, start time.Time) time.Time {
	if start.After(after) {
		after = start.Add(-time.Nanosecond)
	}
	return s.Next(after)
}

// Missed sorts the slots after the one that was decided last, until now and
// with it. It takes the same time however many there are.
func (s Schedule) Missed(decided, now time.Time, r Rule) Backlog {
	missed := s.between(decided, now, r.Start)
	if missed.None() {
		return Backlog{}
	}
	var due Slots
	switch edge := now.Add(-r.Window - 1); r.Catchup { // a slot that is as old as the window is within
	case "latest":
		if missed.Last.After(edge) {
			due = Slots{missed.Last, missed.Last}
		}
	case "all":
		if edge.Before(decided) {
			edge = decided
		}
		due = s.between(edge, now, r.Start)
	}
	skipped := missed
	if !due.None() {
		skipped = s.between(decided, due.First.Add(-time.Nanosecond), r.Start)
	}
	return Backlog{Skipped: skipped, Due: due}
}

// between returns the slots after one instant, until another and with it.
func (s Schedule) between(after, until, start time.Time) Slots {
	first := s.First(after, start)
	if first.IsZero() || first.After(until) {
		return Slots{}
	}
	// The last one is found by halves: there is a slot after low and until the
	// end, and none after high.
	low, high := first.Unix()-1, until.Unix()+1
	for high-low > 1 {
		middle := low + (high-low)/2
		if next := s.Next(time.Unix(middle, 0)); next.IsZero() || next.After(until) {
			high = middle
		} else {
			low = middle
		}
	}
	return Slots{First: first, Last: s.Next(time.Unix(low, 0))}
}

// Count counts slots, up to a most.
func (s Schedule) Count(of Slots, most int) int {
	n := 0
	for at := of.First; !of.None() && n < most && !at.IsZero() && !at.After(of.Last); at = s.Next(at) {
		n++
	}
	return n
}
