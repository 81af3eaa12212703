package store

import (
	"sync"
	"time"

	duckdb "github.com/marcboeker/go-duckdb/v2"
)

// A start replays the write-ahead files, at some 0.3 ms a commit: DuckDB's own
// limit, 16 MiB, would let that become a matter of ten seconds and more. So
// each writer has its file written whole when it rests, and when there have
// been many commits.
const (
	restTime    = 300 * time.Millisecond
	restCommits = 20
	mostCommits = 250
)

// keeper counts the commits of one writer since its file was last written
// whole, and calls work, in a goroutine of its own, when that should be done
// again.
type keeper struct {
	work func()

	mu      sync.Mutex
	commits int
	timer   *time.Timer
	running sync.WaitGroup
	closed  bool
}

// committed is called after n commits.
func (k *keeper) committed(n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.commits += n
	wait := restTime
	switch {
	case k.closed || k.commits < restCommits:
		return
	case k.commits >= mostCommits:
		wait = 0
	}
	if k.timer == nil {
		k.timer = time.AfterFunc(wait, k.run)
		return
	}
	k.timer.Reset(wait)
}

func (k *keeper) run() {
	k.mu.Lock()
	if k.closed {
		k.mu.Unlock()
		return
	}
	k.commits = 0
	k.running.Add(1)
	k.mu.Unlock()
	defer k.running.Done()
	k.work()
}

// close returns when no work is under way, and none will be.
func (k *keeper) close() {
	k.mu.Lock()
	k.closed = true
	if k.timer != nil {
		k.timer.Stop()
	}
	k.mu.Unlock()
	k.running.Wait()
}

// keepEvents writes app.db whole.
func (s *Store) keepEvents() {
	l := &s.events
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = s.checkpoint(stateAlias, s.opts.Path)
	}
}

// keepLines writes the newest log file whole: the one that is appended to, or
// the one that the start has found.
func (s *Store) keepLines() {
	l := &s.lines
	l.mu.Lock()
	defer l.mu.Unlock()
	if newest := s.days.newest(); l.failed == nil && newest != nil {
		l.failed = s.checkpoint(newest.alias, s.days.path(newest.date))
	}
}

// checkpoint is called under the lock of the file's writer. One that fails
// costs the next start some time, no more, unless DuckDB gives up with it, as
// it does on a full disk: that is the end of the store.
func (s *Store) checkpoint(alias, path string) error {
	_, err := s.db.Exec("CHECKPOINT " + alias)
	if duckType(err) == duckdb.ErrorTypeFatal {
		err = disk("write %s: %w", path, err)
		select {
		case s.broken <- err:
		default:
		}
		return err
	}
	if err != nil {
		s.opts.Logger.Warn("a write-ahead file is kept", "file", path, "error", err)
	}
	return nil
}

// Broken gets an error when the store has failed while nobody waited for it:
// then the process must end, as after a commit that failed.
func (s *Store) Broken() <-chan error { return s.broken }
