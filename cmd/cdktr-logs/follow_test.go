package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/wire"
)

// until runs a call that is interrupted when so many pieces were given out.
func (c *call) until(t *testing.T, f *fake, pieces int) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f.emitted = func(n int) {
		if n == pieces {
			cancel()
		}
	}
	return c.queryUntil(ctx, f)
}

func TestFollowingBeginsWhereTheHistoryEnds(t *testing.T) {
	since := wire.At(start.Add(-day))
	for _, test := range []struct {
		args          string
		history, then wire.LogsQuery
	}{
		{"-f", wire.LogsQuery{Filter: wire.Filter{Since: &since}, Last: 10}, wire.LogsQuery{After: 7}},
		{"-f -n all", wire.LogsQuery{Filter: wire.Filter{Since: &since}}, wire.LogsQuery{After: 7}},
		{"-f -n 3 -w etl.* -g x -t load -s stderr",
			wire.LogsQuery{Filter: wire.Filter{Workflow: "etl.*", Since: &since}, Grep: "x", Task: "load", Stream: "stderr", Last: 3},
			wire.LogsQuery{Filter: wire.Filter{Workflow: "etl.*"}, Grep: "x", Task: "load", Stream: "stderr", After: 7}},
		{"-f --since 1d", wire.LogsQuery{Filter: wire.Filter{Since: &since}}, wire.LogsQuery{Filter: wire.Filter{Since: &since}, After: 7}},
		{"-f -n 0", wire.LogsQuery{Filter: wire.Filter{Until: instant(time.Unix(0, 0))}}, wire.LogsQuery{After: 7}},
	} {
		f := &fake{pos: 7, newLogs: []wire.Logs{{}}}
		err := newCall(t, strings.Fields(test.args)...).until(t, f, 1)
		if cli.Code(err) != cli.Interrupted {
			t.Fatalf("%s: %v", test.args, err)
		}
		same(t, test.args, f.logs[0], test.history)
		same(t, test.args+", then", f.logs[1], test.then)
	}
}

// What was given out is on stdout before the next piece comes.
func TestWhatIsFollowedIsFlushedAsItComes(t *testing.T) {
	f := &fake{records: []string{line(1, `"message":"a"`)}, pos: 7, newLogs: []wire.Logs{
		{Records: raw(line(2, `"message":"b"`)), Pos: 8},
		{Pos: 9},
		{Records: raw(line(3, `"message":"c"`), line(4, `"message":"d"`)), Pos: 11},
	}}
	c := newCall(t, "-f", "-o", "cat")
	var seen []string
	f.emitted = func(int) { seen = append(seen, c.out.String()) }
	f.endsAtOnce = true
	c.o.Run = "abcd"
	if err := c.query(t, f); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(seen, "|"), "a\nb\n|a\nb\n|a\nb\nc\nd\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestInterruptEndsFollowingWithoutAWord(t *testing.T) {
	f := &fake{pos: 1, newLogs: []wire.Logs{{Records: raw(line(1, `"message":"a"`), line(2, `"part":1,"message":"half"`)), Pos: 2}}}
	c := newCall(t, "-f", "-o", "cat")
	err := c.until(t, f, 1)
	if cli.Code(err) != cli.Interrupted || c.out.String() != "a\nhalf\n" {
		t.Errorf("%v, %q", err, &c.out)
	}
}

// full is a disk with room for so many writes.
type full struct {
	*call
	room int
}

var errFull = errors.New("full")

func (w *full) Write(b []byte) (int, error) {
	if w.room--; w.room < 0 {
		return 0, errFull
	}
	return w.out.Write(b)
}

func TestFullDiskEndsFollowing(t *testing.T) {
	f := &fake{records: []string{line(1, `"message":"a"`)}, pos: 1, newLogs: []wire.Logs{{Records: raw(line(2, `"message":"b"`)), Pos: 2}}}
	c := newCall(t, "-f", "-o", "cat")
	c.env.Stdout = &full{c, 1}
	if err := c.query(t, f); !errors.Is(err, errFull) || c.out.String() != "a\n" {
		t.Errorf("%v, %q", err, &c.out)
	}
}

func event(pos int64, task string, status string) wire.Event {
	e := wire.Event{Time: wire.At(start), Pos: pos, Workflow: "etl", Run: "abcdefghijkl", Status: status}
	if task != "" {
		one := 1
		e.Task, e.Attempt = &task, &one
	}
	return e
}

// The end of the run may be known before its last events have come: they are
// looked up, once.
func TestFollowingTheEventsOfARunEndsWithTheLastOfThem(t *testing.T) {
	all := []wire.Event{event(1, "", "PENDING"), event(2, "load", "RUNNING"), event(3, "load", "COMPLETED"), event(4, "", "COMPLETED")}
	for given := range 3 {
		f := &fake{events: all[:1], pos: 1, ended: make(chan struct{})}
		f.newEvents = []wire.Events{{Pos: 1}}
		for _, e := range all[1 : 1+given] {
			f.newEvents = append(f.newEvents, wire.Events{Events: []wire.Event{e}, Pos: e.Pos})
		}
		f.emitted = func(n int) {
			if n == given+1 {
				f.events, f.pos = all, 4
				close(f.ended)
			}
		}
		c := newCall(t, "-f", "--events", "-r", "abcd", "-o", "cat")
		if err := c.query(t, f); err != nil {
			t.Fatal(err)
		}
		want := "abcdefghijkl PENDING   etl\nabcdefghijkl RUNNING   etl/load\nabcdefghijkl COMPLETED etl/load\nabcdefghijkl COMPLETED etl\n"
		if c.out.String() != want {
			t.Errorf("%d come while it is followed: %s", given, &c.out)
		}
		if after := f.changes[1].After; after != 1 {
			t.Errorf("it follows from %d", after)
		}
	}
}

func TestRunIsPrintedAgainWhenItHasEnded(t *testing.T) {
	at := wire.At(start)
	of := func(run, status string) wire.Run {
		r := wire.Run{Run: run, Workflow: "etl", Status: status, Created: &at}
		if status == "COMPLETED" {
			r.Ended = &at
		}
		return r
	}
	f := &fake{
		runs: []wire.Run{of("a", "COMPLETED"), of("b", "RUNNING")}, pos: 5,
		newEvents: []wire.Events{
			{Events: []wire.Event{event(5, "", "RUNNING")}, Pos: 5},                              // printed with it already
			{Events: []wire.Event{event(6, "x", "RUNNING")}, Pos: 6},                             // a task's
			{Events: []wire.Event{event(7, "", "PENDING"), event(8, "", "RUNNING")}, Pos: 8},     // c
			{Events: []wire.Event{event(9, "", "COMPLETED"), event(10, "", "PENDING")}, Pos: 10}, // b, d
		},
		newRuns: [][]wire.Run{
			{of("b", "RUNNING"), of("c", "RUNNING")},
			{of("b", "COMPLETED"), of("c", "RUNNING"), of("d", "COMPLETED")},
		},
	}
	c := newCall(t, "-f", "--runs", "-o", "text")
	if err := c.until(t, f, 4); cli.Code(err) != cli.Interrupted {
		t.Fatal(err)
	}
	var got []string
	for l := range strings.Lines(c.out.String()) {
		words := strings.Fields(l)
		got = append(got, words[2]+" "+words[3])
	}
	if got, want := strings.Join(got, ", "), "a COMPLETED, b RUNNING, c RUNNING, b COMPLETED, d COMPLETED"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
