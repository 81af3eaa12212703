package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/wire"
	"github.com/jackc/pgx/v5"
)

const (
	rowsAtOnce = 500

	// A doorbell that is not heard costs no more than this: a connection can be
	// half dead for long.
	lookAnyway = 30 * time.Second

	// How long rows stay locked for one try, at most.
	tryTime = 20 * time.Second
)

// outbox is the table. Any number of listeners may work on it: each takes rows
// that no other has locked.
type outbox struct {
	database  string
	principal *client.Client
	log       *slog.Logger
}

// listen works on one connection until it breaks or ctx ends.
func (o *outbox) listen(ctx context.Context) error {
	config, err := pgx.ParseConfig(o.database)
	if err != nil {
		return err
	}
	config.RuntimeParams["application_name"] = "cdktr-outbox"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	// First the ear, then the look: a row is seen by one of them.
	if _, err := conn.Exec(ctx, "LISTEN cdktr_outbox"); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	o.log.Info("listening")
	for {
		for more := true; more; {
			if more, err = o.some(ctx, conn); err != nil {
				return err
			}
		}
		waiting, cancel := context.WithTimeout(ctx, lookAnyway)
		_, err := conn.WaitForNotification(waiting)
		rung := waiting.Err() == nil
		cancel()
		if err != nil && (rung || ctx.Err() != nil) {
			return fmt.Errorf("wait for news: %w", err)
		}
	}
}

// row is an event that waits.
type row struct {
	ID       string
	Workflow string
	Params   []byte
}

// some triggers the oldest rows and marks them as done. It tells whether there
// may be more.
func (o *outbox) some(ctx context.Context, conn *pgx.Conn) (more bool, err error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return false, fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // after a commit it does nothing
	rows, err := tx.Query(ctx, `SELECT id::text, workflow, params FROM cdktr_outbox
		WHERE done IS NULL ORDER BY n LIMIT $1 FOR UPDATE SKIP LOCKED`, rowsAtOnce)
	if err != nil {
		return false, fmt.Errorf("claim rows: %w", err)
	}
	claimed, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil || len(claimed) == 0 {
		return false, err
	}
	items := make([]wire.TriggerItem, len(claimed))
	for i, r := range claimed {
		items[i] = wire.TriggerItem{Workflow: r.Workflow, Key: r.ID, Source: "listen"}
		if err := json.Unmarshal(r.Params, &items[i].Params); err != nil {
			return false, fmt.Errorf("read parameters of %s: %w", r.ID, err)
		}
	}
	try, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	// What was answered counts, also where an error ended it early.
	answers, failed := o.principal.TriggerBatch(try, items)
	if err := o.mark(ctx, tx, claimed, answers); err != nil {
		return false, err
	}
	if err := tx.Commit(ctx); err != nil {
		return false, fmt.Errorf("commit: %w", err)
	}
	if failed != nil {
		return false, fmt.Errorf("trigger: %w", failed)
	}
	for _, a := range answers {
		if later(a) {
			return false, fmt.Errorf("the principal takes no work: %w", a.Error)
		}
	}
	return len(claimed) == rowsAtOnce, nil
}

// later tells that an event is to be tried again as it is.
func later(a wire.Triggered) bool {
	return a.Error != nil && a.Error.Code == wire.Unavailable && !a.Error.Skipped
}

func (o *outbox) mark(ctx context.Context, tx pgx.Tx, rows []row, answers []wire.Triggered) error {
	var ids, runs, reasons []string
	for i, a := range answers {
		if later(a) {
			continue
		}
		reason := ""
		if a.Error != nil {
			reason = a.Error.Message
			o.log.Warn("no run", "row", rows[i].ID, "error", reason)
		}
		ids, runs, reasons = append(ids, rows[i].ID), append(runs, a.Run), append(reasons, reason)
	}
	_, err := tx.Exec(ctx, `UPDATE cdktr_outbox o SET done = now(), run = nullif(v.run, ''), error = nullif(v.error, '')
		FROM unnest($1::text[]::uuid[], $2::text[], $3::text[]) AS v (id, run, error) WHERE o.id = v.id`, ids, runs, reasons)
	if err != nil {
		return fmt.Errorf("mark rows: %w", err)
	}
	return nil
}
