package ui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/wire"
)

// noon is what the clock of a test says.
var noon = time.Date(2026, 1, 2, 14, 2, 11, 0, time.UTC)

// fake is a principal in memory. Change it under change, then it is as if that
// had happened there.
type fake struct {
	mu          sync.Mutex
	away        bool
	status      wire.PrincipalStatus
	workflows   []wire.Workflow
	definitions map[string]string // JSON of lib/workflow's Definition
	agents      []wire.Agent
	runs        []wire.Run // with their tasks, the oldest first
	events      []wire.Event
	records     []wire.LogRecord // record i has position i+1
	refuse      map[wire.Op]error

	asked []string // every request that changes something
	calls map[wire.Op]int
	news  chan struct{}
}

func newFake() *fake {
	return &fake{
		status:      wire.PrincipalStatus{Version: "test", Epoch: "e1", Started: wire.At(noon.Add(-time.Hour))},
		definitions: map[string]string{}, refuse: map[wire.Op]error{}, calls: map[wire.Op]int{}, news: make(chan struct{}),
	}
}

// change changes the fake and wakes who follows it.
func (f *fake) change(fn func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fn()
	close(f.news)
	f.news = make(chan struct{})
}

// happen adds status changes; positions go on from the last one.
func (f *fake) happen(events ...wire.Event) {
	f.change(func() {
		for _, e := range events {
			f.status.Pos++
			e.Pos = f.status.Pos
			f.events = append(f.events, e)
		}
	})
}

func (f *fake) did() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.asked...)
}

func (f *fake) Close() error { return nil }

func (f *fake) Call(ctx context.Context, op wire.Op, req client.Request, result any) error {
	return f.CallOnce(ctx, op, req, result)
}

func (f *fake) CallOnce(_ context.Context, op wire.Op, req client.Request, result any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[op]++
	if f.away {
		return &client.AwayError{Address: "tcp://127.0.0.1:5561"}
	}
	if err := f.refuse[op]; err != nil {
		return err
	}
	answer, err := f.answer(op, req)
	if err != nil || result == nil || answer == nil {
		return err
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, result)
}

func (f *fake) answer(op wire.Op, req client.Request) (any, error) {
	switch req := req.(type) {
	case *wire.RunList:
		return f.list(req), nil
	case *wire.RunRef:
		if op == wire.OpRunCancel {
			f.asked = append(f.asked, "cancel "+req.Run)
			return nil, nil
		}
		return f.find(req.Run)
	case *wire.RunWait:
		r, err := f.find(req.Run)
		return wire.RunWaited{Run: r.Run, Status: r.Status, Ended: final(r.Status), Pos: 7}, err
	case *wire.RunRetry:
		f.asked = append(f.asked, fmt.Sprintf("retry %s after %d", req.Run, req.After))
		return wire.RunWaited{Run: req.Run}, nil
	case *wire.WorkflowList:
		return wire.Workflows{Workflows: f.workflows}, nil
	case *wire.WorkflowGet:
		if req.Run != "" {
			r, err := f.find(req.Run)
			if err != nil {
				return nil, err
			}
			req.Workflow = r.Workflow
		}
		text, ok := f.definitions[req.Workflow]
		if !ok {
			return nil, &wire.Error{Code: wire.NotFound, Message: fmt.Sprintf("no workflow %q", req.Workflow)}
		}
		return wire.WorkflowDefinition{Definition: json.RawMessage(text)}, nil
	case *wire.WorkflowRef:
		f.asked = append(f.asked, string(op)+" "+req.Workflow)
		return nil, nil
	case *wire.AgentList:
		return wire.Agents{Agents: f.agents}, nil
	case *wire.AgentDrain:
		f.asked = append(f.asked, "drain "+req.Name)
		return nil, nil
	case *wire.EventsQuery:
		var page wire.Events
		for _, e := range f.events {
			if e.Pos > req.After && (req.Run == "" || e.Run == req.Run) {
				page.Events = append(page.Events, e)
			}
		}
		page.Pos = f.status.Pos
		return page, nil
	case *wire.LogsQuery:
		return f.lines(req.After, *req), nil
	}
	if op == wire.OpStatus {
		return f.status, nil
	}
	return nil, &wire.Error{Code: wire.UnknownOp, Message: "unknown op " + string(op)}
}

func (f *fake) find(id string) (wire.Run, error) {
	for _, r := range f.runs {
		if strings.HasPrefix(r.Run, id) {
			return r, nil
		}
	}
	return wire.Run{}, &wire.Error{Code: wire.NotFound, Message: fmt.Sprintf("no run %q", id)}
}

func (f *fake) list(q *wire.RunList) wire.Runs {
	page := wire.Runs{Pos: f.status.Pos}
	for _, r := range f.runs {
		if (q.Until == nil || r.Created.Before(q.Until.Time)) && (q.Workflow == "" || q.Workflow == r.Workflow) {
			r.Tasks = nil
			page.Runs = append(page.Runs, r)
		}
	}
	if q.Last > 0 && len(page.Runs) > q.Last {
		page.Runs = page.Runs[len(page.Runs)-q.Last:]
	}
	return page
}

func (f *fake) lines(after int64, q wire.LogsQuery) wire.Logs {
	page := wire.Logs{Pos: int64(len(f.records))}
	for i := after; i < int64(len(f.records)); i++ {
		r := f.records[i]
		if (q.Run == "" || q.Run == r.Run) && (q.Task == "" || q.Task == r.Task) && wire.Glob(q.Workflow, r.Workflow) && (q.Stream == "" || q.Stream == r.Stream) && matches(q.Grep, &r) {
			page.Records = append(page.Records, r.AppendJSON(nil))
		}
	}
	if q.Last > 0 && len(page.Records) > q.Last {
		page.Records = page.Records[len(page.Records)-q.Last:]
	}
	return page
}

func matches(grep string, r *wire.LogRecord) bool {
	p, _ := wire.ParsePattern(grep)
	return p.Record(r)
}

func (f *fake) Trigger(_ context.Context, item wire.TriggerItem) (wire.Triggered, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.refuse[wire.OpRunTrigger]; err != nil {
		return wire.Triggered{}, err
	}
	f.asked = append(f.asked, fmt.Sprintf("trigger %s %v", item.Workflow, item.Params))
	return wire.Triggered{Run: "m1n5b7r3s9yd"}, nil
}

// going calls emit at once and after each change, until ctx ends.
func (f *fake) going(ctx context.Context, emit func() error) error {
	for {
		f.mu.Lock()
		news, away := f.news, f.away
		f.mu.Unlock()
		if away {
			return &client.AwayError{Address: "tcp://127.0.0.1:5561"}
		}
		if err := emit(); err != nil {
			return err
		}
		select {
		case <-news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (f *fake) FollowEvents(ctx context.Context, q wire.EventsQuery, emit func(wire.Events) error) error {
	return f.going(ctx, func() error {
		var page wire.Events
		if err := f.CallOnce(ctx, wire.OpEventsQuery, &q, &page); err != nil {
			return err
		}
		q.After = page.Pos
		return emit(page)
	})
}

func (f *fake) FollowLogs(ctx context.Context, q wire.LogsQuery, emit func(wire.Logs) error) error {
	return f.going(ctx, func() error {
		f.mu.Lock()
		page := f.lines(q.After, q)
		f.mu.Unlock()
		q.After = page.Pos
		return emit(page)
	})
}

func (f *fake) FollowRun(ctx context.Context, run string, q wire.LogsQuery, emit func(wire.Logs) error) (wire.RunWaited, error) {
	q.Run = run
	ended := errors.New("ended")
	var end wire.RunWaited
	err := f.going(ctx, func() error {
		f.mu.Lock()
		page := f.lines(q.After, q)
		r, _ := f.find(run)
		f.mu.Unlock()
		q.After = page.Pos
		if err := emit(page); err != nil {
			return err
		}
		if final(r.Status) {
			end = wire.RunWaited{Run: r.Run, Status: r.Status, Ended: true}
			return ended
		}
		return nil
	})
	if errors.Is(err, ended) {
		err = nil
	}
	return end, err
}

var _ Principal = (*fake)(nil)

// text is a pointer to a string, as messages have it.
func text(s string) *string { return &s }

// ago is an instant before noon.
func ago(d time.Duration) *wire.Time { return wire.MaybeAt(noon.Add(-d)) }

func must(t testing.TB, ok bool, what string) {
	t.Helper()
	if !ok {
		t.Fatal(what)
	}
}
