package scheduler

import (
	"context"
	"time"

	"github.com/cdktr/cdktr/lib/listen"
	"github.com/cdktr/cdktr/lib/wire"
)

// atOnce bounds how many slots of one workflow are emitted before others have
// their turn.
const atOnce = 100

// fire emits what is due. Of a workflow with many missed slots it emits some;
// the others are due still.
func (s *Scheduler) fire(ctx context.Context, now time.Time, emit func([]listen.Event) error) error {
	var events []listen.Event
	var skipped []wire.Decision
	var done []*entry
	for len(s.queue) > 0 && !s.queue.next().After(now) {
		e := s.queue[0]
		if e.next.After(e.until) && now.Sub(e.next) >= grace {
			skipped = append(skipped, e.sort(now)...)
		}
		for n := 0; n < atOnce && !e.next.IsZero() && !e.next.After(now); n++ {
			s.count++
			events = append(events, e.event(e.next, s.count))
			e.pass(e.next)
		}
		due := e.next
		e.next = time.Time{}
		s.queue.put(e)
		e.next = due
		done = append(done, e)
	}
	for _, e := range done {
		s.queue.put(e)
	}
	// What is skipped is older than what is emitted.
	if err := s.decide(ctx, skipped); err != nil {
		return err
	}
	if len(events) == 0 {
		return nil
	}
	s.begin(len(events))
	return emit(events)
}

// sort finds out what becomes of missed slots: those until e.until are to be
// emitted, and e.next is the first of them.
func (e *entry) sort(now time.Time) []wire.Decision {
	missed := e.spec.Missed(e.cursor, now, e.rule)
	var skipped []wire.Decision
	if !missed.Skipped.None() {
		skipped = append(skipped, e.skip(missed.Skipped, !missed.Due.None()))
		e.pass(missed.Skipped.Last)
	}
	e.until = missed.Due.Last
	return skipped
}
