package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/cdktr/cdktr/lib/run"
)

// scheduleNews are, of each workflow, the positions of the newest slot that was
// decided and of the newest resumption, and whether it is paused.
const scheduleNews = `
	SELECT workflow,
		max(pos) FILTER (kind NOT IN ('workflow_paused', 'workflow_resumed')) AS decided,
		max(pos) FILTER (kind = 'workflow_resumed') AS resumed,
		arg_max(kind, pos) FILTER (kind IN ('workflow_paused', 'workflow_resumed')) = 'workflow_paused' AS paused
	FROM app.events
	WHERE kind IN ('slot_skipped', 'schedule_set', 'workflow_paused', 'workflow_resumed')
		OR kind = 'run_created' AND "trigger" = 'cron' AND ` + hasSlot + `
	GROUP BY workflow`

// Schedules calls fn with what the log says of the schedule of each workflow
// that was ever scheduled or paused. DuckDB finds the few events that count; no
// other is looked at one by one.
func (s *Store) Schedules(ctx context.Context, fn func(run.Scheduled) error) error {
	rows, err := s.db.QueryContext(ctx, `
		WITH n AS MATERIALIZED (`+scheduleNews+`),
			few AS (SELECT pos, time, body, beyond FROM app.events WHERE pos IN (SELECT decided FROM n UNION ALL SELECT resumed FROM n))
		SELECT n.workflow, coalesce(n.paused, false), n.decided, d.body, d.beyond, r.time, coalesce(n.resumed > n.decided, true)
		FROM n LEFT JOIN few d ON d.pos = n.decided LEFT JOIN few r ON r.pos = n.resumed
		ORDER BY n.workflow`)
	if err != nil {
		return asked("read schedules: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		found, err := s.scanScheduled(ctx, rows)
		if err != nil {
			return asked("read schedules: %w", err)
		}
		if err := fn(found); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return asked("read schedules: %w", err)
	}
	return nil
}

func (s *Store) scanScheduled(ctx context.Context, rows *sql.Rows) (found run.Scheduled, err error) {
	var decided, beyond sql.NullInt64
	var rest sql.NullString
	var resumed sql.NullTime
	var later bool // than the decision
	if err := rows.Scan(&found.Workflow, &found.Paused, &decided, &rest, &beyond, &resumed, &later); err != nil {
		return found, err
	}
	if beyond.Valid {
		more, err := s.beyond(ctx, decided.Int64)
		if err != nil {
			return found, err
		}
		rest.String += more["body"]
	}
	if rest.Valid {
		var b body
		if err := json.Unmarshal([]byte(rest.String), &b); err != nil {
			return found, fmt.Errorf("slot of position %d: %w", decided.Int64, err)
		}
		if b.Slot != nil {
			found.Decided = *b.Slot.out()
		}
	}
	if resumed.Valid && later {
		found.Decided.Time = resumed.Time.UTC()
	}
	return found, nil
}
