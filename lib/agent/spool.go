package agent

import (
	"sync"
	"time"

	"github.com/cdktr/cdktr/lib/failpoint"
	"github.com/cdktr/cdktr/lib/wire"
)

// The sizes of the log's way, in bytes as they travel.
const (
	fullBatch = 256 << 10 // worth sending at once
	callSize  = 512 << 10 // of a message, but for a single record that is larger
)

// flushDelay is how long a line may wait for others to travel with.
const flushDelay = 5 * time.Millisecond

// spool keeps the lines of one attempt until they are durable elsewhere. They
// are on disk, as records in files one after the other, in the order in which
// they came: put writes at the end, take reads from the place up to which all
// is acknowledged, and a file that lies before that place is removed. What put
// has written survives the death of the agent, not that of the machine.
//
// Where the disk takes nothing, lines are kept in memory, within a smaller
// bound. When there is too much, put waits, and with it the task's output; but
// not for a principal that is away: then lines are given up (spoolgiveup.go).
//
// Any goroutine puts; the shipper takes, and its calls settle.
type spool struct {
	shelf    *shelf
	workflow string
	attempt  wire.Attempt
	wake     func() // tells the shipper that there may be something to take

	writing sync.Mutex // held through a put: one at a time
	number  int        // of the newest file

	mu       sync.Mutex
	streams  map[string]*stream
	segments []*segment
	pos      int64     // the place up to which all is acknowledged, or given up
	sent     int64     // the place up to which all is under way, if flying
	end      int64     // the place where the next record goes
	tried    int64     // up to this place the principal may have lines and gaps that it did not acknowledge
	given    tally     // the lines that were given up
	newest   int64     // the time of the newest record
	since    time.Time // when the oldest of the unsent came
	urgent   bool      // the task has ended: send what there is
	free     bool      // its task was killed: what is still to come is little
	open     bool      // false: the run is not known, lines are thrown away
	flying   bool      // a call is under way: one at a time keeps the order
	flight   []leg     // what it carries
	retry    backoff
	retryAt  time.Time
	alone    bool // what it sent was refused: let no other spool suffer for it
	careful  int  // so many records are to be sent one by one
}

// stream is what is known of one stream. Where acked is less than last, and no
// record has the numbers in between, a gap stands for them.
type stream struct {
	acked int64
	last  int64
	lost  int64 // bytes of the lines after acked that were given up
}

// leg is a batch under way; place is where the next one begins.
type leg struct {
	stream string
	last   int64
	place  int64

	records int // 0: it is a gap
	bytes   int64
}

func newSpool(f *shelf, workflow string, a wire.Attempt, wake func()) *spool {
	return &spool{
		shelf: f, workflow: workflow, attempt: a, wake: wake,
		open: true, since: time.Now(), streams: map[string]*stream{},
	}
}

// put appends lines. While the spool is full it waits, or lines are given up.
func (s *spool) put(name string, lines []wire.Line) {
	if len(lines) == 0 {
		return
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	st := s.at(name)
	first := st.last + 1
	s.mu.Unlock()

	buffer := s.shelf.buffers.Get().(*[]byte)
	defer s.shelf.buffers.Put(buffer)
	*buffer = appendRecords((*buffer)[:0], name, first, lines)
	has := tallyOf(name, first, lines)
	s.mu.Lock()
	before := s.unsent()
	if fits := s.admit(len(*buffer)) && s.write(*buffer, has); !fits {
		s.omit(has)
	}
	news := false
	if s.open {
		st.last += int64(len(lines))
		s.newest = max(s.newest, lines[len(lines)-1].Time)
		if before == 0 {
			s.since = time.Now()
		}
		news = before == 0 || before < fullBatch && s.unsent() >= fullBatch
		s.account()
	}
	s.mu.Unlock()
	failpoint.Hit("agent.spool.after-write")
	if news {
		s.wake()
	}
}

func (s *spool) last() *segment {
	if len(s.segments) == 0 {
		return nil
	}
	return s.segments[len(s.segments)-1]
}

// unsent is how many bytes are not under way.
func (s *spool) unsent() int64 {
	if s.flying {
		return s.end - s.sent
	}
	return s.end - s.pos
}

// finish says that no line will follow and returns the last sequence number of
// each stream that has any.
func (s *spool) finish() map[string]int64 {
	s.mu.Lock()
	s.urgent = true
	last := map[string]int64{}
	for name, st := range s.streams {
		if st.last > 0 {
			last[name] = st.last
		}
	}
	s.mu.Unlock()
	s.wake()
	return last
}

// owe says how far the streams of an attempt of an earlier incarnation go.
// Lines up to there that no file has are gone: a gap stands for them.
func (s *spool) owe(last map[string]int64, ended time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.urgent = true
	s.newest = max(s.newest, ended.UnixMilli())
	for name, n := range last {
		if n > 0 {
			s.at(name).last = n
		}
	}
}

// doubt asks again how far the streams of a spool that is over are durable: by
// gaps for all that it had, which mean nothing to a principal that has it all.
// False: the spool is not over, it asks anyway.
func (s *spool) doubt() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.done() {
		return false
	}
	for _, st := range s.streams {
		st.acked = 0
	}
	s.since = time.Now()
	return true
}

func (s *spool) at(name string) *stream {
	st := s.streams[name]
	if st == nil {
		st = new(stream)
		s.streams[name] = st
	}
	return st
}

// unbound lets the last lines of a killed task in, so that nothing waits for
// the principal before the task is over.
func (s *spool) unbound() {
	s.mu.Lock()
	s.free = true
	s.mu.Unlock()
	s.shelf.ring()
}

// discard throws away what is held: nobody will take it. A put may be under way.
func (s *spool) discard() {
	s.open = false
	for _, g := range s.segments {
		g.remove()
	}
	s.segments, s.streams = nil, map[string]*stream{}
	s.pos, s.sent = s.end, s.end
	s.account()
	s.shelf.ring()
}

// over says that no line will follow and that all are acknowledged.
func (s *spool) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done()
}

func (s *spool) done() bool {
	return !s.pending() && !s.flying && (s.urgent || !s.open)
}

// pending says that there is something to send, or under way.
func (s *spool) pending() bool {
	if s.pos < s.end {
		return true
	}
	for _, st := range s.streams {
		if st.acked < st.last {
			return true
		}
	}
	return false
}

// owes says that something is not acknowledged.
func (s *spool) owes() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pending()
}

// paths are the files that have lines of the spool.
func (s *spool) paths() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.segments {
		if g.path != "" {
			all = append(all, g.path)
		}
	}
	return all
}

// remove is for a spool that is over: nothing of it stays on disk. close is for
// one that the agent's next start goes on with.
func (s *spool) remove() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.segments {
		s.shelf.retire(g)
	}
	s.segments = nil
	s.account()
}

func (s *spool) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.segments {
		g.close()
	}
}
