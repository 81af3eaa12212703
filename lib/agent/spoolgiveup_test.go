package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// smallShelf has segments of a few lines.
func smallShelf(t testing.TB) *shelf {
	f := testShelf(t)
	f.bounds = bounds{attempt: 8 << 10, agent: 32 << 10, memory: 4 << 10, segment: 1 << 10}
	return f
}

func spoolOn(t testing.TB, f *shelf, run string) *spool {
	s := newSpool(f, "w", wire.Attempt{Run: run, Task: "t", Attempt: 1}, func() {})
	t.Cleanup(s.close)
	return s
}

// ledger is what was put, and what arrived: for each stream a piece for each
// line, and for each gap one with its counts.
type ledger struct {
	put     map[string][]string
	arrived map[string][]piece
	durable map[string]int64
	last    int64 // the time of the newest that arrived
}

type piece struct {
	text string
	gap  *wire.Gap
}

func newLedger() *ledger {
	return &ledger{put: map[string][]string{}, arrived: map[string][]piece{}, durable: map[string]int64{}}
}

// print puts lines whose texts tell them apart.
func (l *ledger) print(s *spool, stream string, n, size int) {
	var all []wire.Line
	for range n {
		seq := len(l.put[stream]) + 1
		text := fmt.Sprintf("%s %d %s", stream, seq, strings.Repeat("x", size))
		l.put[stream] = append(l.put[stream], text)
		all = append(all, wire.Line{Time: int64(len(l.put[wire.Stdout]) + len(l.put[wire.Stderr])), Text: text})
	}
	s.put(stream, all)
}

// take is the principal: what it does with a gap is lib/principal's to say, and
// it counts no bytes of a gap of which it has a part.
func (l *ledger) take(t testing.TB, batches []wire.LogBatch) (acks []wire.LogAck) {
	t.Helper()
	for _, b := range travel(t, batches) {
		durable := l.durable[b.Stream]
		if gap := b.Lines[0].Gap; gap != nil {
			if first := b.First - gap.Lines + 1; first <= durable+1 && b.First > durable {
				if first != durable+1 {
					gap = &wire.Gap{Lines: b.First - durable}
				}
				l.arrived[b.Stream] = append(l.arrived[b.Stream], piece{gap: gap})
				durable = b.First
				l.clock(t, b.Lines[0].Time)
			}
		} else {
			for i, line := range b.Lines {
				if b.First+int64(i) == durable+1 {
					durable++
					l.arrived[b.Stream] = append(l.arrived[b.Stream], piece{text: line.Text})
					l.clock(t, line.Time)
				}
			}
		}
		l.durable[b.Stream] = durable
		acks = append(acks, wire.LogAck{Durable: durable})
	}
	return acks
}

func (l *ledger) clock(t testing.TB, time int64) {
	t.Helper()
	if time < l.last {
		t.Errorf("a record of time %d comes after one of %d", time, l.last)
	}
	l.last = time
}

func (l *ledger) deliver(t testing.TB, s *spool) {
	t.Helper()
	for range 100_000 {
		b, _ := s.take(callSize, true)
		if len(b) == 0 {
			return
		}
		s.settle(b, l.take(t, b), nil)
	}
	t.Fatal("it never ends")
}

// check holds what arrived against what was put: lines and gaps together are
// exactly that, in order, and each gap has the bytes of its lines.
func (l *ledger) check(t testing.TB) (gaps map[string][]wire.Gap) {
	t.Helper()
	gaps = map[string][]wire.Gap{}
	for stream, put := range l.put {
		for _, p := range l.arrived[stream] {
			switch {
			case p.gap == nil && len(put) > 0 && put[0] == p.text:
				put = put[1:]
			case p.gap == nil:
				t.Fatalf("%s: %q arrives where %.40q is due", stream, p.text, put)
			case p.gap.Lines > int64(len(put)):
				t.Fatalf("%s: a gap of %d lines where %d are due", stream, p.gap.Lines, len(put))
			default:
				lost := strings.Join(put[:p.gap.Lines], "")
				if p.gap.Bytes != int64(len(lost)) {
					t.Fatalf("%s: a gap of %d lines says %d bytes, they had %d", stream, p.gap.Lines, p.gap.Bytes, len(lost))
				}
				put = put[p.gap.Lines:]
				gaps[stream] = append(gaps[stream], *p.gap)
			}
		}
		if len(put) > 0 {
			t.Fatalf("%s: %d lines did not arrive", stream, len(put))
		}
	}
	return gaps
}

// away has the principal be silent for so long that nobody waits for it.
func away(f *shelf) {
	for range mostLooks {
		f.watched(true)
	}
}

// The principal is away, and a task prints ten times what is kept: it does not
// wait, the disk is bounded, and the principal gets the head, a gap for each
// stream with its counts, and the tail; also after a kill -9 of the agent.
func TestFullSpoolGivesUpTheMiddleWhileThePrincipalIsAway(t *testing.T) {
	for _, killed := range []bool{false, true} {
		f := smallShelf(t)
		s := spoolOn(t, f, "r")
		l := newLedger()
		away(f)
		l.print(s, wire.System, 1, 0)
		for range 400 {
			l.print(s, wire.Stdout, 3, 40)
			l.print(s, wire.Stderr, 1, 5)
		}
		if n := diskUse(t, s); n > f.bounds.attempt+int64(8*slotSize+2*f.bounds.segment) || s.holding().bytes > f.bounds.attempt {
			t.Errorf("%d bytes on disk, %d held", n, s.holding().bytes)
		}
		if killed {
			s = reopen(t, s)
		}
		s.finish()
		l.deliver(t, s)
		gaps := l.check(t)
		if !s.over() || len(gaps[wire.Stdout]) != 1 || len(gaps[wire.Stderr]) != 1 || gaps[wire.System] != nil {
			t.Errorf("killed %t: over %t, gaps %v", killed, s.over(), gaps)
		}
		out := l.arrived[wire.Stdout]
		head := slices.IndexFunc(out, func(p piece) bool { return p.gap != nil })
		if tail := len(out) - head - 1; head < 20 || tail < 20 {
			t.Errorf("killed %t: %d lines of the head, %d of the tail", killed, head, tail)
		}
		s.remove()
		if n := s.shelf.total(); n != (holding{}) {
			t.Errorf("killed %t: %+v is held, it seems", killed, n)
		}
	}
}

// A put that waits for a principal which then goes away goes on by itself.
func TestTaskThatWaitsGoesOnWhenThePrincipalGoesAway(t *testing.T) {
	for name, leave := range map[string]func(*shelf, *spool, []wire.LogBatch){
		"silent": func(f *shelf, _ *spool, _ []wire.LogBatch) { away(f) },
		"its disk is full": func(_ *shelf, s *spool, b []wire.LogBatch) {
			s.settle(b, nil, &wire.Error{Code: wire.Unavailable})
		},
	} {
		f := smallShelf(t)
		s := spoolOn(t, f, "r")
		l := newLedger()
		done := make(chan struct{})
		go func() {
			for range 100 {
				l.print(s, wire.Stdout, 3, 100)
			}
			close(done)
		}()
		until(t, "it waits", func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.holding().bytes > f.bounds.attempt-1000
		})
		b, _ := s.take(callSize, true)
		select {
		case <-done:
			t.Fatalf("%s: it did not wait for a principal that is there", name)
		case <-time.After(5 * time.Millisecond):
		}
		leave(f, s, b)
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: it still waits", name)
		}
		if name == "silent" {
			s.settle(b, nil, errNoAnswer)
		}
		l.deliver(t, s)
		l.check(t)
		if f.away() {
			t.Errorf("%s: an acknowledgement does not end it", name)
		}
	}
}

func TestFrozenAgentReadsItsAnswersBeforeItCallsThePrincipalAway(t *testing.T) {
	f := smallShelf(t)
	for range mostLooks - 1 {
		f.watched(true)
	}
	if f.away() {
		t.Error("too soon")
	}
	f.took()
	f.watched(true)
	if f.away() {
		t.Error("an acknowledgement does not count")
	}
	for range 5 * mostLooks {
		f.watched(false)
	}
	if f.away() {
		t.Error("nothing is owed")
	}
}

// Many attempts together: the largest gives up lines, small ones are whole.
func TestAgentsBoundTakesFromTheLargest(t *testing.T) {
	f := smallShelf(t)
	away(f)
	var spools []*spool
	var ledgers []*ledger
	for n := range 10 {
		s, l := spoolOn(t, f, fmt.Sprint("r", n)), newLedger()
		spools, ledgers = append(spools, s), append(ledgers, l)
		l.print(s, wire.Stderr, 5, 50)
		if n == 9 {
			break // a small one
		}
		for range 100 {
			l.print(s, wire.Stdout, 2, 50)
			if held := f.total().bytes; held > f.bounds.agent+500 { // an empty spool takes one put
				t.Fatalf("%d bytes are held", held)
			}
		}
		if n%2 == 0 {
			s.finish() // those that ended count too
		}
	}
	for n, s := range spools {
		s.finish()
		l := ledgers[n]
		l.deliver(t, s)
		if gaps := l.check(t); (len(gaps) == 0) != (n == 9) {
			t.Errorf("attempt %d: gaps %v", n, gaps)
		}
		s.remove()
	}
	if f.total() != (holding{}) {
		t.Errorf("%+v is held, it seems", f.total())
	}
}

// The disk takes nothing, and later takes something again; the principal is
// away: nothing waits, memory is bounded, and all is counted.
func TestFullDiskStopsNoTaskWhileThePrincipalIsAway(t *testing.T) {
	f := smallShelf(t)
	s := spoolOn(t, f, "r")
	l := newLedger()
	away(f)
	l.print(s, wire.Stdout, 40, 50)
	good := f.dir
	f.dir = filepath.Join(good, "missing")
	s.mu.Lock()
	s.last().spoilt = true // as a write that fails leaves it
	s.mu.Unlock()
	for range 300 {
		l.print(s, wire.Stdout, 2, 50)
		l.print(s, wire.Stderr, 1, 50)
		if m := s.holding().memory; m > f.bounds.memory+f.bounds.segment {
			t.Fatalf("%d bytes in memory", m)
		}
	}
	f.dir = good
	for range 20 {
		l.print(s, wire.Stdout, 2, 50)
	}
	s.finish()
	l.deliver(t, s)
	if gaps := l.check(t); len(gaps[wire.Stdout]) == 0 || len(gaps[wire.Stderr]) == 0 {
		t.Errorf("gaps %v", gaps)
	}
}

// Lines larger than a file, and than all that is kept.
func TestHugeLinesAreGivenUpOneByOne(t *testing.T) {
	f := smallShelf(t)
	s := spoolOn(t, f, "r")
	l := newLedger()
	away(f)
	for n := range 30 {
		l.print(s, wire.Stdout, 1, 100+n%4*5000)
	}
	if held := s.holding().bytes; held > f.bounds.attempt+1 && len(s.segments) > 1 {
		t.Errorf("%d bytes in %d segments", held, len(s.segments))
	}
	s.finish()
	l.deliver(t, s)
	l.check(t)
}

// The agent dies at each step of giving up a segment: before its count is on
// disk, after that, and after the file is gone.
func TestDeathWhileLinesAreGivenUpLosesNoCount(t *testing.T) {
	for _, step := range []string{"nothing yet", "counted", "emptied", "removed"} {
		f := smallShelf(t)
		s := spoolOn(t, f, "r")
		l := newLedger()
		away(f)
		for range 120 {
			l.print(s, wire.Stdout, 1, 100)
			l.print(s, wire.Stderr, 1, 10)
		}
		i := s.middle(false)
		g := s.segments[i]
		copied, err := os.ReadFile(g.path)
		if err != nil {
			t.Fatal(err)
		}
		if step != "nothing yet" {
			if g := s.giveUp(false); g == nil {
				t.Fatal("nothing was given up")
			}
		}
		switch step {
		case "emptied":
			copied = nil
		case "removed":
			err = os.Remove(g.path)
		}
		if step != "removed" {
			err = os.WriteFile(g.path, copied, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		next := reopen(t, s)
		next.finish()
		l.deliver(t, next)
		if gaps := l.check(t); len(gaps[wire.Stdout]) != 1 || len(gaps[wire.Stderr]) != 1 {
			t.Errorf("%s: gaps %v", step, gaps)
		}
	}
}

// A slot that somebody spoilt costs the bytes of a gap, and no line.
func TestSpoiltSlotCostsNoLine(t *testing.T) {
	f := smallShelf(t)
	s := spoolOn(t, f, "r")
	l := newLedger()
	away(f)
	for range 120 {
		l.print(s, wire.Stdout, 1, 100)
	}
	g := s.segments[slices.IndexFunc(s.segments, func(g *segment) bool { return !g.missing.none() })]
	want := g.missing[streamNumber(wire.Stdout)].lines
	if _, err := g.file.WriteAt([]byte("spoilt"), 8); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, s)
	l.deliver(t, s)
	for _, p := range l.arrived[wire.Stdout] {
		if p.gap != nil && (p.gap.Lines != want || p.gap.Bytes != 0) {
			t.Errorf("%+v, want %d lines", *p.gap, want)
		}
	}
	if l.durable[wire.Stdout] != 120 {
		t.Errorf("%d of 120", l.durable[wire.Stdout])
	}
}
