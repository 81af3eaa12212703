package local

import (
	"context"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/story"
	"github.com/cdktr/cdktr/lib/wire"
)

// note keeps a change of status for those who follow. It is called with mu held.
func (in *Installation) note(e *run.Event) {
	change, ok := story.Change(e)
	if !ok {
		return
	}
	in.changes = append(in.changes, change)
	in.changes[len(in.changes)-1].Pos = int64(len(in.changes))
	close(in.changed)
	in.changed = make(chan struct{})
}

// FollowEvents gives emit the changes of status of the run, those that were and
// those that come, until ctx ends or emit returns an error. Of the query only
// After is used.
func (in *Installation) FollowEvents(ctx context.Context, q wire.EventsQuery, emit func(wire.Events) error) error {
	for after := q.After; ; {
		in.mu.Lock()
		news, end := in.changed, int64(len(in.changes))
		some := in.changes[min(after, end):end:end]
		in.mu.Unlock()
		if len(some) > 0 {
			if err := emit(wire.Events{Events: some, Pos: end}); err != nil {
				return err
			}
			after = end
		}
		select {
		case <-news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
