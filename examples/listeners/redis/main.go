// Command redis turns the entries of a Redis stream into runs: an example of an
// event listener over lib/client.
//
// An entry is acknowledged (XACK) after its run is durable; its id is the run's
// key. Killed in between, the entry stays pending, this listener or another one
// of the group claims it, and gets the same run.
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
	"github.com/redis/go-redis/v9"
)

func main() {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	host, _ := os.Hostname()
	url := flag.String("redis", "redis://127.0.0.1:6379", "redis://, rediss:// or unix:// URL")
	stream := flag.String("stream", "events", "the stream's key")
	group := flag.String("group", "cdktr", "the consumer group")
	consumer := flag.String("consumer", host, "this listener's name in the group")
	abandoned := flag.Duration("claim-after", time.Minute, "take over what another listener has held for so long")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	options, err := redis.ParseURL(*url)
	if err != nil {
		log.Error("read -redis", "error", err)
		os.Exit(64)
	}
	db := redis.NewClient(options)
	defer db.Close()
	principal, err := client.Open()
	if err != nil {
		log.Error("open the client", "error", err)
		os.Exit(78)
	}
	defer principal.Close()
	s := &source{
		db: db, principal: principal, log: log,
		name: *stream, group: *group, consumer: *consumer, abandoned: *abandoned,
	}
	const first, longest = 200 * time.Millisecond, 30 * time.Second
	for pause := first; ; pause = min(2*pause, longest) {
		began := time.Now()
		err := s.listen(ctx)
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
