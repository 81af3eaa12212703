package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/workflow"
)

// eventColumns are what scanEvent reads.
const eventColumns = `pos, time, kind, workflow, run, task, attempt, status, agent, agent_id, incarnation, reason,
	"trigger", key, params, definition, outcome, exit_code, started, ended, body, beyond`

// Replay calls fn with every event of every run that has not ended, in order
// of Pos. Runs of one definition share it.
func (s *Store) Replay(ctx context.Context, fn func(run.Event) error) error {
	rows, err := s.db.QueryContext(ctx, `
		SELECT `+eventColumns+`
		FROM app.events ANTI JOIN (
			SELECT run FROM app.events WHERE kind IN `+runChangeKinds+`
			GROUP BY run HAVING arg_max(status, pos) IN `+finalStatuses+`
		) USING (run)
		WHERE run IS NOT NULL
		ORDER BY pos`)
	if err != nil {
		return asked("replay: %w", err)
	}
	defer func() { _ = rows.Close() }()
	definitions := make(map[string]*workflow.Definition)
	for rows.Next() {
		e, hash, err := s.scanEvent(ctx, rows)
		if err == nil && e.Created != nil {
			e.Created.Definition, err = s.definition(ctx, definitions, hash)
		}
		if err == nil {
			err = fn(e)
		}
		if err != nil {
			return asked("replay position %d: %w", e.Pos, err)
		}
	}
	if err := rows.Err(); err != nil {
		return asked("replay: %w", err)
	}
	return nil
}

func (s *Store) definition(ctx context.Context, have map[string]*workflow.Definition, hash string) (*workflow.Definition, error) {
	if d := have[hash]; d != nil {
		return d, nil
	}
	rows, err := s.db.QueryContext(ctx, "SELECT body FROM app.definitions WHERE hash = ? ORDER BY n", hash)
	if err != nil {
		return nil, fmt.Errorf("definition %s: %w", hash, err)
	}
	defer func() { _ = rows.Close() }()
	var body strings.Builder
	for rows.Next() {
		var part string
		if err := rows.Scan(&part); err != nil {
			return nil, fmt.Errorf("definition %s: %w", hash, err)
		}
		body.WriteString(part)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("definition %s: %w", hash, err)
	}
	d := new(workflow.Definition)
	if err := json.Unmarshal([]byte(body.String()), d); err != nil {
		return nil, fmt.Errorf("definition %s: %w", hash, err)
	}
	have[hash] = d
	return d, nil
}

// scanEvent reads one row of Replay. A creation lacks its definition, whose
// hash is returned.
func (s *Store) scanEvent(ctx context.Context, rows *sql.Rows) (e run.Event, hash string, err error) {
	var kind string
	var workflow, runID, task, status, agent, agentID, reason, trigger, key, params, definition, outcome, rest sql.NullString
	var attempt, incarnation, exitCode, beyond sql.NullInt64
	var started, ended sql.NullTime
	err = rows.Scan(&e.Pos, &e.Time, &kind, &workflow, &runID, &task, &attempt, &status, &agent, &agentID, &incarnation, &reason,
		&trigger, &key, &params, &definition, &outcome, &exitCode, &started, &ended, &rest, &beyond)
	if err != nil {
		return e, "", err
	}
	if beyond.Valid {
		more, err := s.beyond(ctx, e.Pos)
		if err != nil {
			return e, "", err
		}
		reason.String += more["reason"]
		key.String += more["key"]
		params.String += more["params"]
		rest.String += more["body"]
	}
	e.Time = e.Time.UTC()
	e.Kind, e.Workflow, e.Run, e.Task = run.Kind(kind), workflow.String, runID.String, task.String
	e.Attempt, e.Status, e.Reason = int(attempt.Int64), run.Status(status.String), reason.String
	e.Agent, e.AgentRef = agent.String, run.AgentRef{ID: agentID.String, Incarnation: incarnation.Int64}
	var b body
	if rest.Valid {
		if err := json.Unmarshal([]byte(rest.String), &b); err != nil {
			return e, "", fmt.Errorf("body: %w", err)
		}
	}
	if e.Kind != run.RunCreated {
		e.Slot = b.Slot.out()
	} else {
		e.Created = &run.Created{Key: key.String, Source: trigger.String, Defaults: b.Defaults, Slot: b.Slot.out()}
		if params.Valid {
			if err := json.Unmarshal([]byte(params.String), &e.Created.Params); err != nil {
				return e, "", fmt.Errorf("params: %w", err)
			}
		}
	}
	if ended.Valid {
		e.Ended = &run.Ended{Outcome: run.Outcome(outcome.String), Ended: ended.Time.UTC()}
		if exitCode.Valid {
			code := int(exitCode.Int64)
			e.Ended.ExitCode = &code
		}
		if started.Valid {
			at := started.Time.UTC()
			e.Ended.Started = &at
		}
		e.Ended.Lines, e.Ended.Outputs = b.Lines, b.Outputs
	}
	return e, definition.String, nil
}

// slotKeys is how long the keys of slots are called for. That a slot is decided is
// known without them, and there may be a million a week: they are for a clock that
// is set back.
const slotKeys = 24 * time.Hour

// Keys calls fn with the idempotency keys of runs created since then, the
// newest limit of them, oldest first; of those that the scheduler gave to slots,
// with the newest of the last day.
func (s *Store) Keys(ctx context.Context, since time.Time, limit int, fn func(run.Key) error) error {
	rows, err := s.db.QueryContext(ctx, `
		SELECT pos, workflow, key, run, params, CASE WHEN contains(body, '"defaults"') OR beyond IS NOT NULL THEN body END, time, beyond FROM (
			SELECT pos, workflow, key, run, params, body, time, beyond FROM app.events
			WHERE kind = 'run_created' AND key IS NOT NULL AND time >= ?
				AND (time >= ? OR "trigger" IS DISTINCT FROM 'cron' OR NOT starts_with(key, 'cron:') OR NOT coalesce(`+hasSlot+`, false))
			ORDER BY pos DESC LIMIT ?
		) ORDER BY pos`, since.UTC(), s.opts.Now().Add(-slotKeys).UTC(), limit)
	if err != nil {
		return asked("read keys: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var k run.Key
		var pos int64
		var params, rest sql.NullString
		var beyond sql.NullInt64
		if err := rows.Scan(&pos, &k.Workflow, &k.Key, &k.Run, &params, &rest, &k.Time, &beyond); err != nil {
			return asked("read keys: %w", err)
		}
		if beyond.Valid {
			more, err := s.beyond(ctx, pos)
			if err != nil {
				return asked("read keys: %w", err)
			}
			k.Key += more["key"]
			params.String += more["params"]
			rest.String += more["body"]
		}
		var b body
		if rest.Valid {
			if err := json.Unmarshal([]byte(rest.String), &b); err != nil {
				return fmt.Errorf("read key of run %s: %w", k.Run, err)
			}
		}
		created := run.Created{Defaults: b.Defaults}
		if params.Valid {
			if err := json.Unmarshal([]byte(params.String), &created.Params); err != nil {
				return fmt.Errorf("read key of run %s: %w", k.Run, err)
			}
		}
		k.Params = created.Given()
		k.Time = k.Time.UTC()
		if err := fn(k); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return asked("read keys: %w", err)
	}
	return nil
}
