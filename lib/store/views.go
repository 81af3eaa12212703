package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
)

// stateViews give people the names of the JSON output: runs as cdktr-run -o json
// shows them, run_status and task_status one row for each change. A slot that was
// skipped is in run_status, with no run.
const stateViews = `
CREATE OR REPLACE VIEW run_status AS
	SELECT time, pos, workflow, run, status, reason
	FROM events WHERE task IS NULL AND status IS NOT NULL;

CREATE OR REPLACE VIEW task_status AS
	SELECT time, pos, workflow, run, task, attempt, status, agent, exit_code, started, ended, reason
	FROM events WHERE task IS NOT NULL AND status IS NOT NULL;

CREATE OR REPLACE VIEW runs AS
	SELECT run,
		any_value(workflow) AS workflow,
		arg_max(status, pos) AS status,
		any_value("trigger") AS "trigger",
		any_value(params || coalesce(t.text, ''))::JSON AS params,
		min(time) AS created,
		min(time) FILTER (status = 'RUNNING') AS started,
		CASE WHEN arg_max(status, pos) IN ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED') THEN max(time) END AS ended
	FROM events LEFT JOIN (
		SELECT pos, string_agg(text, '' ORDER BY n) AS text FROM long_texts WHERE name = 'params' GROUP BY pos
	) t USING (pos)
	WHERE task IS NULL AND status IS NOT NULL AND run IS NOT NULL
	GROUP BY run;
`

// viewsMark names the row of meta that says which views a database has.
const viewsMark = "views"

func viewsVersion() string {
	sum := sha256.Sum256([]byte(stateViews))
	return hex.EncodeToString(sum[:8])
}

// renewViews makes the views of app.db those of this program, where another one
// has made them. It changes no table. The mark comes after the views are in the
// file: a crash in between costs doing it again.
func (s *Store) renewViews(ctx context.Context) error {
	var has string
	err := s.db.QueryRowContext(ctx, "SELECT value FROM "+stateAlias+".meta WHERE name = ? ORDER BY rowid DESC LIMIT 1", viewsMark).Scan(&has)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return disk("open %s: %w", s.opts.Path, err)
	}
	if has == viewsVersion() {
		return nil
	}
	// What is in the write-ahead file comes first: views and rows are not
	// replayed together.
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return disk("open %s: %w", s.opts.Path, err)
	}
	defer func() { _ = conn.Close() }()
	for _, statement := range []string{"CHECKPOINT " + stateAlias, "USE " + stateAlias, stateViews, "CHECKPOINT " + stateAlias} {
		if _, err = conn.ExecContext(ctx, statement); err != nil {
			break
		}
	}
	_, useErr := conn.ExecContext(ctx, "USE memory") // the connection goes back to the pool
	if err = errors.Join(err, useErr); err == nil {
		_, err = conn.ExecContext(ctx, "INSERT INTO "+stateAlias+".meta VALUES (?, ?, ?)", viewsMark, viewsVersion(), s.opts.Now().UTC())
	}
	if err != nil {
		return disk("renew the views of %s: %w", s.opts.Path, err)
	}
	return nil
}
