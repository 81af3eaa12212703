package listen

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// The pause before a listener that failed is started again doubles with each
// failure. After a time of health it is the first one again.
const (
	firstRestart   = time.Second
	longestRestart = time.Minute
	health         = time.Minute
)

// How much is on its way at once, at most.
const (
	supervisedItems = 2000
	supervisedBytes = 1 << 20
)

// Supervisor keeps a listener going beside other work. One that fails or panics
// is started again; nobody else is touched.
type Supervisor struct {
	Name     string
	Listener Listener
	Send     func(ctx context.Context, items []wire.TriggerItem) ([]wire.Triggered, error) // as Delivery's
	Told     func(ctx context.Context, batch []Outcome) error                              // hears what became of events; may be nil
	Log      *slog.Logger

	mu     sync.Mutex
	status wire.ListenerStatus
}

// Run listens until ctx ends, and returns when nothing of it is left.
func (s *Supervisor) Run(ctx context.Context) {
	pause := firstRestart
	for {
		began := time.Now()
		s.change(func(now *wire.ListenerStatus) { now.State = running })
		err := s.live(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) >= health {
			pause = firstRestart
		}
		text := err.Error()
		s.change(func(now *wire.ListenerStatus) { now.State, now.Error, now.Restarts = waiting, &text, now.Restarts+1 })
		args := []any{"listener", s.Name, "error", err, "again_in", pause}
		if p, ok := errors.AsType[*panicked](err); ok {
			args = append(args, "stack", string(p.stack))
		}
		s.Log.Error("a listener has failed", args...)
		if sleep(ctx, pause) != nil {
			return
		}
		pause = min(2*pause, longestRestart)
	}
}

// The states of a listener.
const (
	running = "running"
	waiting = "waiting"
)

// Status tells how it is doing. Any goroutine may ask.
func (s *Supervisor) Status() wire.ListenerStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.status
	if now.Listener = s.Name; now.State == "" { // Run is about to begin
		now.State, now.Since = waiting, wire.At(time.Now())
	}
	return now
}

func (s *Supervisor) change(to func(*wire.ListenerStatus)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Since = wire.At(time.Now())
	to(&s.status)
}

// errEnded is of a source that has come to its end. Those that are supervised
// have none.
var errEnded = errors.New("it has ended by itself")

// live is the listener's life from one start to its failure.
func (s *Supervisor) live(ctx context.Context) error {
	d := Delivery{
		Send: func(work context.Context, items []wire.TriggerItem) ([]wire.Triggered, error) {
			// What is not delivered by now is emitted anew by the next life.
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			return s.Send(work, items)
		},
		Done: func(batch []Outcome) error {
			if s.Told == nil {
				return nil
			}
			return contained(func() error { return s.Told(ctx, batch) })
		},
		Busy:  func(why error) { s.Log.Warn("events wait", "listener", s.Name, "reason", why) },
		Items: supervisedItems, Bytes: supervisedBytes,
	}
	if err := d.Run(ctx, counted{s}); err != nil {
		return err
	}
	return errEnded
}

// counted is the listener of a Supervisor, with its events counted and its
// panics caught.
type counted struct{ s *Supervisor }

func (c counted) Listen(ctx context.Context, emit func([]Event) error) error {
	return contained(func() error {
		return c.s.Listener.Listen(ctx, func(events []Event) error {
			c.s.mu.Lock()
			c.s.status.Events += int64(len(events))
			c.s.mu.Unlock()
			return emit(events)
		})
	})
}

// panicked is the error that contained makes of a panic.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

func contained(do func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicked{value, debug.Stack()}
		}
	}()
	return do()
}
