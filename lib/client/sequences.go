package client

import (
	"context"
	"encoding/json"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// caller is the part of a client that asks.
type caller interface {
	Call(ctx context.Context, op wire.Op, req Request, result any) error
}

// lines is the sequence of the lines that a query asks for.
type lines struct {
	c caller
	scope
	q    wire.LogsQuery
	grep *wire.Pattern
	emit func(wire.Logs) error
}

func (l *lines) last(m *wire.Live) int64   { return m.Pos + int64(len(m.Records)) - 1 }
func (l *lines) newest(m *wire.Live) int64 { return m.Lines }

func (l *lines) history(ctx context.Context, after int64, wait time.Duration) (int64, error) {
	q := l.q
	q.After = after
	for {
		q.WaitMS = int(min(wait, wire.MaxWait) / time.Millisecond)
		var page wire.Logs
		if err := l.c.Call(ctx, wire.OpLogsQuery, &q, &page); err != nil {
			return after, err
		}
		page.Pos = max(after, page.Pos)
		if len(page.Records) > 0 || page.Pos > after {
			if err := l.emit(page); err != nil {
				return after, err
			}
		}
		if after = page.Pos; !page.More {
			return after, nil
		}
		q.Cursor = page.Cursor
	}
}

func (l *lines) news(m *wire.Live, after int64) error {
	records := m.Records[max(0, after-m.Pos+1):]
	records, err := l.wanted(records)
	if err != nil {
		return err
	}
	return l.emit(wire.Logs{Records: records, Pos: l.last(m)})
}

// wanted leaves out what the query does not ask for. All records are of one
// stream of one attempt, so mostly the first tells.
func (l *lines) wanted(records []json.RawMessage) ([]json.RawMessage, error) {
	var some []json.RawMessage
	for i, raw := range records {
		var r wire.LogRecord
		if err := json.Unmarshal(raw, &r); err != nil {
			return nil, err
		}
		switch {
		case !wire.Glob(l.q.Workflow, r.Workflow), !is(l.q.Run, r.Run), !is(l.q.Task, r.Task), !is(l.q.Stream, r.Stream):
			return nil, nil
		case i == 0 && l.grep == nil && l.q.Since == nil && l.q.Until == nil:
			return records, nil
		}
		if within(l.q.Filter, r.Time) && l.grep.Record(&r) {
			some = append(some, raw)
		}
	}
	return some, nil
}

// events is the sequence of the status changes that a query asks for.
type events struct {
	c caller
	scope
	q    wire.EventsQuery
	grep *wire.Pattern
	emit func(wire.Events) error
}

func (e *events) last(m *wire.Live) int64   { return m.Pos }
func (e *events) newest(m *wire.Live) int64 { return m.Events }

// lookAgainForEvents is how often the history is read where no stream tells of
// events: no query waits for them.
const lookAgainForEvents = time.Second

func (e *events) history(ctx context.Context, after int64, wait time.Duration) (int64, error) {
	q := e.q
	q.After = after
	for found := false; ; {
		var page wire.Events
		if err := e.c.Call(ctx, wire.OpEventsQuery, &q, &page); err != nil {
			return after, err
		}
		if q.Cursor = page.Cursor; q.Cursor != "" { // Pos is where the last page ends
			page.Pos = 0
			if n := len(page.Events); n > 0 {
				page.Pos = page.Events[n-1].Pos
			}
		}
		page.Pos = max(after, page.Pos)
		found = found || len(page.Events) > 0
		if len(page.Events) > 0 || page.Pos > after {
			if err := e.emit(page); err != nil {
				return after, err
			}
		}
		if after = page.Pos; q.Cursor == "" {
			if found || wait == 0 {
				return after, nil
			}
			return after, pause(ctx, min(wait, lookAgainForEvents))
		}
	}
}

func (e *events) news(m *wire.Live, _ int64) error {
	page := wire.Events{Pos: m.Pos}
	v := m.Event
	if wire.Glob(e.q.Workflow, v.Workflow) && is(e.q.Run, v.Run) && (e.q.Task == "" || v.Task != nil && *v.Task == e.q.Task) &&
		within(e.q.Filter, v.Time) && e.grep.Event(v) {
		page.Events = []wire.Event{*v}
	}
	return e.emit(page)
}

// is tells whether a name is the one that was asked for, or none was.
func is(asked, name string) bool { return asked == "" || asked == name }

func within(f wire.Filter, t wire.Time) bool {
	return (f.Since == nil || !t.Before(f.Since.Time)) && (f.Until == nil || t.Before(f.Until.Time))
}
