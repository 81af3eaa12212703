package store

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"sync"
)

// heads remembers heads that queries have read, so that the pages of one query
// do not read them again and again.
type heads struct {
	mu    sync.Mutex
	known map[int64]head
}

// of returns the heads of the lines, by position.
func (h *heads) of(ctx context.Context, lq *logQuery, lines []loaded) (map[int64]head, error) {
	found := make(map[int64]head)
	wanted := make(map[int64]bool)
	h.mu.Lock()
	for i := range lines {
		pos := lines[i].head
		if known, ok := h.known[pos]; ok {
			found[pos] = known
		} else {
			wanted[pos] = true
		}
	}
	h.mu.Unlock()
	if len(wanted) == 0 {
		return found, nil
	}
	read := make(map[int64]head)
	for some := range slices.Chunk(slices.Collect(maps.Keys(wanted)), 1000) {
		w := in("pos", some)
		for _, file := range lq.files {
			if err := readHeads(ctx, lq.db, file, w, read); err != nil {
				return nil, err
			}
		}
	}
	maps.Copy(found, read)

	h.mu.Lock()
	defer h.mu.Unlock()
	if h.known == nil || len(h.known)+len(read) > maxHeads {
		h.known = make(map[int64]head)
	}
	maps.Copy(h.known, read)
	return found, nil
}

func readHeads(ctx context.Context, db *sql.DB, file string, w where, read map[int64]head) error {
	rows, err := db.QueryContext(ctx, "SELECT pos, workflow, run, task, attempt, agent, stream FROM "+file+".heads WHERE "+w.String(), w.args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var pos int64
		var h head
		var agent sql.NullString
		if err := rows.Scan(&pos, &h.workflow, &h.Run, &h.Task, &h.Attempt, &agent, &h.Stream); err != nil {
			return err
		}
		h.agent = agent.String
		read[pos] = h
	}
	return rows.Err()
}
