// Command postgres turns the rows of a PostgreSQL table into runs: an example of
// an event listener over lib/client.
//
// NOTIFY alone loses what is sent while nobody listens. So the event is a row
// (schema.sql), and NOTIFY is only the doorbell that saves the polling. A row is
// marked as done after its run is durable; its id is the run's key. Killed in
// between, the listener triggers the row again, and gets the same run.
package main

import (
	"context"
	"flag"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/cdktr/cdktr/lib/client"
)

func main() {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	database := flag.String("database", os.Getenv("DATABASE_URL"), "connection string; default $DATABASE_URL, then PGHOST and the like")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	principal, err := client.Open()
	if err != nil {
		log.Error("open the client", "error", err)
		os.Exit(78)
	}
	defer principal.Close()
	o := &outbox{database: *database, principal: principal, log: log}

	const first, longest = 200 * time.Millisecond, 30 * time.Second
	for pause := first; ; pause = min(2*pause, longest) {
		began := time.Now()
		err := o.listen(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > longest {
			pause = first
		}
		log.Error("listening ended; trying again", "error", err, "in", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}
