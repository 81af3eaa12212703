package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/cdktr/cdktr/lib/story"
	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

// GetRun returns the run with its tasks, or nil.
func (s *Store) GetRun(ctx context.Context, id string) (*wire.Run, error) {
	r, err := s.getRun(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("get run %s: %w", id, err)
	}
	return r, nil
}

func (s *Store) getRun(ctx context.Context, id string) (*wire.Run, error) {
	if id == "" || strings.ContainsRune(id, 0) {
		return nil, nil
	}
	rows, err := s.db.QueryContext(ctx, `
		SELECT `+eventColumns+`
		FROM app.events WHERE run = ? AND pos <= ? ORDER BY pos`, id, s.decided())
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var told story.Story
	for rows.Next() {
		e, hash, err := s.scanEvent(ctx, rows)
		if err != nil {
			return nil, err
		}
		if e.Created != nil {
			if e.Created.Definition, err = s.definition(ctx, make(map[string]*workflow.Definition), hash); err != nil {
				return nil, err
			}
		}
		told.Add(&e)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return told.Run(), nil
}
