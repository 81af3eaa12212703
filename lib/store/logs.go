package store

import (
	"context"
	"database/sql"
	"math"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// ListLogs returns a page of log records, ordered by time and position, or by
// position alone. WaitMS is not for the store.
func (s *Store) ListLogs(ctx context.Context, q wire.LogsQuery) (wire.Logs, error) {
	page, err := s.listLogs(ctx, q)
	if err != nil {
		return wire.Logs{}, asked("list logs: %w", err)
	}
	return page, nil
}

func (s *Store) listLogs(ctx context.Context, q wire.LogsQuery) (wire.Logs, error) {
	r, err := s.reader(ctx, q)
	if err != nil {
		return wire.Logs{}, err
	}
	page, err := r.page(ctx)
	if err != nil || !page.More {
		return page, err
	}
	key, err := readerKey(q, page.Cursor)
	if err != nil {
		return wire.Logs{}, err
	}
	// Who has come for a second page will come for a third.
	s.readers.keep(r, key, q.Cursor != "")
	return page, nil
}

// reader returns the reader that the page before has left, or a new one.
func (s *Store) reader(ctx context.Context, q wire.LogsQuery) (*reader, error) {
	if q.Cursor != "" {
		key, err := readerKey(q, q.Cursor)
		if err != nil {
			return nil, err
		}
		if r := s.readers.take(ctx, key); r != nil {
			return r, nil
		}
	}
	durable := s.Durable()
	at, err := parseCursor(q.Cursor, durable)
	if err != nil {
		return nil, err
	}
	if q.ByPos && at.Want == 0 {
		at.Snap = durable // to follow is to see what is new
	}
	return s.newReader(ctx, q, at)
}

// logQuery is one query for lines, over the files that can matter.
type logQuery struct {
	db      *sql.DB
	files   []string
	largest int64  // bytes of a line
	from    string // a SELECT over the files' lines
	args    []any  // its values
	byPos   bool
	narrow  where // the conditions of a pattern
}

// choose makes lq read the lines of the heads that q asks for, from the files
// that may hold some within all.
func (s *Store) choose(ctx context.Context, lq *logQuery, q wire.LogsQuery, all box) error {
	if q.Run != "" && !strings.ContainsRune(q.Run, 0) {
		began, err := s.started(ctx, []string{q.Run})
		if err != nil {
			return err
		}
		all.pos.min = max(all.pos.min, began)
	}
	days, err := s.days.holding(ctx, func(d *day) bool { return d.pos.meets(all.pos) && d.time.meets(all.time) })
	if err != nil {
		return err
	}
	heads := where{}
	heads.names(q.Filter)
	heads.equal("task", q.Task)
	heads.equal("stream", q.Stream)
	var parts []string
	for _, d := range days {
		part := "SELECT * FROM " + d.alias + ".lines"
		if len(heads.conditions) > 0 {
			part += " WHERE head IN (SELECT pos FROM " + d.alias + ".heads WHERE " + heads.String() + ")"
			lq.args = append(lq.args, heads.args...)
		}
		parts = append(parts, part)
		lq.files = append(lq.files, d.alias)
		lq.largest = max(lq.largest, d.size)
	}
	lq.from = strings.Join(parts, " UNION ALL ")
	return nil
}

// bounds is all that q asks for, as far as the cursor's snapshot knows.
func bounds(q wire.LogsQuery, at cursor) box {
	all := box{time: span{math.MinInt64, math.MaxInt64}, pos: span{q.After + 1, at.Snap}}
	if q.Since != nil {
		all.time.min = microsUp(q.Since.Time)
	}
	if q.Until != nil {
		all.time.max = microsUp(q.Until.Time) - 1
	}
	return all
}

// microsUp is the first microsecond that is not before t.
func microsUp(t time.Time) int64 { return t.Add(time.Microsecond - 1).UnixMicro() }
