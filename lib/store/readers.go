package store

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// readers keeps the readers of queries of which another page may be asked for,
// so that a page need not find out again what the one before knew: where the
// lines are, and those that it had no room for. One that is gone is made anew
// from the cursor, which says all that there is to know.
type readers struct {
	mu      sync.Mutex
	kept    []*kept // the oldest first
	timer   *time.Timer
	closed  bool
	running sync.WaitGroup
}

// kept is a reader between two pages.
type kept struct {
	*reader
	key    string
	since  time.Time
	stop   context.CancelFunc
	loaded chan struct{} // closed when the reader is nobody's
	failed error
}

const (
	keepTime   = 5 * time.Second
	mostKept   = 64
	mostLoaded = 8 // readers with lines in memory
)

// readerKey says which query goes on at which cursor.
func readerKey(q wire.LogsQuery, cursor string) (string, error) {
	q.Header, q.WaitMS, q.Cursor = wire.Header{}, 0, cursor
	key, err := json.Marshal(q)
	return string(key), err
}

// keep takes a reader for the page at cursor. With ahead it reads on meanwhile.
func (rs *readers) keep(r *reader, key string, ahead bool) {
	ctx, stop := context.WithTimeout(context.Background(), keepTime)
	k := &kept{reader: r, key: key, since: time.Now(), stop: stop, loaded: make(chan struct{})}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.closed {
		stop()
		return
	}
	rs.kept = append(rs.kept, k)
	if len(rs.kept) > mostKept {
		rs.drop(1)
	}
	if rs.timer == nil {
		rs.timer = time.AfterFunc(keepTime, rs.expire)
	}
	if !ahead || r.at.Want > 0 || len(r.ready) > 0 || !rs.room() {
		close(k.loaded)
		return
	}
	rs.running.Go(func() {
		defer close(k.loaded)
		_, k.failed = r.load(ctx)
	})
}

// room tells whether another reader may have lines in memory, and makes room
// where it can.
func (rs *readers) room() bool {
	count := 0
	for _, k := range slices.Backward(rs.kept) {
		select {
		case <-k.loaded:
			if count >= mostLoaded {
				k.unload()
			}
			if len(k.ready) > 0 {
				count++
			}
		default:
			count++
		}
	}
	return count < mostLoaded
}

// take returns the reader for a page, or nil.
func (rs *readers) take(ctx context.Context, key string) *reader {
	rs.mu.Lock()
	i := slices.IndexFunc(rs.kept, func(k *kept) bool { return k.key == key })
	if i < 0 {
		rs.mu.Unlock()
		return nil
	}
	k := rs.kept[i]
	rs.kept = slices.Delete(rs.kept, i, i+1)
	rs.mu.Unlock()

	defer k.stop()
	select {
	case <-k.loaded:
	case <-ctx.Done():
		return nil
	}
	if k.failed != nil {
		return nil // whoever asks again hears why
	}
	return k.reader
}

// drop forgets the oldest. The caller holds the lock.
func (rs *readers) drop(n int) {
	for _, k := range rs.kept[:n] {
		k.stop()
	}
	rs.kept = slices.Delete(rs.kept, 0, n)
}

// expire drops what nobody has come back for.
func (rs *readers) expire() {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	old := 0
	for old < len(rs.kept) && time.Since(rs.kept[old].since) >= keepTime {
		old++
	}
	rs.drop(old)
	if rs.timer = nil; len(rs.kept) > 0 && !rs.closed {
		rs.timer = time.AfterFunc(keepTime-time.Since(rs.kept[0].since), rs.expire)
	}
}

// close returns when nobody reads any more.
func (rs *readers) close() {
	rs.mu.Lock()
	rs.closed = true
	if rs.timer != nil {
		rs.timer.Stop()
	}
	rs.drop(len(rs.kept))
	rs.mu.Unlock()
	rs.running.Wait()
}
