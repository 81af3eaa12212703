package agent

import (
	"cmp"
	"slices"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// due says when the spool has something to send: the zero time is never. While
// lines are under way others gather, so that the next call takes more.
func (s *spool) due() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.since
	switch {
	case s.flying || !s.pending():
		return time.Time{}
	case s.unsent() < fullBatch && !s.urgent:
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
	return !s.flying && !s.alone && s.careful == 0 && s.pending() && !now.Before(s.retryAt)
}

// lonely says that the spool must have a message of its own.
func (s *spool) lonely() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.alone || s.careful > 0
}

// hurry ends the wait before the next try.
func (s *spool) hurry() {
	s.mu.Lock()
	s.retryAt = time.Time{}
	s.mu.Unlock()
}

// take returns the next lines, of at most max bytes, but one record at least
// where one is asked for. The batches are in the order in which lines came,
// over the streams: so they stand in the history when their times are equal.
// Every take that returned something is followed by one settle.
func (s *spool) take(max int, one bool) ([]wire.LogBatch, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := taking{spool: s, place: s.pos, max: max, one: one, have: map[string]int64{}}
	if err := t.read(); err != nil {
		s.retryAt = time.Now().Add(s.retry.next())
	}
	if t.place == s.end && !t.full {
		t.owed()
	}
	if len(t.batches) == 0 {
		s.pos = t.place // nothing up to there is to be sent
		return nil, 0
	}
	s.flying, s.flight, s.sent = true, t.legs, t.place
	if t.place > s.tried {
		s.tried = t.place
	}
	s.since = time.Now()
	return t.batches, t.bytes
}

// mostSpread is more than one message takes of the files: what it takes of
// them is smaller than they are.
const mostSpread = 4 * callSize

// segmentAt finds the segment that a place belongs to: it is in it, or among
// what is missing behind it.
func (s *spool) segmentAt(place int64) int {
	i, _ := slices.BinarySearchFunc(s.segments, place, func(g *segment, place int64) int { return cmp.Compare(g.base, place+1) })
	return i - 1
}

// mostReads is how often a read that fails is tried again: for about 10 s.
const mostReads = 10

// taking is a take that goes on.
type taking struct {
	*spool
	place   int64 // where the next record begins
	max     int
	one     bool
	full    bool
	bytes   int
	batches []wire.LogBatch
	legs    []leg
	have    map[string]int64 // the last number that is acknowledged or taken
}

// read takes records from the files. What is torn, was changed by somebody else
// or stays unreadable ends its file: the next one goes on, behind a gap.
func (t *taking) read() error {
	need := 0
	for t.place < t.end && !t.full {
		i := t.segmentAt(t.place)
		g := t.segments[i]
		if t.place >= g.end() {
			t.hole(g, t.limit(i))
			continue
		}
		left := int(g.end() - t.place)
		room := t.max - t.bytes
		if t.one && len(t.batches) == 0 {
			room = max(room, recordHead, need)
		}
		if room < max(recordHead, need) {
			t.full = true
			return nil
		}
		room = min(room, left)
		b, failed := g.read(t.place, room)
		used, more, err := t.parse(b)
		t.place, need = t.place+int64(used), more
		torn := len(b) == 0 || err == errTorn || err == errShort && (len(b) < room || used+need > left)
		switch {
		case failed == nil:
			g.failed = 0
		case used > 0 || t.full: // again, from behind what was read
			torn, need, g.failed = false, 0, 0
		case g.failed < mostReads:
			g.failed++
			return failed
		default:
			torn = true
		}
		if torn {
			t.shelf.log.Warn("the end of a file with lines of a task cannot be read; lines that are missing become a gap", "file", g.path, "bytes", g.end()-t.place, "error", cmp.Or(failed, err))
			t.place, need, g.spoilt = g.end(), 0, true
		}
		t.reach(t.place)
	}
	return nil
}

// parse takes the records in b, and returns how long they are. With errShort it
// says how much of the next one must be there at least.
func (t *taking) parse(b []byte) (used, need int, err error) {
	for used < len(b) {
		e, size, err := readRecord(b[used:])
		if err != nil {
			return used, size, err
		}
		if e.stream != "" && !t.add(&e, t.place+int64(used)) {
			return used, 0, nil
		}
		used += size
	}
	return used, 0, nil
}

// add takes a record that begins at a place, unless it is acknowledged already.
// False: there is no room for it.
func (t *taking) add(e *entry, place int64) bool {
	st := t.meet(e.stream, e.first, e.last())
	t.newest = max(t.newest, e.time)
	have := max(t.have[e.stream], st.acked)
	if e.last() <= have {
		return true
	}
	head := 0
	if !t.continues(e.stream, have, e.first) {
		head = t.head()
	}
	some := len(t.batches) > 0
	if t.bytes+head+len(e.payload) > t.max && (some || !t.one) || some && t.careful > 0 {
		t.full = true
		return false
	}
	if e.first > have+1 {
		t.gap(e.stream, have, e.first-1, e.time, 0, place)
	}
	if head > 0 {
		t.begin(e.stream, e.first, place)
	}
	b, l := &t.batches[len(t.batches)-1], &t.legs[len(t.legs)-1]
	b.Encoded = append(b.Encoded, e.payload)
	b.Count += e.lines
	l.last, l.records, l.bytes = e.last(), l.records+1, l.bytes+e.bytes
	t.have[e.stream] = e.last()
	t.bytes += len(e.payload) + 1
	return true
}

// continues says that a record with the number first goes on with the newest
// batch.
func (t *taking) continues(stream string, have, first int64) bool {
	n := len(t.legs)
	return n > 0 && t.legs[n-1].stream == stream && len(t.batches[n-1].Encoded) > 0 && first == have+1
}

// reach says that the newest leg goes up to a place.
func (t *taking) reach(place int64) {
	if n := len(t.legs); n > 0 {
		t.legs[n-1].place = place
	}
}

// begin begins a batch, the first record of which is at a place.
func (t *taking) begin(stream string, first, place int64) {
	t.reach(place)
	t.batches = append(t.batches, wire.LogBatch{
		Workflow: t.workflow, Run: t.attempt.Run, Task: t.attempt.Task, Attempt: t.attempt.Attempt,
		Stream: stream, First: first,
	})
	t.legs = append(t.legs, leg{stream: stream})
	t.bytes += t.head()
}

// head is about what a batch takes beside its lines.
func (t *taking) head() int {
	return 100 + len(t.workflow) + len(t.attempt.Run) + len(t.attempt.Task)
}

// meet returns a stream that has the numbers from first to last.
func (t *taking) meet(name string, first, last int64) *stream {
	st := t.streams[name]
	if st == nil { // of an earlier incarnation: it begins somewhere
		st = &stream{acked: first - 1}
		t.streams[name] = st
	}
	st.last = max(st.last, last)
	return st
}

// hole takes gaps for what is missing behind a segment: all in one message.
func (t *taking) hole(g *segment, limit int64) {
	if len(t.batches) > 0 && (t.careful > 0 || t.bytes+2*len(g.missing)*t.head() > t.max) {
		t.full = true
		return
	}
	time := g.missing.newest()
	for i, c := range g.missing {
		if c.lines == 0 {
			continue
		}
		name, first := streamNumbers[i], c.last-c.lines+1
		have := max(t.have[name], t.meet(name, first, c.last).acked)
		if have < first-1 { // what is missing before them the principal may have
			t.gap(name, have, first-1, time, 0, t.place)
			have = first - 1
		}
		bytes := c.bytes
		if have >= first { // some of them are there all the same
			bytes = 0
		}
		if have < c.last {
			t.gap(name, have, c.last, time, bytes, t.place)
		}
	}
	t.place = limit
	t.reach(t.place)
}

// gap takes a gap that stands for the numbers after have, up to last, and for
// the bytes that are known of them.
func (t *taking) gap(stream string, have, last, time, bytes, place int64) {
	st := t.streams[stream]
	gap := wire.Gap{Lines: last - have, Bytes: bytes}
	if have == st.acked {
		gap.Bytes += st.lost
	}
	t.begin(stream, last, place)
	n := len(t.batches) - 1
	t.batches[n].Lines = []wire.Line{{Time: time, Gap: &gap}}
	t.legs[n].last, t.legs[n].place = last, place
	t.have[stream] = last
}

// owed takes gaps for what comes after the last record.
func (t *taking) owed() {
	if t.careful > 0 && len(t.batches) > 0 {
		return
	}
	for _, name := range streamNumbers {
		st := t.streams[name]
		if st == nil {
			continue
		}
		if have := max(t.have[name], st.acked); have < st.last {
			t.gap(name, have, st.last, t.newest, 0, t.place)
		}
	}
}
