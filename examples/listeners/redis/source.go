package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/wire"
	"github.com/redis/go-redis/v9"
)

const (
	entriesAtOnce = 500
	block         = time.Second // how long Redis waits for an entry; a stop waits as long
)

// source is a stream and our place in its group.
type source struct {
	db        *redis.Client
	principal *client.Client
	log       *slog.Logger

	name, group, consumer string
	abandoned             time.Duration
}

// listen returns when ctx ends or something fails.
func (s *source) listen(ctx context.Context) error {
	// From the beginning of the stream: what came before the first listener too.
	err := s.db.XGroupCreateMkStream(ctx, s.name, s.group, "0").Err()
	if err != nil && !strings.HasPrefix(err.Error(), "BUSYGROUP") {
		return fmt.Errorf("make the group: %w", err)
	}
	s.log.Info("listening")
	// What this consumer was given and did not acknowledge comes first.
	for from := "0"; ; {
		entries, err := s.read(ctx, from)
		if err != nil {
			return err
		}
		if err := s.trigger(ctx, entries); err != nil {
			return err
		}
		if from != ">" && len(entries) == 0 {
			from = ">"
		}
		if from == ">" {
			if err := s.claim(ctx); err != nil {
				return err
			}
		}
	}
}

func (s *source) read(ctx context.Context, from string) ([]redis.XMessage, error) {
	streams, err := s.db.XReadGroup(ctx, &redis.XReadGroupArgs{
		Group: s.group, Consumer: s.consumer, Streams: []string{s.name, from}, Count: entriesAtOnce, Block: block,
	}).Result()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, redis.Nil): // nothing came
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read: %w", err)
	}
	return streams[0].Messages, nil
}

// claim takes over the entries of listeners that have died. One that is only
// slow loses nothing by it: the same key gives the same run.
func (s *source) claim(ctx context.Context) error {
	for next := "0-0"; ; {
		entries, cursor, err := s.db.XAutoClaim(ctx, &redis.XAutoClaimArgs{
			Stream: s.name, Group: s.group, Consumer: s.consumer, MinIdle: s.abandoned, Start: next, Count: entriesAtOnce,
		}).Result()
		if err != nil {
			return fmt.Errorf("claim: %w", err)
		}
		if err := s.trigger(ctx, entries); err != nil {
			return err
		}
		if next = cursor; next == "0-0" {
			return nil
		}
	}
}

// trigger asks for the runs of some entries and acknowledges those that have
// one, or never will.
func (s *source) trigger(ctx context.Context, entries []redis.XMessage) error {
	if len(entries) == 0 {
		return nil
	}
	items := make([]wire.TriggerItem, len(entries))
	for i, e := range entries {
		items[i] = item(s.name, e)
	}
	// What was answered counts, also where an error ended it early.
	answers, failed := s.principal.TriggerBatch(ctx, items)
	_, err := s.db.TxPipelined(ctx, func(tx redis.Pipeliner) error {
		for i, a := range answers {
			switch {
			case a.Error == nil:
			case a.Error.Code == wire.Unavailable && !a.Error.Skipped:
				failed = fmt.Errorf("the principal takes no work: %w", a.Error)
				continue // it stays pending
			default:
				s.log.Warn("no run", "entry", entries[i].ID, "error", a.Error)
				tx.XAdd(ctx, &redis.XAddArgs{Stream: s.name + ":refused", Values: map[string]any{
					"entry": entries[i].ID, "error": a.Error.Message,
				}})
			}
			tx.XAck(ctx, s.name, s.group, entries[i].ID)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("acknowledge: %w", err)
	}
	if failed != nil {
		return fmt.Errorf("trigger: %w", failed)
	}
	return nil
}

// item makes a run of an entry: its field workflow names it, the others are
// parameters.
func item(stream string, e redis.XMessage) wire.TriggerItem {
	t := wire.TriggerItem{Key: stream + " " + e.ID, Source: "listen", Params: wire.Params{}}
	for name, value := range e.Values {
		text := fmt.Sprint(value)
		if name == "workflow" {
			t.Workflow = text
			continue
		}
		t.Params[name] = text
	}
	return t
}
