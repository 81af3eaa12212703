package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/wire"
)

// fake answers with pages of one record, and remembers what it was asked. What
// comes while somebody follows it gives out piece by piece.
type fake struct {
	records []string
	runs    []wire.Run
	events  []wire.Event
	pos     int64
	failAt  int // the page, from 1, that fails

	logs       []wire.LogsQuery
	lists      []wire.RunList
	changes    []wire.EventsQuery
	newLogs    []wire.Logs
	newEvents  []wire.Events
	newRuns    [][]wire.Run // the lists that are found then, one a question
	emitted    func(n int)  // called when so many pieces were given out
	ended      chan struct{}
	endsAtOnce bool // a run that is followed has ended
}

var errFake = errors.New("fake")

func (f *fake) Call(ctx context.Context, op wire.Op, req client.Request, result any) error {
	at := func(cursor string) int {
		n := 0
		fmt.Sscan(cursor, &n)
		return n
	}
	switch req := req.(type) {
	case *wire.LogsQuery:
		f.logs = append(f.logs, *req)
		n := at(req.Cursor)
		if n+1 == f.failAt {
			return errFake
		}
		out := result.(*wire.Logs)
		out.Pos = f.pos
		if n < len(f.records) {
			out.Records = []json.RawMessage{json.RawMessage(f.records[n])}
		}
		out.Cursor, out.More = fmt.Sprint(n+1), n+1 < len(f.records)
		return nil
	case *wire.RunList:
		f.lists = append(f.lists, *req)
		out := result.(*wire.Runs)
		out.Pos = f.pos
		if req.After > 0 && len(f.newRuns) > 0 {
			out.Runs, f.newRuns = f.newRuns[0], f.newRuns[1:]
			return nil
		}
		n := at(req.Cursor)
		if n < len(f.runs) {
			out.Runs = f.runs[n : n+1]
		}
		if n+1 < len(f.runs) {
			out.Cursor = fmt.Sprint(n + 1)
		}
		return nil
	case *wire.EventsQuery:
		f.changes = append(f.changes, *req)
		out := result.(*wire.Events)
		out.Pos = f.pos
		for _, e := range f.events {
			if e.Pos > req.After {
				out.Events = append(out.Events, e)
			}
		}
		return nil
	}
	return fmt.Errorf("the fake does not know %s", op)
}

func (f *fake) Wait(ctx context.Context, run string) (wire.RunWaited, error) {
	select {
	case <-f.ended:
		return wire.RunWaited{Run: run, Ended: true}, nil
	case <-ctx.Done():
		return wire.RunWaited{}, ctx.Err()
	}
}

func (f *fake) FollowLogs(ctx context.Context, q wire.LogsQuery, emit func(wire.Logs) error) error {
	f.logs = append(f.logs, q)
	return give(ctx, f, f.newLogs, emit)
}

func (f *fake) FollowEvents(ctx context.Context, q wire.EventsQuery, emit func(wire.Events) error) error {
	f.changes = append(f.changes, q)
	return give(ctx, f, f.newEvents, emit)
}

func (f *fake) FollowRun(ctx context.Context, run string, q wire.LogsQuery, emit func(wire.Logs) error) (wire.RunWaited, error) {
	f.logs = append(f.logs, q)
	ctx, cancel := context.WithCancel(ctx)
	if f.endsAtOnce {
		cancel()
	}
	defer cancel()
	err := give(ctx, f, f.newLogs, emit)
	if f.endsAtOnce && errors.Is(err, context.Canceled) {
		err = nil
	}
	return wire.RunWaited{Run: run, Ended: true}, err
}

// give gives out what is new and then waits for the end.
func give[T any](ctx context.Context, f *fake, some []T, emit func(T) error) error {
	for i, piece := range some {
		if err := emit(piece); err != nil {
			return err
		}
		if f.emitted != nil {
			f.emitted(i + 1)
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

var start = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

type call struct {
	env cli.Env
	o   options
	out bytes.Buffer
}

func newCall(t *testing.T, args ...string) *call {
	t.Helper()
	c := &call{}
	var stderr bytes.Buffer
	c.env = cli.Env{
		Name: "cdktr-logs", Stdin: strings.NewReader(""), Stdout: &c.out, Stderr: &stderr, Start: start, Dir: t.TempDir(),
		Zone: time.UTC, Getenv: func(name string) (string, bool) { return "/nowhere", name == "HOME" },
	}
	parse := cli.Command{Name: "cdktr-logs", Action: cli.Do(func(_ context.Context, env cli.Env, o options) error {
		c.o = o
		return nil
	})}
	if code := parse.Run(t.Context(), c.env, args); code != 0 {
		t.Fatalf("%q: %s", args, &stderr)
	}
	return c
}

func (c *call) query(t *testing.T, f *fake) error {
	t.Helper()
	return c.queryUntil(t.Context(), f)
}

func (c *call) queryUntil(ctx context.Context, f *fake) error {
	j, err := newJob(c.env, c.o)
	if err != nil {
		return err
	}
	return j.do(ctx, f)
}

func line(seq int, rest string) string {
	return fmt.Sprintf(`{"time":"2026-01-02T03:04:05.678Z","workflow":"etl","run":"abcdefghijkl","task":"load","attempt":1,"agent":"x","stream":"stdout","seq":%d,%s}`, seq, rest)
}

func raw(lines ...string) (all []json.RawMessage) {
	for _, l := range lines {
		all = append(all, json.RawMessage(l))
	}
	return all
}
