package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// ListLogs returns a page of log records, ordered by time and position, or by
// position alone. WaitMS is not for the store.
func (s *Store) ListLogs(ctx context.Context, q wire.LogsQuery) (wire.Logs, error) {
	page, err := s.listLogs(ctx, q)
	if err != nil {
		return wire.Logs{}, fmt.Errorf("list logs: %w", err)
	}
	return page, nil
}

// logQuery is one query for a page, over the files that can matter.
type logQuery struct {
	db      *sql.DB
	files   []string
	largest int64  // bytes of a line
	from    string // a SELECT over the files' lines
	where   where  // for what from returns; its values come after from's
	byPos   bool
}

func (s *Store) listLogs(ctx context.Context, q wire.LogsQuery) (wire.Logs, error) {
	page := wire.Logs{Records: []json.RawMessage{}}
	durable := s.Durable()
	at, err := parseCursor(q.Cursor, durable)
	if err != nil {
		return page, err
	}
	if q.ByPos {
		at.Snap = durable // to follow is to see what is new
		at.Pos = max(at.Pos, q.After)
	}
	lq := logQuery{db: s.db, byPos: q.ByPos}
	if err := s.choose(ctx, &lq, q, at); err != nil {
		return page, err
	}
	if lq.from == "" {
		return lq.end(page, at), nil
	}
	lq.where.times(q.Filter)
	lq.where.add("pos <= ?", at.Snap)
	if q.Last > 0 && q.Cursor == "" {
		if err := lq.skipTo(ctx, &at, q.Last); err != nil {
			return page, err
		}
	}
	return s.fill(ctx, &lq, page, at)
}

// end is the last page for now. One can follow from its end.
func (lq *logQuery) end(page wire.Logs, at cursor) wire.Logs {
	if lq.byPos {
		page.Cursor = cursor{Pos: max(at.Pos, at.Snap), Snap: at.Snap}.String()
	}
	return page
}

// choose makes lq read the lines of the heads that q asks for, from the files
// that may hold some.
func (s *Store) choose(ctx context.Context, lq *logQuery, q wire.LogsQuery, at cursor) error {
	var from time.Time
	if q.Since != nil {
		from = q.Since.UTC()
	}
	if q.Run != "" && !strings.ContainsRune(q.Run, 0) {
		began, err := s.started(ctx, []string{q.Run})
		if err != nil {
			return err
		}
		if began.After(from) {
			from = began
		}
	}
	days, err := s.days.since(ctx, from)
	if err != nil {
		return err
	}
	heads := where{}
	heads.names(q.Filter)
	heads.equal("task", q.Task)
	heads.equal("stream", q.Stream)
	var parts []string
	for _, d := range days {
		switch {
		case d.pos.min > at.Snap,
			q.ByPos && d.pos.max <= at.Pos,
			!q.ByPos && d.time.max < at.Time,
			q.Since != nil && d.time.max < q.Since.UnixMicro(),
			q.Until != nil && d.time.min >= q.Until.UnixMicro():
			continue
		}
		part := "SELECT * FROM " + d.alias + ".lines"
		if len(heads.conditions) > 0 {
			part += " WHERE head IN (SELECT pos FROM " + d.alias + ".heads WHERE " + heads.String() + ")"
			lq.where.args = append(lq.where.args, heads.args...)
		}
		parts = append(parts, part)
		lq.files = append(lq.files, d.alias)
		lq.largest = max(lq.largest, d.size)
	}
	lq.from = strings.Join(parts, " UNION ALL ")
	return nil
}

func (lq *logQuery) order(direction string) string {
	if lq.byPos {
		return " ORDER BY pos" + direction
	}
	return " ORDER BY time" + direction + ", pos" + direction
}

// after and upTo restrict w to one side of a cursor. The condition on time
// alone is what DuckDB skips by.
func (lq *logQuery) after(w *where, c cursor) {
	if lq.byPos {
		w.add("pos > ?", c.Pos)
		return
	}
	if c.Time == beginning {
		return
	}
	t := time.UnixMicro(c.Time).UTC()
	w.add("time >= ? AND (time > ? OR pos > ?)", t, t, c.Pos)
}

func (lq *logQuery) upTo(w *where, c cursor) {
	if lq.byPos {
		w.add("pos <= ?", c.Pos)
		return
	}
	t := time.UnixMicro(c.Time).UTC()
	w.add("time <= ? AND (time < ? OR pos <= ?)", t, t, c.Pos)
}

// skipTo moves at to just before the newest n.
func (lq *logQuery) skipTo(ctx context.Context, at *cursor, n int) error {
	var c cursor
	err := lq.db.QueryRowContext(ctx, "SELECT pos, epoch_us(time) FROM (SELECT pos, time FROM ("+lq.from+") WHERE "+lq.where.String()+
		lq.order(" DESC")+" LIMIT ?)"+lq.order("")+" LIMIT 1", append(lq.where.args[:len(lq.where.args):len(lq.where.args)], n)...).Scan(&c.Pos, &c.Time)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	at.Pos, at.Time = c.Pos-1, c.Time
	return err
}
