package store

import (
	"context"
	"database/sql"

	"github.com/cdktr/cdktr/lib/wire"
)

// LastLines returns the last sequence number of each stream of the runs.
func (s *Store) LastLines(ctx context.Context, runs []string) (map[wire.StreamID]int64, error) {
	last := make(map[wire.StreamID]int64)
	for len(runs) > 0 {
		some := runs[:min(len(runs), 1000)]
		runs = runs[len(some):]
		if err := s.lastLines(ctx, some, last); err != nil {
			return nil, asked("last lines: %w", err)
		}
	}
	return last, nil
}

func (s *Store) lastLines(ctx context.Context, runs []string, last map[wire.StreamID]int64) error {
	began, err := s.started(ctx, runs)
	if err != nil {
		return err
	}
	days, err := s.days.holding(ctx, func(d *day) bool { return d.pos.max > began })
	if err != nil {
		return err
	}
	w := in("run", runs)
	for _, d := range days {
		if err := lastOf(ctx, s.db, d.alias, w, last); err != nil {
			return err
		}
	}
	return nil
}

func lastOf(ctx context.Context, db *sql.DB, file string, w where, last map[wire.StreamID]int64) error {
	rows, err := db.QueryContext(ctx, `
		WITH h AS (SELECT pos, run, task, attempt, stream FROM `+file+`.heads WHERE `+w.String()+`)
		SELECT any_value(run), any_value(task), any_value(attempt), any_value(stream), max(seq)
		FROM `+file+`.lines l JOIN h ON l.head = h.pos GROUP BY l.head`, w.args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id wire.StreamID
		var seq int64
		if err := rows.Scan(&id.Run, &id.Task, &id.Attempt, &id.Stream, &seq); err != nil {
			return err
		}
		last[id] = max(last[id], seq)
	}
	return rows.Err()
}
