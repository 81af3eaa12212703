package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// maxEvents is how many status changes a page has at most.
const maxEvents = 5000

// ListEvents returns a page of status changes, in order of position.
func (s *Store) ListEvents(ctx context.Context, q wire.EventsQuery) (wire.Events, error) {
	page, err := s.listEvents(ctx, q)
	if err != nil {
		return wire.Events{}, asked("list events: %w", err)
	}
	return page, nil
}

func (s *Store) listEvents(ctx context.Context, q wire.EventsQuery) (wire.Events, error) {
	page := wire.Events{Events: []wire.Event{}}
	grep, err := parsePattern(q.Grep)
	if err != nil {
		return page, err
	}
	at, err := parseCursor(q.Cursor, s.decided())
	if err != nil {
		return page, err
	}
	page.Pos = at.Snap
	w := where{}
	w.add("status IS NOT NULL AND pos > ? AND pos <= ?", q.After, at.Snap)
	w.filter(q.Filter)
	w.equal("task", q.Task)
	l := lookup[wire.Event]{
		ahead: func(ctx context.Context, after int64) (some []wire.Event, upTo int64, more bool, err error) {
			return s.eventsAfter(ctx, w, after)
		},
		back: func(ctx context.Context, before int64, fn func(*wire.Event) bool) (int, error) {
			return s.eventsBefore(ctx, w, before, fn)
		},
		look: s.look,
		pos:  func(e *wire.Event) int64 { return e.Pos },
	}
	if grep != nil {
		l.match = func(e *wire.Event) bool {
			return grep.any(e.Workflow, e.Status, maybe(e.Task), maybe(e.Agent), maybe(e.Reason))
		}
	}
	if err := s.startAt(ctx, &at, w, q.Last, q.Cursor, grep != nil); err != nil {
		return page, err
	}
	page.Cursor, err = l.page(ctx, at, &page.Events)
	return page, err
}

func maybe(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// eventsAfter returns as many events as a page has room for.
func (s *Store) eventsAfter(ctx context.Context, w where, after int64) (some []wire.Event, upTo int64, more bool, err error) {
	w = w.clone()
	w.add("pos > ?", after)
	upTo, more, err = s.fit(ctx, fmt.Sprintf("coalesce(strlen(reason), 0) + CASE WHEN strlen(reason) >= %d THEN coalesce(beyond, 0) ELSE 0 END + 200", fullPiece), w, maxEvents)
	if err != nil || upTo == 0 {
		return nil, 0, false, err
	}
	w.add("pos <= ?", upTo)
	err = s.eachChange(ctx, w, " ORDER BY pos", func(e *wire.Event) bool {
		some = append(some, *e)
		return true
	})
	return some, upTo, more, err
}

// eventsBefore hands over some events, the newest first, as long as fn wants
// more, and returns how many there were.
func (s *Store) eventsBefore(ctx context.Context, w where, before int64, fn func(*wire.Event) bool) (count int, err error) {
	w = w.clone()
	w.add("pos < ?", before)
	err = s.eachChange(ctx, w, fmt.Sprint(" ORDER BY pos DESC LIMIT ", stepBack), func(e *wire.Event) bool {
		count++
		return fn(e)
	})
	return count, err
}

func (s *Store) eachChange(ctx context.Context, w where, order string, fn func(*wire.Event) bool) error {
	rows, err := s.db.QueryContext(ctx, `
		SELECT time, pos, workflow, run, task, attempt, status, agent, reason, beyond
		FROM app.events WHERE `+w.String()+order, w.args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		e, err := s.scanChange(ctx, rows)
		if err != nil {
			return err
		}
		if !fn(&e) {
			return nil
		}
	}
	return rows.Err()
}

func (s *Store) scanChange(ctx context.Context, rows *sql.Rows) (e wire.Event, err error) {
	var at time.Time
	var workflow, runID sql.NullString
	var beyond sql.NullInt64
	if err := rows.Scan(&at, &e.Pos, &workflow, &runID, &e.Task, &e.Attempt, &e.Status, &e.Agent, &e.Reason, &beyond); err != nil {
		return e, err
	}
	if beyond.Valid && e.Reason != nil && len(*e.Reason) >= fullPiece {
		more, err := s.beyond(ctx, e.Pos)
		if err != nil {
			return e, err
		}
		*e.Reason += more["reason"]
	}
	e.Time, e.Workflow, e.Run = wire.At(at), workflow.String, runID.String
	return e, nil
}
