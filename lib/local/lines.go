package local

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

const (
	mostHeld = 4 << 20   // bytes of lines that wait for their reader: then the tasks wait
	pageSize = 256 << 10 // bytes of lines, about, in one answer
)

// lines is the output of the tasks on its way to one reader. A line has a
// position and is kept until the reader asks for what comes after it. When the
// lines that are kept are too many, the tasks wait, as they would for a pipe.
type lines struct {
	mu    sync.Mutex
	room  sync.Cond
	open  bool // false: lines are thrown away
	held  []wire.LogRecord
	first int64 // position of the first of them
	bytes int
	news  chan struct{} // closed when there is something new
}

func newLines(wanted bool) *lines {
	l := &lines{open: wanted, first: 1, news: make(chan struct{})}
	l.room.L = &l.mu
	return l
}

// close throws away what is held and whatever comes.
func (l *lines) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = false
	l.forget(l.first + int64(len(l.held)) - 1)
	l.room.Broadcast()
}

// size is about what a record takes in memory.
func size(r *wire.LogRecord) int {
	n := len(r.MessageBase64) + 256
	if r.Message != nil {
		n += len(*r.Message)
	}
	return n
}

// sink takes the lines of one attempt; like describes it. Calls for one stream
// do not overlap.
func (l *lines) sink(like wire.LogRecord) func(stream string, batch []wire.Line) {
	seen := map[string]*int64{wire.Stdout: new(int64), wire.Stderr: new(int64), wire.System: new(int64)}
	return func(stream string, batch []wire.Line) {
		seq := seen[stream]
		for len(batch) > 0 {
			n := l.put(like, stream, *seq+1, batch)
			*seq += int64(n)
			batch = batch[n:]
		}
	}
}

// put keeps as many of the lines as there is room for, one at least, and says
// how many. It waits while there is no room.
func (l *lines) put(like wire.LogRecord, stream string, first int64, batch []wire.Line) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.open && l.bytes >= mostHeld {
		l.room.Wait()
	}
	if !l.open {
		return len(batch)
	}
	b := wire.LogBatch{
		Workflow: like.Workflow, Run: like.Run, Task: like.Task, Attempt: like.Attempt, Agent: like.Agent,
		Stream: stream, First: first, Lines: batch,
	}
	for n < len(batch) && l.bytes < mostHeld {
		r := b.Record(n)
		l.held = append(l.held, *r)
		l.bytes += size(r)
		n++
	}
	close(l.news)
	l.news = make(chan struct{})
	return n
}

// forget drops the lines up to a position.
func (l *lines) forget(pos int64) {
	n := min(int(pos-l.first+1), len(l.held))
	if n <= 0 {
		return
	}
	for i := range n {
		l.bytes -= size(&l.held[i])
	}
	clear(l.held[:n])
	l.held, l.first = l.held[n:], l.first+int64(n)
	l.room.Broadcast()
}

// query answers with the lines after the cursor, and forgets those before it.
// Where there is none yet it waits as long as it is asked to.
func (l *lines) query(ctx context.Context, q *wire.LogsQuery) (wire.Logs, error) {
	after, err := strconv.ParseInt("0"+q.Cursor, 10, 64)
	if err != nil {
		return wire.Logs{}, &wire.Error{Code: wire.BadRequest, Message: fmt.Sprintf("cursor %q is none of ours", q.Cursor)}
	}
	wait := time.NewTimer(q.Wait())
	defer wait.Stop()
	for waited := q.WaitMS == 0; ; {
		records, more, news := l.after(after)
		if len(records) > 0 || waited {
			page := wire.Logs{Records: make([]json.RawMessage, len(records)), More: more}
			for i := range records {
				page.Records[i] = records[i].AppendJSON(nil)
			}
			page.Cursor = strconv.FormatInt(after+int64(len(records)), 10)
			return page, nil
		}
		select {
		case <-news:
		case <-wait.C:
			waited = true
		case <-ctx.Done():
			return wire.Logs{}, ctx.Err()
		}
	}
}

// after forgets the lines up to a position and returns copies of the next.
func (l *lines) after(pos int64) (records []wire.LogRecord, more bool, news <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(pos)
	n := 0
	for bytes := 0; n < len(l.held) && bytes < pageSize; n++ {
		bytes += size(&l.held[n])
	}
	return append(records, l.held[:n]...), n < len(l.held), l.news
}
