package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

// FindRuns returns the ids that begin with prefix, newest first, at most
// limit.
func (s *Store) FindRuns(ctx context.Context, prefix string, limit int) ([]string, error) {
	if strings.ContainsRune(prefix, 0) {
		return nil, nil
	}
	rows, err := s.db.QueryContext(ctx, `
		SELECT run FROM app.events WHERE kind = 'run_created' AND starts_with(run, ?) AND pos <= ?
		ORDER BY pos DESC LIMIT ?`, prefix, s.decided(), limit)
	if err != nil {
		return nil, asked("find runs: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, asked("find runs: %w", err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return nil, asked("find runs: %w", err)
	}
	return ids, nil
}

// runColumns is what scanRun reads: a creation c joined with the changes of
// its run, which are collected by runChanges.
const (
	runColumns = `c.run, c.workflow, coalesce(s.status, 'PENDING'), c."trigger", c.params, c.time, s.started, s.ended, c.pos, c.beyond`
	runChanges = `SELECT run, arg_max(status, pos) AS status,
			min(time) FILTER (status = 'RUNNING') AS started,
			arg_max(time, pos) FILTER (status IN ` + finalStatuses + `) AS ended
		FROM app.events WHERE kind IN ` + runChangeKinds + `
		AND status IS NOT NULL`
)

func (s *Store) scanRun(ctx context.Context, rows *sql.Rows) (r wire.Run, pos int64, err error) {
	var trigger, params sql.NullString
	var created time.Time
	var started, ended sql.NullTime
	var beyond sql.NullInt64
	if err := rows.Scan(&r.Run, &r.Workflow, &r.Status, &trigger, &params, &created, &started, &ended, &pos, &beyond); err != nil {
		return r, 0, err
	}
	if beyond.Valid {
		more, err := s.beyond(ctx, pos)
		if err != nil {
			return r, 0, err
		}
		params.String += more["params"]
	}
	r.Trigger = trigger.String
	r.Created, r.Started = wire.MaybeAt(created), wire.MaybeAt(started.Time)
	if run.Status(r.Status).Final() {
		r.Ended = wire.MaybeAt(ended.Time)
	}
	r.Params = wire.Params{}
	if params.Valid {
		if err := json.Unmarshal([]byte(params.String), (*map[string]string)(&r.Params)); err != nil {
			return r, 0, fmt.Errorf("params of run %s: %w", r.Run, err)
		}
	}
	return r, pos, nil
}

// LastRuns returns the newest run of each workflow that has one, without its
// tasks.
func (s *Store) LastRuns(ctx context.Context) (map[string]wire.Run, error) {
	durable := s.decided()
	rows, err := s.db.QueryContext(ctx, `
		WITH c AS (SELECT run, workflow, "trigger", params, time, pos, beyond FROM app.events
			WHERE kind = 'run_created' AND pos IN (
				SELECT max(pos) FROM app.events WHERE kind = 'run_created' AND pos <= ? GROUP BY workflow))
		SELECT `+runColumns+` FROM c LEFT JOIN (
			`+runChanges+` AND pos <= ? AND run IN (SELECT run FROM c) GROUP BY run
		) s USING (run)`, durable, durable)
	if err != nil {
		return nil, asked("last runs: %w", err)
	}
	defer func() { _ = rows.Close() }()
	last := make(map[string]wire.Run)
	for rows.Next() {
		r, _, err := s.scanRun(ctx, rows)
		if err != nil {
			return nil, asked("last runs: %w", err)
		}
		last[r.Workflow] = r
	}
	if err := rows.Err(); err != nil {
		return nil, asked("last runs: %w", err)
	}
	return last, nil
}

// maxRuns is how many runs a page has at most.
const maxRuns = 1000

// ListRuns returns a page of runs, in the order of their creation.
func (s *Store) ListRuns(ctx context.Context, q wire.RunList) (wire.Runs, error) {
	page, err := s.listRuns(ctx, q)
	if err != nil {
		return wire.Runs{}, asked("list runs: %w", err)
	}
	return page, nil
}

func (s *Store) listRuns(ctx context.Context, q wire.RunList) (wire.Runs, error) {
	page := wire.Runs{Runs: []wire.Run{}}
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
	w.add("kind = 'run_created' AND pos <= ?", at.Snap)
	w.filter(q.Filter)
	if q.After > 0 {
		w.add("run IN (SELECT run FROM app.events WHERE pos > ? AND pos <= ?)", q.After, at.Snap)
	}
	l := lookup[placedRun]{
		ahead: func(ctx context.Context, after int64) (some []placedRun, upTo int64, more bool, err error) {
			return s.runsAfter(ctx, w, after, at.Snap)
		},
		back: func(ctx context.Context, before int64, fn func(*placedRun) bool) (int, error) {
			return s.runsBefore(ctx, w, before, at.Snap, fn)
		},
		look: s.look,
		pos:  func(r *placedRun) int64 { return r.pos },
	}
	if grep != nil {
		l.match = func(r *placedRun) bool {
			texts := []string{r.Workflow, r.Trigger, r.Status}
			for name, value := range r.Params {
				texts = append(texts, name+"="+value)
			}
			return grep.any(texts...)
		}
	}
	if err := s.startAt(ctx, &at, w, q.Last, q.Cursor, grep != nil); err != nil {
		return page, err
	}
	var found []placedRun
	page.Cursor, err = l.page(ctx, at, &found)
	for i := range found {
		page.Runs = append(page.Runs, found[i].Run)
	}
	return page, err
}

// placedRun is a run with the position of its creation.
type placedRun struct {
	wire.Run
	pos int64
}

// runsAfter returns as many runs as a page has room for.
func (s *Store) runsAfter(ctx context.Context, w where, after, snap int64) (some []placedRun, upTo int64, more bool, err error) {
	w = w.clone()
	w.add("pos > ?", after)
	// Parameters may be large: first see how many runs fit.
	upTo, more, err = s.fit(ctx, "coalesce(strlen(params), 0) + coalesce(beyond, 0) + 300", w, maxRuns)
	if err != nil || upTo == 0 {
		return nil, 0, false, err
	}
	w.add("pos <= ?", upTo)
	err = s.eachRun(ctx, w, "", "", after, snap, func(r *placedRun) bool {
		some = append(some, *r)
		return true
	})
	return some, upTo, more, err
}

// runsBefore hands over some runs, the newest first, as long as fn wants more,
// and returns how many there were.
func (s *Store) runsBefore(ctx context.Context, w where, before, snap int64, fn func(*placedRun) bool) (count int, err error) {
	w = w.clone()
	w.add("pos < ?", before)
	err = s.eachRun(ctx, w, fmt.Sprint(" ORDER BY pos DESC LIMIT ", stepBack), " DESC", 0, snap, func(r *placedRun) bool {
		count++
		return fn(r)
	})
	return count, err
}

// eachRun calls fn with the runs that some creations are of. Nothing of them
// has come up to the position after.
func (s *Store) eachRun(ctx context.Context, w where, few, direction string, after, snap int64, fn func(*placedRun) bool) error {
	rows, err := s.db.QueryContext(ctx, `
		WITH c AS (SELECT run, workflow, "trigger", params, time, pos, beyond FROM app.events WHERE `+w.String()+few+`)
		SELECT `+runColumns+` FROM c LEFT JOIN (
			`+runChanges+` AND pos > ? AND pos <= ? AND run IN (SELECT run FROM c) GROUP BY run
		) s USING (run) ORDER BY c.pos`+direction, append(w.args, after, snap)...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		r, pos, err := s.scanRun(ctx, rows)
		if err != nil {
			return err
		}
		if !fn(&placedRun{r, pos}) {
			return nil
		}
	}
	return rows.Err()
}

// startAt moves the first page of a query for the newest few to where they
// begin. Where only a look at each row tells what counts, it sends the query
// back to find that.
func (s *Store) startAt(ctx context.Context, at *cursor, w where, last int, given string, look bool) error {
	if last <= 0 || given != "" {
		return nil
	}
	if look {
		*at = at.backFrom(last)
		return nil
	}
	var pos sql.NullInt64
	err := s.db.QueryRowContext(ctx, "SELECT min(pos) FROM (SELECT pos FROM app.events WHERE "+w.String()+" ORDER BY pos DESC LIMIT ?)",
		append(w.args[:len(w.args):len(w.args)], last)...).Scan(&pos)
	if err == nil && pos.Valid {
		at.Pos = pos.Int64 - 1
	}
	return err
}

// fit returns the position of the last event that a page has room for, 0 where
// there is none, and whether there are more. size is the expression for the
// bytes of one.
func (s *Store) fit(ctx context.Context, size string, w where, limit int) (upTo int64, more bool, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT pos, "+size+" FROM app.events WHERE "+w.String()+" ORDER BY pos LIMIT ?",
		append(w.args[:len(w.args):len(w.args)], limit+1)...)
	if err != nil {
		return 0, false, err
	}
	defer func() { _ = rows.Close() }()
	total, count := int64(0), 0
	for rows.Next() {
		var pos, bytes int64
		if err := rows.Scan(&pos, &bytes); err != nil {
			return 0, false, err
		}
		if total += bytes; count == limit || count > 0 && total > listBytes {
			return upTo, true, nil
		}
		upTo = pos
		count++
	}
	return upTo, false, rows.Err()
}
