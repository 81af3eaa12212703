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
		return wire.Events{}, fmt.Errorf("list events: %w", err)
	}
	return page, nil
}

func (s *Store) listEvents(ctx context.Context, q wire.EventsQuery) (wire.Events, error) {
	page := wire.Events{Events: []wire.Event{}}
	at, err := parseCursor(q.Cursor, s.decided())
	if err != nil {
		return page, err
	}
	w := where{}
	w.add("status IS NOT NULL AND pos <= ?", at.Snap)
	w.filter(q.Filter)
	if err := s.startAt(ctx, &at, w, q.Last, q.Cursor); err != nil {
		return page, err
	}
	w.add("pos > ?", at.Pos)
	upTo, more, err := s.fit(ctx, fmt.Sprintf("coalesce(strlen(reason), 0) + CASE WHEN strlen(reason) >= %d THEN coalesce(beyond, 0) ELSE 0 END + 200", fullPiece), w, maxEvents)
	if err != nil || upTo == 0 {
		return page, err
	}
	w.add("pos <= ?", upTo)
	rows, err := s.db.QueryContext(ctx, `
		SELECT time, pos, workflow, run, task, attempt, status, agent, reason, beyond
		FROM app.events WHERE `+w.String()+` ORDER BY pos`, w.args...)
	if err != nil {
		return page, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		e, err := s.scanChange(ctx, rows)
		if err != nil {
			return page, err
		}
		page.Events = append(page.Events, e)
		at.Pos = e.Pos
	}
	if more {
		page.Cursor = at.String()
	}
	return page, rows.Err()
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
