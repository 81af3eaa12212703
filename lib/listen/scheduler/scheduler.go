// Package scheduler is the listener that emits an event for each slot of each
// workflow that has a schedule.
//
// It owns when slots are emitted, and which of those that were missed. It has
// no way into the principal that others have not: it asks for the schedules,
// triggers runs, and says of slots that they have none. What it has decided is
// in the history, so that each slot is decided once, over restarts too. When a
// schedule is due is lib/schedule's; whether runs may overlap is lib/run's.
package scheduler

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/cdktr/cdktr/lib/listen"
	"github.com/cdktr/cdktr/lib/schedule"
	"github.com/cdktr/cdktr/lib/wire"
)

// Principal is what the scheduler asks.
type Principal interface {
	Schedules(ctx context.Context) ([]wire.Schedule, error)
	Decide(ctx context.Context, batch []wire.Decision) error
}

// Scheduler is a listen.Listener. All that Listen works on is its own; only
// what is under way is shared with Told.
type Scheduler struct {
	principal Principal
	changed   []<-chan struct{}
	clock     Clock
	log       *slog.Logger

	specs   schedule.Parser
	entries map[string]*entry // by workflow
	queue   queue             // of those that have a next slot
	seen    time.Time         // when it last looked at the clock, in an earlier life too
	count   int64             // of events

	mu      sync.Mutex
	pending int           // events that are emitted and not told
	moved   time.Time     // when the last of them were told, or the first emitted
	settled chan struct{} // gets a value when none is left

	refused map[string]string // by workflow, what was last said; Told's alone
}

// New returns a scheduler. What changed gets a value when the workflows, or what
// is paused, have become others: at most two channels.
func New(p Principal, clock Clock, log *slog.Logger, changed ...<-chan struct{}) *Scheduler {
	changed = append(changed, nil, nil) // a nil channel never has anything
	return &Scheduler{principal: p, changed: changed[:2], clock: clock, log: log, settled: make(chan struct{}, 1), refused: map[string]string{}}
}

// grace is how late a slot may be emitted as if it were in time. What is later
// was missed.
const grace = time.Minute

// Listen emits slots until ctx ends.
func (s *Scheduler) Listen(ctx context.Context, emit func([]listen.Event) error) error {
	// What an earlier life had under way is over, and counts as far as it is
	// in the history.
	s.entries, s.queue, s.pending = map[string]*entry{}, nil, 0
	defer func() { s.seen = s.clock.Now() }()
	if err := s.read(ctx, true); err != nil {
		return err
	}
	for {
		now := s.clock.Now()
		if now.Before(s.seen.Add(-grace)) {
			s.log.Warn("the clock was set back", "from", s.seen.UTC(), "to", now.UTC())
			if err := s.read(ctx, false); err != nil {
				return err
			}
		}
		s.seen = now
		var next time.Time
		var settled <-chan struct{}
		if s.stuck(now) {
			settled = s.settled
		} else {
			if err := s.fire(ctx, now, emit); err != nil {
				return err
			}
			next = s.queue.next()
		}
		var again bool
		select {
		case <-s.clock.Wake(next):
		case <-settled:
		case <-s.changed[0]:
			again = true
		case <-s.changed[1]:
			again = true
		case <-ctx.Done():
			return nil
		}
		if again {
			if err := s.read(ctx, false); err != nil {
				return err
			}
		}
	}
}

// begin counts events that are about to be emitted.
func (s *Scheduler) begin(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending == 0 {
		s.moved = s.clock.Now()
	}
	s.pending += n
}

// stuck tells that nobody has taken events for a while: the principal takes no
// work. What is due meanwhile was missed, and is not to come in one burst.
func (s *Scheduler) stuck(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pending > 0 && now.Sub(s.moved) >= grace
}

// decide waits until all that is emitted is told, and then says of slots that
// they have no run. So slots are decided in their order.
func (s *Scheduler) decide(ctx context.Context, batch []wire.Decision) error {
	if len(batch) == 0 {
		return nil
	}
	for s.underWay() {
		select {
		case <-s.settled:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return s.principal.Decide(ctx, batch)
}

func (s *Scheduler) underWay() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pending > 0
}

// Told hears what became of slots. One that was refused is decided, so that it
// comes not again.
func (s *Scheduler) Told(ctx context.Context, batch []listen.Outcome) error {
	var decisions []wire.Decision
	for i := range batch {
		o := &batch[i]
		switch reason, refused := refusal(o); {
		case refused:
			if s.refused[o.Trigger.Workflow] != reason {
				s.refused[o.Trigger.Workflow] = reason
				s.log.Error("a slot has no run", "workflow", o.Trigger.Workflow, "slot", o.Trigger.Scheduled, "reason", reason)
			}
			slot := wire.Slot{Schedule: o.Trigger.Schedule, Time: *o.Trigger.Scheduled}
			decisions = append(decisions, wire.Decision{Workflow: o.Trigger.Workflow, Slot: slot, Reason: reason})
		case o.Err == nil:
			delete(s.refused, o.Trigger.Workflow)
		}
	}
	if len(decisions) > 0 {
		if err := s.principal.Decide(ctx, decisions); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moved = s.clock.Now()
	if s.pending -= len(batch); s.pending == 0 {
		select {
		case s.settled <- struct{}{}:
		default:
		}
	}
	return nil
}

// refusal is why a slot will never have a run, if that is so. One that was given
// up is not decided: it comes again.
func refusal(o *listen.Outcome) (reason string, refused bool) {
	if errors.As(o.Err, new(*listen.Undelivered)) {
		return "", false
	}
	e, ok := errors.AsType[*wire.Error](o.Err)
	if !ok {
		return "", false
	}
	switch e.Code {
	case wire.BadRequest, wire.TooLarge, wire.Conflict, wire.NotFound:
		return "refused: " + e.Message, true
	}
	return "", false
}
