package main

import (
	"context"
	"time"

	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/wire"
)

// poller is a client that asks again and again for the changes of a run.
type poller struct{ *client.Client }

const pollEvery = 100 * time.Millisecond

// FollowEvents gives emit the changes of status after a position until ctx ends.
func (p poller) FollowEvents(ctx context.Context, q wire.EventsQuery, emit func(wire.Events) error) error {
	for seen := q.After; ; {
		q.Cursor = ""
		for more := true; more; more = q.Cursor != "" {
			var page wire.Events
			if err := p.Call(ctx, wire.OpEventsQuery, &q, &page); err != nil {
				return err
			}
			q.Cursor = page.Cursor
			var some []wire.Event
			for _, e := range page.Events {
				if e.Pos > seen {
					some, seen = append(some, e), e.Pos
				}
			}
			if len(some) == 0 {
				continue
			}
			if err := emit(wire.Events{Events: some, Pos: seen}); err != nil {
				return err
			}
		}
		select {
		case <-time.After(pollEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
