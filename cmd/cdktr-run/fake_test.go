package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/wire"
)

// fake is a principal in memory. Its lines have positions from 1; the run ends
// when end is closed.
type fake struct {
	mu       sync.Mutex
	lines    []json.RawMessage
	news     chan struct{}
	perPage  int
	end      chan struct{}
	final    wire.Run
	items    []wire.TriggerItem
	canceled []string
	paused   []string // op and workflow
	err      error
	pages    []wire.Workflows
}

func newFake(status string, tasks ...wire.Task) *fake {
	return &fake{
		news: make(chan struct{}), end: make(chan struct{}), perPage: 3,
		final: wire.Run{Run: "abcdefghijkl", Workflow: "hello", Status: status, Trigger: "run", Tasks: tasks},
	}
}

func (f *fake) say(records ...wire.LogRecord) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range records {
		text, err := json.Marshal(r)
		if err != nil {
			panic(err)
		}
		f.lines = append(f.lines, text)
	}
	close(f.news)
	f.news = make(chan struct{})
}

func (f *fake) Trigger(_ context.Context, item wire.TriggerItem) (wire.Triggered, error) {
	f.items = append(f.items, item)
	return wire.Triggered{Run: f.final.Run}, f.err
}

func (f *fake) Wait(ctx context.Context, run string) (wire.RunWaited, error) {
	select {
	case <-f.end:
		return wire.RunWaited{Run: f.final.Run, Status: f.final.Status, Ended: true}, f.err
	case <-ctx.Done():
		return wire.RunWaited{}, ctx.Err()
	}
}

func (f *fake) Run(context.Context, string) (wire.Run, error) { return f.final, f.err }

func (f *fake) Call(ctx context.Context, op wire.Op, req client.Request, result any) error {
	if f.err != nil {
		return f.err
	}
	switch req := req.(type) {
	case *wire.WorkflowRef:
		f.paused = append(f.paused, string(op), req.Workflow)
		return nil
	case *wire.RunRef:
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f.canceled = append(f.canceled, req.Run)
		return nil
	case *wire.WorkflowList:
		n := len(req.Cursor)
		*result.(*wire.Workflows) = f.pages[n]
		return nil
	}
	return fmt.Errorf("the fake does not know %s", op)
}

// FollowRun gives out the lines that there are, a few at a time, until the run
// has ended and none is left.
func (f *fake) FollowRun(ctx context.Context, run string, _ wire.LogsQuery, emit func(wire.Logs) error) (wire.RunWaited, error) {
	for from := 0; ; {
		ended := false
		select {
		case <-f.end:
			ended = true
		default:
		}
		f.mu.Lock()
		lines, news := f.lines, f.news
		f.mu.Unlock()
		if to := min(from+f.perPage, len(lines)); to > from {
			if err := emit(wire.Logs{Records: lines[from:to], Pos: int64(to)}); err != nil {
				return wire.RunWaited{}, err
			}
			from = to
			continue
		}
		if ended {
			return f.Wait(ctx, run)
		}
		select {
		case <-news:
		case <-f.end:
		case <-ctx.Done():
			return wire.RunWaited{}, ctx.Err()
		}
	}
}

// call is one call of the command on a fake.
type call struct {
	job
	out, err bytes.Buffer
}

func newCall(p principal, args string) *call {
	c := &call{}
	c.p = p
	c.env = cli.Env{Name: "cdktr-run", Stdin: strings.NewReader(""), Stdout: &c.out, Stderr: &c.err, Start: time.Now(), Zone: time.UTC}
	c.env.Getenv = func(name string) (string, bool) { return "/nowhere", name == "HOME" }
	parse := cli.Command{Name: "cdktr-run", Action: cli.Do(func(_ context.Context, env cli.Env, o options) error {
		c.o, c.env.Settings = o, env.Settings
		return nil
	})}
	if code := parse.Run(context.Background(), c.env, strings.Fields(args)); code != 0 {
		panic("arguments: " + c.err.String())
	}
	return c
}

func (c *call) do(ctx context.Context, t *testing.T) error {
	t.Helper()
	item, err := c.o.trigger(ctx, c.env)
	if err != nil {
		t.Fatal(err)
	}
	return c.job.do(ctx, item)
}

func record(task, stream, message string) wire.LogRecord {
	return wire.LogRecord{Run: "abcdefghijkl", Task: task, Attempt: 1, Stream: stream, Message: &message}
}

func part(task, message string, n int) wire.LogRecord {
	r := record(task, wire.Stdout, message)
	r.Part = n
	return r
}

func ptr[T any](v T) *T { return &v }
