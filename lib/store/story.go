package store

import (
	"context"
	"strings"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/story"
	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

// GetRun returns the run with its tasks, or nil.
func (s *Store) GetRun(ctx context.Context, id string) (*wire.Run, error) {
	r, err := s.getRun(ctx, id)
	if err != nil {
		return nil, asked("get run %s: %w", id, err)
	}
	return r, nil
}

// Story returns all events of the run, in order of position.
func (s *Store) Story(ctx context.Context, id string) ([]run.Event, error) {
	var events []run.Event
	if err := s.eventsOf(ctx, id, func(e *run.Event) { events = append(events, *e) }); err != nil {
		return nil, asked("story of run %s: %w", id, err)
	}
	return events, nil
}

func (s *Store) getRun(ctx context.Context, id string) (*wire.Run, error) {
	var told story.Story
	err := s.eventsOf(ctx, id, told.Add)
	return told.Run(), err
}

func (s *Store) eventsOf(ctx context.Context, id string, fn func(*run.Event)) error {
	if id == "" || strings.ContainsRune(id, 0) {
		return nil
	}
	rows, err := s.db.QueryContext(ctx, `
		SELECT `+eventColumns+`
		FROM app.events WHERE run = ? AND pos <= ? ORDER BY pos`, id, s.decided())
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		e, hash, err := s.scanEvent(ctx, rows)
		if err != nil {
			return err
		}
		if e.Created != nil {
			if e.Created.Definition, err = s.definition(ctx, make(map[string]*workflow.Definition), hash); err != nil {
				return err
			}
		}
		fn(&e)
	}
	return rows.Err()
}
