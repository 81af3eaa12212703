package listen

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// listenerFunc is a listener that is one function.
type listenerFunc func(ctx context.Context, emit func([]Event) error) error

func (f listenerFunc) Listen(ctx context.Context, emit func([]Event) error) error {
	return f(ctx, emit)
}

// supervise runs a listener in a bubble for a time, and returns its status then.
func supervise(t *testing.T, most time.Duration, s *Supervisor) wire.ListenerStatus {
	t.Helper()
	var now wire.ListenerStatus
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		s.Name, s.Log = "source", slog.New(slog.DiscardHandler)
		if s.Send == nil {
			s.Send = func(_ context.Context, items []wire.TriggerItem) ([]wire.Triggered, error) {
				return slices.Repeat([]wire.Triggered{{Run: "r"}}, len(items)), nil
			}
		}
		var over sync.WaitGroup
		over.Go(func() { s.Run(ctx) })
		time.Sleep(most)
		synctest.Wait()
		now = s.Status()
		stop()
		over.Wait()
	})
	return now
}

func TestListenerThatFailsIsStartedAgainMoreAndMoreSlowly(t *testing.T) {
	var starts []time.Duration
	var first time.Time
	now := supervise(t, 5*time.Minute, &Supervisor{Listener: listenerFunc(func(context.Context, func([]Event) error) error {
		if first.IsZero() {
			first = time.Now()
		}
		starts = append(starts, time.Since(first)/time.Second)
		return fmt.Errorf("failure %d", len(starts))
	})})
	if want := []time.Duration{0, 1, 3, 7, 15, 31, 63, 123, 183, 243}; !slices.Equal(starts, want) {
		t.Errorf("started after %d seconds, want %d", starts, want)
	}
	if now.Listener != "source" || now.State != "waiting" || now.Restarts != 10 || now.Error == nil || *now.Error != "failure 10" {
		t.Errorf("%+v", now)
	}
}

func TestHealthForgetsFailures(t *testing.T) {
	starts := 0
	now := supervise(t, 2*time.Minute, &Supervisor{Listener: listenerFunc(func(ctx context.Context, _ func([]Event) error) error {
		switch starts++; starts {
		case 1, 2, 3: // pauses of 1, 2 and 4 s
			return errors.New("failure")
		case 4:
			time.Sleep(time.Minute)
			return errors.New("failure")
		}
		<-ctx.Done()
		return nil
	})})
	if took := now.Since.Sub(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)); now.State != "running" || now.Restarts != 4 || took != 68*time.Second {
		t.Errorf("%+v, running since %s", now, took)
	}
}

func TestPanicOfAListenerIsItsOwn(t *testing.T) {
	for name, s := range map[string]*Supervisor{
		"listening": {Listener: listenerFunc(func(context.Context, func([]Event) error) error { panic("no way") })},
		"hearing": {
			Listener: listenerFunc(func(ctx context.Context, emit func([]Event) error) error {
				err := emit([]Event{{}})
				<-ctx.Done()
				return err
			}),
			Told: func(context.Context, []Outcome) error { panic("no way") },
		},
	} {
		now := supervise(t, 500*time.Millisecond, s)
		if now.State != "waiting" || now.Error == nil || *now.Error != "panic: no way" {
			t.Errorf("%s: %+v", name, now)
		}
	}
}

func TestListenerThatEndsIsNoHealthyOne(t *testing.T) {
	now := supervise(t, 500*time.Millisecond, &Supervisor{Listener: listenerFunc(func(_ context.Context, emit func([]Event) error) error {
		return emit(make([]Event, 3))
	})})
	if now.Events != 3 || now.Error == nil || !strings.Contains(*now.Error, "ended by itself") {
		t.Errorf("%+v", now)
	}
}

// A principal that takes no work keeps nobody from stopping.
func TestStopDoesNotWaitForAPrincipalThatIsFull(t *testing.T) {
	began := time.Now()
	now := supervise(t, time.Hour, &Supervisor{
		Listener: listenerFunc(func(ctx context.Context, emit func([]Event) error) error {
			for ctx.Err() == nil {
				if err := emit([]Event{{}}); err != nil {
					return err
				}
			}
			return nil
		}),
		Send: func(context.Context, []wire.TriggerItem) ([]wire.Triggered, error) {
			return nil, &wire.Error{Code: wire.Unavailable, Message: "the disk is full"}
		},
	})
	if now.State != "running" || now.Events > 2*supervisedItems+1 {
		t.Errorf("%+v", now)
	}
	if time.Since(began) > 20*time.Second {
		t.Error("it hung")
	}
}
