package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	duckdb "github.com/marcboeker/go-duckdb/v2"

	"github.com/cdktr/cdktr/lib/failpoint"
	"github.com/cdktr/cdktr/lib/run"
)

// eventLog is the writer of app.db.
type eventLog struct {
	mu          sync.Mutex
	conn        *transactor
	events      *duckdb.Appender
	definitions *duckdb.Appender
	longTexts   *duckdb.Appender
	known       map[string]bool // hashes that are in definitions
	failed      error           // the first error of a commit; there is no going on
}

func (l *eventLog) open(ctx context.Context, connector *duckdb.Connector, db *sql.DB) (err error) {
	if l.conn, err = connect(ctx, connector); err != nil {
		return err
	}
	for table, a := range map[string]**duckdb.Appender{"events": &l.events, "definitions": &l.definitions, "long_texts": &l.longTexts} {
		if *a, err = duckdb.NewAppender(l.conn.conn, stateAlias, "main", table); err != nil {
			return err
		}
	}
	l.known = make(map[string]bool)
	rows, err := db.QueryContext(ctx, "SELECT hash FROM "+stateAlias+".definitions WHERE n = 0")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var hash string
		if err := rows.Scan(&hash); err != nil {
			return err
		}
		l.known[hash] = true
	}
	return rows.Err()
}

func (l *eventLog) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = ErrClosed
	}
	var errs []error
	for _, a := range []*duckdb.Appender{l.events, l.definitions, l.longTexts} {
		if a != nil {
			errs = append(errs, a.Close())
		}
	}
	if l.conn != nil {
		errs = append(errs, l.conn.conn.Close())
	}
	l.events, l.definitions, l.longTexts, l.conn = nil, nil, nil, nil
	return errors.Join(errs...)
}

// Append commits the events in one transaction and sets their Pos. When it
// returns nil, they survive power loss. After an error the process must end:
// memory is ahead of the disk, and every further call fails.
func (s *Store) Append(ctx context.Context, events []run.Event) error {
	if len(events) == 0 {
		return nil
	}
	l := &s.events
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = s.commitEvents(context.WithoutCancel(ctx), l, events)
	}
	if l.failed != nil {
		return fmt.Errorf("append %d events: %w", len(events), l.failed)
	}
	return nil
}

func (s *Store) commitEvents(ctx context.Context, l *eventLog, events []run.Event) error {
	first := s.pos.take(eventWriter, int64(len(events)))
	for i := range events {
		events[i].Pos = first + int64(i)
	}
	if err := l.commit(ctx, events); err != nil {
		return err
	}
	failpoint.Hit("store.events.after-commit")
	if err := s.acked.write(eventWriter, mark{Pos: events[len(events)-1].Pos}); err != nil {
		return err
	}
	failpoint.Hit("store.events.after-side-file")
	s.pos.done(eventWriter)
	s.eventKeeper.committed(1)
	return nil
}

// fewEvents is how many events an appender certainly holds without flushing
// any by itself.
const fewEvents = 10_000

// commit makes the events durable at once. A flush is a transaction of its own
// where there is no other: BEGIN and COMMIT around a single one would cost a
// fifth of the time.
func (l *eventLog) commit(ctx context.Context, events []run.Event) error {
	const point = "store.events.before-commit"
	if len(events) > fewEvents {
		return l.conn.commit(ctx, point, func() error {
			filled, err := l.add(events)
			return errors.Join(err, flush(filled))
		})
	}
	filled, err := l.add(events)
	if err != nil {
		return disk("commit: %w", err)
	}
	if len(filled) > 1 {
		return l.conn.commit(ctx, point, func() error { return flush(filled) })
	}
	failpoint.Hit(point)
	if err := flush(filled); err != nil {
		return disk("commit: %w", err)
	}
	return nil
}

func flush(filled []*duckdb.Appender) error {
	for i, a := range filled {
		if i > 0 {
			failpoint.Hit("store.events.between-flushes")
		}
		if err := a.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// add fills the appenders and returns those that have something to flush.
func (l *eventLog) add(events []run.Event) ([]*duckdb.Appender, error) {
	defined, beyond := false, 0
	for i := range events {
		e := &events[i]
		row, err := l.row(e)
		if err != nil {
			return nil, fmt.Errorf("event %s of run %s: %w", e.Kind, e.Run, err)
		}
		if err := l.events.AppendRow(row...); err != nil {
			return nil, err
		}
		if row[21] != nil {
			beyond++
		}
		if e.Created == nil || l.known[e.Created.Definition.Hash] {
			continue
		}
		if err := l.define(e); err != nil {
			return nil, fmt.Errorf("definition of %s: %w", e.Workflow, err)
		}
		defined = true
	}
	filled := []*duckdb.Appender{l.events}
	if defined {
		filled = append(filled, l.definitions)
	}
	if beyond > 0 {
		filled = append(filled, l.longTexts)
	}
	return filled, nil
}

// define keeps a definition that the table has not got.
func (l *eventLog) define(e *run.Event) error {
	d := e.Created.Definition
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
	rest := string(body)
	for n := 0; rest != ""; n++ {
		var part string
		part, rest = piece(rest)
		if err := l.definitions.AppendRow(text(d.Hash), text(d.ID), e.Time.UTC(), n, []byte(part)); err != nil {
			return err
		}
	}
	l.known[d.Hash] = true
	return nil
}

// body is what events have beyond the columns, as JSON. Slot is the first: what
// looks for slots looks for how such a body begins.
type body struct {
	Slot     *slot             `json:"slot,omitempty"`
	Lines    map[string]int64  `json:"lines,omitempty"`
	Outputs  map[string]string `json:"outputs,omitempty"`
	Defaults []string          `json:"defaults,omitempty"`
}

// hasSlot is a condition on the bodies of events: they have a Slot.
const hasSlot = `starts_with(body, '{"slot":')`

type slot struct {
	Schedule string    `json:"schedule,omitempty"`
	Time     time.Time `json:"time"`
}

func slotIn(s *run.Slot) *slot {
	if s == nil {
		return nil
	}
	return &slot{s.Schedule, s.Time.UTC()}
}

func (s *slot) out() *run.Slot {
	if s == nil {
		return nil
	}
	return &run.Slot{Schedule: s.Schedule, Time: s.Time.UTC()}
}

// bodyOf is the body of an event, empty where it has none.
func bodyOf(e *run.Event) (string, error) {
	b := body{Slot: slotIn(e.Slot)}
	if c := e.Created; c != nil {
		b.Slot, b.Defaults = slotIn(c.Slot), c.Defaults
	}
	if r := e.Ended; r != nil {
		b.Lines, b.Outputs = r.Lines, r.Outputs
	}
	if b.Slot == nil && len(b.Lines)+len(b.Outputs)+len(b.Defaults) == 0 {
		return "", nil
	}
	text, err := json.Marshal(b)
	return string(text), err
}

// row returns the values of the table's columns, in its order, and writes what
// they have beyond one piece.
func (l *eventLog) row(e *run.Event) ([]driver.Value, error) {
	row := []driver.Value{
		e.Pos, e.Time.UTC(), text(string(e.Kind)), text(e.Workflow), text(e.Run), text(e.Task), nil, text(string(e.Status)),
		text(e.Agent), text(e.AgentRef.ID), nil, nil, // attempt above; incarnation, reason
		nil, nil, nil, nil, // trigger, key, params, definition
		nil, nil, nil, nil, nil, nil, // outcome, exit_code, started, ended, body, beyond
	}
	rest, err := bodyOf(e)
	if err != nil {
		return nil, err
	}
	longs := []long{{11, "reason", e.Reason}, {20, "body", rest}}
	if e.Attempt != 0 {
		row[6] = e.Attempt
	}
	if e.AgentRef.Incarnation != 0 {
		row[10] = e.AgentRef.Incarnation
	}
	if c := e.Created; c != nil {
		if c.Definition == nil {
			return nil, errors.New("it has no definition")
		}
		row[12], row[15] = text(c.Source), text(c.Definition.Hash)
		longs = append(longs, long{13, "key", c.Key})
		if c.Params != nil {
			params, err := json.Marshal(c.Params)
			if err != nil {
				return nil, err
			}
			longs = append(longs, long{14, "params", string(params)})
		}
	}
	if r := e.Ended; r != nil {
		row[16] = text(string(r.Outcome))
		if r.ExitCode != nil {
			row[17] = *r.ExitCode
		}
		if r.Started != nil {
			row[18] = r.Started.UTC()
		}
		row[19] = r.Ended.UTC()
	}
	total := 0
	for _, text := range longs {
		value, beyond, err := text.pieces(func(name string, n int, text []byte) error {
			return l.longTexts.AppendRow(e.Pos, name, n, text)
		})
		if err != nil {
			return nil, err
		}
		row[text.column] = value
		total += beyond
	}
	if total > 0 {
		row[21] = total
	}
	return row, nil
}

// transactor runs transactions on a connection of its own.
type transactor struct{ conn *duckdb.Conn }

func connect(ctx context.Context, connector *duckdb.Connector) (*transactor, error) {
	c, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &transactor{c.(*duckdb.Conn)}, nil
}

// commit runs work in a transaction. An appender on the same connection takes
// part in it, even where it flushes by itself.
func (t *transactor) commit(ctx context.Context, point string, work func() error) error {
	if _, err := t.conn.ExecContext(ctx, "BEGIN", nil); err != nil {
		return disk("begin: %w", err)
	}
	err := work()
	if err == nil {
		failpoint.Hit(point)
		if _, err = t.conn.ExecContext(ctx, "COMMIT", nil); err == nil {
			return nil
		}
	}
	_, _ = t.conn.ExecContext(ctx, "ROLLBACK", nil) // best effort: the caller gives up
	return disk("commit: %w", err)
}

// inRange keeps a time from outside within what a timestamp and RFC 3339 can
// say.
func inRange(ms int64) time.Time {
	const first, last = 0, 253402300799999 // 1970 and the end of 9999
	return time.UnixMilli(min(max(ms, first), last)).UTC()
}
