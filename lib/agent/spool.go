package agent

import (
	"math"
	"sync"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// The sizes of the log's way, in bytes as size counts them. A message of
// callSize is below wire.MaxMessage even where JSON makes six bytes of one.
const (
	fullBatch = 256 << 10 // worth sending at once
	callSize  = 512 << 10
	spoolSize = 32 << 20 // of one attempt, unacknowledged: then its task waits
)

// flushDelay is how long a line may wait for others to travel with.
const flushDelay = 5 * time.Millisecond

// spool keeps the lines of one attempt until they are durable elsewhere. It
// is in memory: when it is full, put waits, and with it the task's output.
//
// Any goroutine puts; the shipper takes, and its calls settle.
type spool struct {
	workflow string
	attempt  wire.Attempt
	wake     func() // tells the shipper that there may be something to take

	mu      sync.Mutex
	room    sync.Cond
	streams map[string]*stream
	puts    uint64    // so far: the order in which lines came
	held    int       // bytes not acknowledged
	unsent  int       // bytes of them not under way
	since   time.Time // when the oldest of the unsent came
	urgent  bool      // the task has ended: send what there is
	free    bool      // its task was killed: what is still to come is little
	open    bool      // false: closed, lines are thrown away
	flying  bool      // a call is under way: one at a time keeps the order
	retry   backoff
	retryAt time.Time
	alone   bool // what it sent was refused: let no other spool suffer for it
}

// stream holds the lines after acked; the first sent of them are under way.
type stream struct {
	name  string
	acked int64
	sent  int
	lines []wire.Line
	came  []uint64 // with which put each line came
}

func (s *stream) last() int64 { return s.acked + int64(len(s.lines)) }

func newSpool(workflow string, a wire.Attempt, wake func()) *spool {
	s := &spool{workflow: workflow, attempt: a, wake: wake, open: true, streams: map[string]*stream{}}
	s.room.L = &s.mu
	return s
}

// size is what a line counts for: about what it takes in memory and, if it
// holds nothing that JSON must escape, in a message.
func size(l *wire.Line) int { return len(l.Text) + len(l.Bytes) + 64 }

// put appends lines, and waits while the spool is full.
func (s *spool) put(name string, lines []wire.Line) {
	n := 0
	for i := range lines {
		n += size(&lines[i])
	}
	s.mu.Lock()
	for s.open && !s.free && s.held > 0 && s.held+n > spoolSize {
		s.room.Wait()
	}
	if !s.open {
		s.mu.Unlock()
		return
	}
	st := s.streams[name]
	if st == nil {
		st = &stream{name: name}
		s.streams[name] = st
	}
	s.puts++
	for range lines {
		st.came = append(st.came, s.puts)
	}
	st.lines = append(st.lines, lines...)
	before := s.unsent
	s.held += n
	s.unsent += n
	if before == 0 {
		s.since = time.Now()
	}
	news := before == 0 || (before < fullBatch && s.unsent >= fullBatch)
	s.mu.Unlock()
	if news {
		s.wake()
	}
}

// finish says that no line will follow and returns the last sequence number of
// each stream that has any.
func (s *spool) finish() map[string]int64 {
	s.mu.Lock()
	s.urgent = true
	last := map[string]int64{}
	for name, st := range s.streams {
		last[name] = st.last()
	}
	s.mu.Unlock()
	s.wake()
	return last
}

// unbound lets the last lines of a killed task in, so that nothing waits for
// the principal before the task is over.
func (s *spool) unbound() {
	s.mu.Lock()
	s.free = true
	s.room.Broadcast()
	s.mu.Unlock()
}

// close throws away what is held and lets nobody wait any more.
func (s *spool) close() {
	s.mu.Lock()
	s.discard()
	s.mu.Unlock()
	s.wake()
}

func (s *spool) discard() {
	s.open = false
	s.streams = map[string]*stream{}
	s.held, s.unsent = 0, 0
	s.room.Broadcast()
}

// over says that no line will follow and that all are acknowledged.
func (s *spool) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held == 0 && !s.flying && (s.urgent || !s.open)
}

// due says when the spool has something to send: the zero time is never. While
// lines are under way others gather, so that the next call takes more.
func (s *spool) due() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.since
	switch {
	case s.unsent == 0 || s.flying:
		return time.Time{}
	case s.unsent < fullBatch && !s.urgent:
		at = at.Add(flushDelay)
	}
	if at.Before(s.retryAt) {
		return s.retryAt
	}
	return at
}

// ready says that what there is may go now, as others go too.
func (s *spool) ready(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unsent > 0 && !s.flying && !s.alone && !now.Before(s.retryAt)
}

// take returns copies of the next lines, of at most max bytes, but one line at
// least where one is asked for. The batches are in the order in which lines
// came, over the streams: so they stand in the history when their times are
// equal. Every take that returned something is followed by one settle.
func (s *spool) take(max int, one bool) (batches []wire.LogBatch, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		st, until := s.next()
		if st == nil {
			break
		}
		n := st.sent
		for n < len(st.lines) && st.came[n] < until && (bytes+size(&st.lines[n]) <= max || one && bytes == 0) {
			bytes += size(&st.lines[n])
			n++
		}
		if n == st.sent {
			break
		}
		batches = append(batches, wire.LogBatch{
			Workflow: s.workflow, Run: s.attempt.Run, Task: s.attempt.Task, Attempt: s.attempt.Attempt,
			Stream: st.name, First: st.acked + int64(st.sent) + 1,
			Lines: append([]wire.Line(nil), st.lines[st.sent:n]...),
		})
		st.sent = n
	}
	if len(batches) > 0 {
		s.flying = true
		s.unsent -= bytes
		s.since = time.Now()
	}
	return batches, bytes
}

// next is the stream whose first unsent line came first, and the put before
// which its lines come before those of the others.
func (s *spool) next() (first *stream, until uint64) {
	until = math.MaxUint64
	for _, st := range s.streams {
		switch {
		case st.sent == len(st.lines):
		case first == nil:
			first = st
		case st.came[st.sent] < first.came[first.sent]:
			first, until = st, min(until, first.came[first.sent])
		default:
			until = min(until, st.came[st.sent])
		}
	}
	return first, until
}

// settle takes note of what became of one call: an acknowledgement for each
// batch, or an error. Where an acknowledgement falls short, or there is none,
// the next take goes on after what is durable.
func (s *spool) settle(batches []wire.LogBatch, acks []wire.LogAck, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flying = false
	short := err != nil
	for i := range acks {
		b := &batches[i]
		short = short || acks[i].Durable < b.First+int64(len(b.Lines))-1
		if st := s.streams[b.Stream]; st != nil {
			s.drop(st, acks[i].Durable)
		}
	}
	code := codeOf(err)
	if code == wire.NotFound && s.alone {
		s.discard() // the principal knows no such run
	}
	s.alone = code != ""
	if short {
		s.retryAt = time.Now().Add(s.retry.next())
	} else {
		s.retry.reset()
	}
	for _, st := range s.streams {
		st.sent = 0
	}
	s.unsent = s.held
}

// lonely says that the spool must have a message of its own.
func (s *spool) lonely() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.alone
}

// hurry ends the wait before the next try.
func (s *spool) hurry() {
	s.mu.Lock()
	s.retryAt = time.Time{}
	s.mu.Unlock()
}

// drop forgets the lines up to durable.
func (s *spool) drop(st *stream, durable int64) {
	n := int(min(durable, st.last()) - st.acked)
	if n <= 0 {
		return
	}
	for i := range n {
		s.held -= size(&st.lines[i])
	}
	clear(st.lines[:n])
	st.lines, st.came = st.lines[n:], st.came[n:]
	st.acked += int64(n)
	s.room.Broadcast()
}
