package listen

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// script is a listener that emits what it was made of, in groups.
type script struct {
	groups [][]Event
	pause  func()
}

func (s script) Listen(_ context.Context, emit func([]Event) error) error {
	for _, g := range s.groups {
		if s.pause != nil {
			s.pause()
		}
		if err := emit(g); err != nil {
			return err
		}
	}
	return nil
}

// newEvent is of a kind: ok, busy, bad and huge for the principal to decide on,
// broken for none to send.
func newEvent(line int, kind string) Event {
	e := Event{Line: int64(line), Text: []byte(kind)}
	if kind == "broken" {
		e.Bad = errors.New("broken")
	} else {
		e.Trigger.Workflow = fmt.Sprintf("%s-%d", kind, line)
	}
	return e
}

func TestEveryEventIsToldOnceInOrderAndRunsOnce(t *testing.T) {
	for seed := range int64(300) {
		synctest.Test(t, func(t *testing.T) {
			p := newPrincipal(seed)
			kinds := []string{"ok", "ok", "ok", "ok", "ok", "bad", "broken"}
			if seed%3 == 0 {
				kinds = append(kinds, "huge", "busy")
			}
			var s script
			var want []string
			line := 0
			for range p.random.Intn(40) {
				var group []Event
				for range 1 + p.random.Intn(60) {
					line++
					kind := kinds[p.random.Intn(len(kinds))]
					group = append(group, newEvent(line, kind))
					if kind == "ok" {
						want = append(want, fmt.Sprintf("ok-%d", line))
					}
				}
				s.groups = append(s.groups, group)
			}
			if seed%2 == 0 {
				s.pause = func() { time.Sleep(15 * time.Millisecond) }
			}
			told := int64(0)
			runs := map[string]bool{}
			d := Delivery{Send: p.send, Items: 1 + p.random.Intn(100), Bytes: 1000, Done: func(batch []Outcome) error {
				for _, o := range batch {
					if told++; o.Line != told {
						t.Fatalf("seed %d: line %d is told after line %d", seed, o.Line, told-1)
					}
					kind, _, _ := strings.Cut(o.Trigger.Workflow, "-")
					if accepted := kind == "ok" || kind == "busy"; accepted != (o.Err == nil) || accepted != (o.Run != "") {
						t.Fatalf("seed %d: line %d, %s: run %q, %v", seed, o.Line, kind, o.Run, o.Err)
					}
					if o.Run != "" && runs[o.Run] {
						t.Fatalf("seed %d: run %s is told twice", seed, o.Run)
					}
					runs[o.Run] = o.Run != ""
				}
				return nil
			}}
			if err := d.Run(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			delete(runs, "")
			if told != int64(line) || len(runs) != len(p.runs) {
				t.Errorf("seed %d: %d of %d lines are told, with %d runs of %d", seed, told, line, len(runs), len(p.runs))
			}
			got := slices.DeleteFunc(slices.Clone(p.order), func(w string) bool { return !strings.HasPrefix(w, "ok") })
			// A batch that the principal does not take while it is stopping
			// is sent again whole: the order stays. One event that has to
			// wait is passed by others.
			if seed%3 != 0 && !slices.Equal(got, want) {
				t.Errorf("seed %d: the runs were queued in another order than their lines", seed)
			}
		})
	}
}

// accept is a Send that gives every event a run.
func accept(_ context.Context, items []wire.TriggerItem) ([]wire.Triggered, error) {
	return newPrincipal(0).serve(items), nil
}

func nothing([]Outcome) error { return nil }

func TestLoneEventIsSentAtOnceAndOthersGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sizes []int
		start := time.Now()
		d := Delivery{Items: 50, Bytes: 1000, Done: nothing, Send: func(ctx context.Context, items []wire.TriggerItem) ([]wire.Triggered, error) {
			if len(sizes) == 0 && time.Since(start) > time.Millisecond {
				t.Errorf("the first event waited %v", time.Since(start))
			}
			sizes = append(sizes, len(items))
			time.Sleep(100*time.Millisecond + time.Microsecond)
			return accept(ctx, items)
		}}
		s := script{pause: func() { time.Sleep(time.Millisecond) }}
		for i := range 121 {
			s.groups = append(s.groups, []Event{newEvent(i+1, "ok")})
		}
		if err := d.Run(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if want := []int{1, 50, 50, 20}; !slices.Equal(sizes, want) {
			t.Errorf("batches of %v, want %v", sizes, want)
		}
	})
}

func TestListenerWaitsWhileThePrincipalIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		back := make(chan struct{})
		var emitted, told int
		s := script{pause: func() { emitted++ }}
		for i := range 1000 {
			s.groups = append(s.groups, []Event{newEvent(i+1, "ok")})
		}
		d := Delivery{Items: 10, Bytes: 1000, Send: func(ctx context.Context, items []wire.TriggerItem) ([]wire.Triggered, error) {
			<-back
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			return accept(ctx, items)
		}, Done: func(b []Outcome) error { told += len(b); return nil }}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- d.Run(ctx, s) }()
		synctest.Wait()
		if emitted > 2*d.Items+1 {
			t.Errorf("%d events were taken with nobody to send them to", emitted)
		}
		stop() // ends the listening, not what was read
		close(back)
		if err := <-ended; err != nil || told != 1000 {
			t.Errorf("%d are told, %v", told, err)
		}
	})
}

func TestBytesBoundABatch(t *testing.T) {
	var sizes []int
	d := Delivery{Items: 100, Bytes: 10, Done: nothing, Send: func(ctx context.Context, items []wire.TriggerItem) ([]wire.Triggered, error) {
		sizes = append(sizes, len(items))
		return accept(ctx, items)
	}}
	var group []Event
	for i, n := range []int{4, 4, 4, 30, 10, 1} {
		e := newEvent(i+1, "ok")
		e.Text = make([]byte, n)
		group = append(group, e)
	}
	if err := d.Run(t.Context(), script{groups: [][]Event{group}}); err != nil {
		t.Fatal(err)
	}
	if want := []int{2, 1, 1, 1, 1}; !slices.Equal(sizes, want) {
		t.Errorf("batches of %v, want %v", sizes, want)
	}
}

// A refusal that is about the whole command ends it, and what was read by then
// is told.
func TestRefusalOfTheCommandEndsIt(t *testing.T) {
	var told []string
	d := Delivery{Items: 3, Bytes: 1000, Done: func(b []Outcome) error {
		for _, o := range b {
			told = append(told, fmt.Sprint(o.Line, " ", o.Run, o.Err))
		}
		return nil
	}, Send: func(ctx context.Context, items []wire.TriggerItem) ([]wire.Triggered, error) {
		answers, err := accept(ctx, items)
		if items[0].Workflow == "ok-5" {
			answers[0] = wire.Triggered{Error: &wire.Error{Code: wire.NotAllowed, Message: "no"}}
		}
		return answers, err
	}}
	s := script{groups: [][]Event{{newEvent(1, "ok"), newEvent(2, "ok"), newEvent(3, "bad"), newEvent(4, "broken"), newEvent(5, "ok"), newEvent(6, "ok")}, {newEvent(7, "ok")}}}
	err := d.Run(t.Context(), s)
	refused, ok := errors.AsType[*wire.Error](err)
	if !ok || refused.Code != wire.NotAllowed || !strings.Contains(err.Error(), "line 5") {
		t.Errorf("the error is %v", err)
	}
	if want := []string{"1 run0<nil>", "2 run1<nil>", "3 not_found", "4 broken", "5 no", "6 run1<nil>", "7 not sent: line 5: no"}; !slices.Equal(told, want) {
		t.Errorf("told %q", told)
	}
}

func TestNothingIsSentAfterDoneFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("no space left")
		sent := 0
		d := Delivery{Items: 1, Bytes: 1000, Send: func(ctx context.Context, items []wire.TriggerItem) ([]wire.Triggered, error) {
			sent++
			return accept(ctx, items)
		}, Done: func([]Outcome) error {
			synctest.Wait() // until the listener has to wait
			return full
		}}
		var s script
		for i := range 10 {
			s.groups = append(s.groups, []Event{newEvent(i+1, "ok")})
		}
		if err := d.Run(t.Context(), s); !errors.Is(err, full) || sent != 1 {
			t.Errorf("%d sent, %v", sent, err)
		}
	})
}

func TestEventsWaitForAPrincipalThatTakesNoWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var busy, told []string
		tries := 0
		d := Delivery{Items: 10, Bytes: 1000, Busy: func(why error) { busy = append(busy, why.Error()) }}
		d.Send = func(ctx context.Context, items []wire.TriggerItem) ([]wire.Triggered, error) {
			if tries++; time.Since(start) < time.Minute {
				return nil, &wire.Error{Code: wire.Unavailable, Message: "the disk is nearly full"}
			}
			return accept(ctx, items)
		}
		d.Done = func(b []Outcome) error {
			for _, o := range b {
				told = append(told, o.Run)
			}
			return nil
		}
		if err := d.Run(t.Context(), script{groups: [][]Event{{newEvent(1, "ok"), newEvent(2, "ok")}}}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(told, []string{"run0", "run1"}) || !slices.Equal(busy, []string{"the disk is nearly full"}) {
			t.Errorf("told %q, busy %q", told, busy)
		}
		if tries < 10 || tries > 60 {
			t.Errorf("%d tries in a minute", tries)
		}
	})
}

func TestAnswerThatDoesNotFitIsAnError(t *testing.T) {
	for _, answers := range [][]wire.Triggered{nil, {{Run: "r"}, {Run: "s"}}, {{}}} {
		d := Delivery{Items: 10, Bytes: 10, Done: nothing, Send: func(context.Context, []wire.TriggerItem) ([]wire.Triggered, error) { return answers, nil }}
		if err := d.Run(t.Context(), script{groups: [][]Event{{newEvent(1, "ok")}}}); err == nil {
			t.Errorf("%+v is taken for the answer to one event", answers)
		}
	}
}

// A slot that `overlap: skip` wants no run for is decided; a trigger that it
// wants no run for is refused. Neither waits.
func TestSkippedEventIsDecidedForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const why = "workflow w is active"
		skip := newEvent(2, "ok")
		skip.Trigger.Scheduled = new(wire.Time)
		var told []string
		sent := 0
		d := Delivery{Items: 3, Bytes: 1000, Done: func(b []Outcome) error {
			for _, o := range b {
				told = append(told, fmt.Sprintf("%d run=%s skipped=%s %v", o.Line, o.Run, o.Skipped, o.Err))
			}
			return nil
		}, Send: func(context.Context, []wire.TriggerItem) ([]wire.Triggered, error) {
			sent++
			return []wire.Triggered{{Run: "r"}, {Skipped: why}, {Error: &wire.Error{Code: wire.Unavailable, Skipped: true, Message: why}}}, nil
		}}
		if err := d.Run(t.Context(), script{groups: [][]Event{{newEvent(1, "ok"), skip, newEvent(3, "ok")}}}); err != nil {
			t.Fatal(err)
		}
		if want := []string{"1 run=r skipped= <nil>", "2 run= skipped=" + why + " <nil>", "3 run= skipped= " + why}; !slices.Equal(told, want) || sent != 1 {
			t.Errorf("sent %d times, told %q", sent, told)
		}
	})
}

// Who gives up says of each line that was read what became of it.
func TestGivingUpTellsAllThatWasRead(t *testing.T) {
	away := errors.New("away")
	for name, send := range map[string]func(context.Context, []wire.TriggerItem) ([]wire.Triggered, error){
		"away": func(context.Context, []wire.TriggerItem) ([]wire.Triggered, error) {
			synctest.Wait() // until the listener has to wait
			return nil, away
		},
		"takes no work": func(context.Context, []wire.TriggerItem) ([]wire.Triggered, error) {
			return nil, &wire.Error{Code: wire.Unavailable, Message: "the disk is nearly full"}
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			read := 0
			s := script{pause: func() { read++ }}
			for i := range 100 {
				s.groups = append(s.groups, []Event{newEvent(3*i+1, "ok"), newEvent(3*i+2, "broken"), newEvent(3*i+3, "ok")})
			}
			line, sent := 0, 0
			d := Delivery{Items: 10, Bytes: 1000, RetryFor: time.Minute, Send: send, Done: func(b []Outcome) error {
				for _, o := range b {
					line++
					lost, undelivered := errors.AsType[*Undelivered](o.Err)
					if int(o.Line) != line || (o.Bad == nil) != undelivered {
						t.Errorf("%s: line %d is told as %d: %v", name, line, o.Line, o.Err)
					}
					if undelivered && lost.Sent {
						sent++
					}
				}
				return nil
			}}
			err := d.Run(t.Context(), listenUntilEnd{s})
			refused, busy := errors.AsType[*wire.Error](err)
			if !errors.Is(err, away) && (!busy || refused.Code != wire.Unavailable || time.Since(start) != time.Minute) {
				t.Errorf("%s: %v after %v", name, err, time.Since(start))
			}
			if line != 3*read || read < 4 || read > 20 || sent == 0 || sent > 10 {
				t.Errorf("%s: %d groups of 3 were read, %d lines are told, %d of them as sent", name, read, line, sent)
			}
		})
	}
}

// listenUntilEnd emits until its context ends, and loses nothing then.
type listenUntilEnd struct{ script }

func (l listenUntilEnd) Listen(ctx context.Context, emit func([]Event) error) error {
	for _, g := range l.groups {
		if ctx.Err() != nil {
			return nil
		}
		l.pause()
		if err := emit(g); err != nil {
			return err
		}
	}
	return nil
}
