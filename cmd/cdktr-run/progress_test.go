package main

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/wire"
)

// FollowEvents of a plain fake tells nothing.
func (f *fake) FollowEvents(ctx context.Context, _ wire.EventsQuery, _ func(wire.Events) error) error {
	<-ctx.Done()
	return ctx.Err()
}

// eventful is a fake whose run has changes that come one after the other.
type eventful struct {
	*fake
	pages chan wire.Events
	asked []wire.EventsQuery
}

func newEventful(status string) *eventful {
	return &eventful{fake: newFake(status), pages: make(chan wire.Events, 100)}
}

func (f *eventful) FollowEvents(ctx context.Context, q wire.EventsQuery, emit func(wire.Events) error) error {
	f.asked = append(f.asked, q)
	for {
		select {
		case page := <-f.pages:
			if err := emit(page); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func change1(task, status string, more ...string) wire.Event {
	e := wire.Event{Run: "abcdefghijkl", Status: status}
	if task != "" {
		e.Task = &task
	}
	if len(more) > 0 && more[0] != "" {
		e.Agent = &more[0]
	}
	if len(more) > 1 {
		e.Reason = &more[1]
	}
	return e
}

func attempt(e wire.Event, n int) wire.Event {
	e.Attempt = &n
	return e
}

func TestEachChangeOfATaskIsOneLine(t *testing.T) {
	for _, test := range []struct {
		want   string
		events []wire.Event
	}{
		{"extract RUNNING on web1\n", []wire.Event{attempt(change1("extract", "RUNNING", "web1"), 1)}},
		{"extract RUNNING on web1, attempt 2\n", []wire.Event{attempt(change1("extract", "RUNNING", "web1"), 2)}},
		{"extract COMPLETED\n", []wire.Event{change1("extract", "COMPLETED", "web1")}},
		{"extract FAILED (exit 1), retry 1 of 3 in 10s\n", []wire.Event{
			change1("extract", "FAILED", "web1", "exit 1"), change1("extract", "WAITING", "", "retry 1 of 3 in 10s: exit 1"),
		}},
		{"extract FAILED (timeout after 1s)\nload SKIPPED (upstream failed: extract)\n", []wire.Event{
			change1("extract", "FAILED", "web1", "timeout after 1s"), change1("load", "SKIPPED", "", "upstream failed: extract"), change1("", "FAILED"),
		}},
		{"a FAILED (exit 1)\nb WAITING (retry 1 of 3 in 10s: exit 2)\n", []wire.Event{
			change1("a", "FAILED", "", "exit 1"), change1("b", "WAITING", "", "retry 1 of 3 in 10s: exit 2"),
		}},
		{"a CRASHED (agent web1 lost)\na CANCELLED (cancelled by request)\n", []wire.Event{
			change1("a", "CRASHED", "web1", "agent web1 lost"), change1("a", "CANCELLED", "", "cancelled by request"),
		}},
		{"a FAILED (\\x1b[2J)\n", []wire.Event{change1("a", "FAILED", "", "\x1b[2J"), change1("", "FAILED")}},
		{"", []wire.Event{change1("", "PENDING"), change1("", "RUNNING"), change1("", "COMPLETED")}},
	} {
		var out strings.Builder
		c := changes{w: &out}
		for _, e := range test.events {
			c.event(e)
		}
		c.release()
		if out.String() != test.want {
			t.Errorf("got  %q\nwant %q", out.String(), test.want)
		}
	}
}

// lockedText can be read while somebody writes.
type lockedText struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestWithoutATerminalChangesAreLinesOnStderr(t *testing.T) {
	f := newEventful("FAILED")
	c := newCall(f, "hello")
	said := &lockedText{}
	c.env.Stderr = said
	done := make(chan error, 1)
	go func() { done <- c.do(t.Context(), t) }()
	heard := func(want string) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); said.String() != want; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("stderr is %q, want %q", said, want)
			}
		}
	}
	f.pages <- wire.Events{Events: []wire.Event{change1("", "PENDING"), change1("", "RUNNING"), change1("a", "RUNNING", "web1")}}
	heard("a RUNNING on web1\n")
	f.pages <- wire.Events{Events: []wire.Event{change1("a", "FAILED", "web1", "exit 3")}}
	heard("a RUNNING on web1\na FAILED (exit 3)\n") // also if nothing follows
	close(f.end)
	// The last changes come after the news of the end.
	last := wire.Events{Events: []wire.Event{change1("b", "SKIPPED", "", "upstream failed: a"), change1("", "FAILED")}}
	time.AfterFunc(lastWords/10, func() { f.pages <- last })
	if err := <-done; err == nil || !strings.HasPrefix(err.Error(), "run abcdefghijkl FAILED") {
		t.Error(err)
	}
	heard("a RUNNING on web1\na FAILED (exit 3)\nb SKIPPED (upstream failed: a)\n")
}

// Of a run that is over at once nothing is asked but its end.
func TestQuickRunIsNotAskedAbout(t *testing.T) {
	f := newEventful("COMPLETED")
	close(f.end)
	f.pages <- wire.Events{Events: []wire.Event{change1("a", "RUNNING", "web1")}}
	c := newCall(f, "hello")
	if err := c.do(t.Context(), t); err != nil || len(f.asked) > 0 || c.err.Len() > 0 {
		t.Errorf("%v, asked %v, stderr %q", err, f.asked, &c.err)
	}
}

func TestWhoWantsNoTalkGetsNone(t *testing.T) {
	for _, args := range []string{"-q hello", "-l hello", "-d hello"} {
		f := newEventful("COMPLETED")
		f.pages <- wire.Events{Events: []wire.Event{change1("a", "RUNNING", "web1"), change1("", "COMPLETED")}}
		time.AfterFunc(calm+50*time.Millisecond, func() { close(f.end) })
		c := newCall(f, args)
		if err := c.do(t.Context(), t); err != nil || len(f.asked) > 0 || c.err.Len() > 0 {
			t.Errorf("%s: %v, asked %v, stderr %q", args, err, f.asked, &c.err)
		}
	}
}

// Who waits for a run that may not begin for hours hears why, once.
func TestHeldRunSaysWhatItWaitsFor(t *testing.T) {
	const said = "cdktr-run: run abcdefghijkl waits for run mnopqrstuvwx to end (overlap: queue)\n"
	why := "waits for run mnopqrstuvwx to end (overlap: queue)"
	free := "waits for a free slot"
	for _, c := range []struct{ args, status, reason, want string }{
		{"hello", "PENDING", why, said},
		{"-l hello", "PENDING", why, said},
		{"--wait abcd", "PENDING", why, said},
		{"-q hello", "PENDING", why, ""},
		{"-d hello", "PENDING", why, ""},
		{"hello", "PENDING", free, ""},
		{"hello", "RUNNING", why, ""},
	} {
		f := newEventful(c.status)
		f.final.Tasks = []wire.Task{{Task: "a", Status: "PENDING", Reason: &c.reason}}
		time.AfterFunc(calm+100*time.Millisecond, func() { close(f.end) })
		k := newCall(f, c.args)
		heard := &lockedText{}
		k.env.Stderr = heard
		_ = k.do(t.Context(), t) // the fake's run ends as it began
		if heard.String() != c.want {
			t.Errorf("%s of a run that is %s and %s: stderr is %q, want %q", c.args, c.status, c.reason, heard, c.want)
		}
	}
}

// retried is a fake that opens its run again.
type retried struct {
	*eventful
	before wire.RunWaited
	refuse error
	asks   []*wire.RunRetry
}

func (f *retried) Call(ctx context.Context, op wire.Op, req client.Request, result any) error {
	switch req := req.(type) {
	case *wire.RunWait:
		if f.err == nil {
			*result.(*wire.RunWaited) = f.before
		}
		return f.err
	case *wire.RunRetry:
		f.asks = append(f.asks, req)
		return f.refuse
	}
	return f.eventful.Call(ctx, op, req, result)
}

func TestRetryNamesTheEndThatItFollows(t *testing.T) {
	for _, test := range []struct {
		args string
		out  string
		code int
	}{
		{"--retry abcd", "abcdefghijkl\n", 3},
		{"--retry abcd -d", "abcdefghijkl\n", 0},
		{"--retry abcd -l", "", 3},
	} {
		f := &retried{eventful: newEventful("CANCELLED"), before: wire.RunWaited{Run: "abcdefghijkl", Ended: true, Pos: 7}}
		time.AfterFunc(calm+50*time.Millisecond, func() { close(f.end) })
		f.pages <- wire.Events{Events: []wire.Event{change1("", "CANCELLED")}}
		c := newCall(f, test.args)
		err := c.do(t.Context(), t)
		if c.out.String() != test.out || (err != nil) != (test.code != 0) {
			t.Errorf("%s: %v, stdout %q", test.args, err, &c.out)
		}
		if len(f.asks) != 1 || f.asks[0].Run != "abcdefghijkl" || f.asks[0].After != 7 {
			t.Errorf("%s: asked %+v", test.args, f.asks)
		}
		if slices.ContainsFunc(f.asked, func(q wire.EventsQuery) bool { return q.After != 7 }) {
			t.Errorf("%s: changes from before are told: %+v", test.args, f.asked)
		}
	}
}

func TestRetryOfAnOpenRunIsRefusedByThePrincipal(t *testing.T) {
	f := &retried{eventful: newEventful("RUNNING"), before: wire.RunWaited{Run: "abcdefghijkl", Status: "RUNNING"},
		refuse: &wire.Error{Code: wire.Conflict, Message: "run abcdefghijkl has not ended"}}
	c := newCall(f, "--retry abcd")
	if err := c.do(t.Context(), t); err != f.refuse || len(f.asks) != 1 || f.asks[0].After != 0 || c.out.Len() > 0 {
		t.Errorf("%v, asked %+v, stdout %q", err, f.asks, &c.out)
	}
}
