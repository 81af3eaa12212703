package agent

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

var streamNames = [...]string{wire.System, wire.Stdout, wire.Stderr}

// testBounds are those of an agent with one slot, on a small disk.
var testBounds = newBounds(8<<20, 1)

func testShelf(t testing.TB) *shelf {
	return newShelf(t.TempDir(), testBounds, slog.New(slog.DiscardHandler))
}

func testSpool(t testing.TB) *spool {
	s := newSpool(testShelf(t), "w", wire.Attempt{Run: "r", Task: "t", Attempt: 1}, func() {})
	t.Cleanup(s.close)
	return s
}

func lines(texts ...string) (all []wire.Line) {
	for _, text := range texts {
		all = append(all, wire.Line{Text: text})
	}
	return all
}

// travel is what arrives of batches.
func travel(t testing.TB, batches []wire.LogBatch) []wire.LogBatch {
	t.Helper()
	body, err := wire.EncodeRequest(&wire.LogAppend{Header: wire.Header{V: 1, ID: "1", Op: wire.OpLogsAppend}, Batches: batches})
	if err != nil {
		t.Fatal(err)
	}
	var req wire.LogAppend
	if refused := wire.DecodeRequest(body, &req); refused != nil {
		t.Fatal(refused)
	}
	for i := range req.Batches {
		if got, want := req.Batches[i].Last(), batches[i].Last(); got != want {
			t.Fatalf("batch %d ends with %d, it says %d", i, got, want)
		}
	}
	return req.Batches
}

// history takes batches as a principal does: a string for each number, which
// for a gap is empty but for the last.
type history map[string][]string

func (h history) take(t testing.TB, batches []wire.LogBatch) (acks []wire.LogAck) {
	t.Helper()
	for _, b := range travel(t, batches) {
		have := h[b.Stream]
		durable := int64(len(have))
		if len(b.Lines) == 1 && b.Lines[0].Gap != nil {
			if first := b.First - b.Lines[0].Gap.Lines + 1; first < 1 {
				t.Fatalf("a gap of %d lines ends with number %d", b.Lines[0].Gap.Lines, b.First)
			} else if first <= durable+1 && b.First > durable {
				have = append(have, make([]string, b.First-durable)...)
				have[b.First-1] = fmt.Sprintf("[gap %d]", b.First-durable)
			}
		} else {
			for i, l := range b.Lines {
				if b.First+int64(i) == int64(len(have))+1 {
					have = append(have, l.Text)
				}
			}
		}
		h[b.Stream] = have
		acks = append(acks, wire.LogAck{Durable: int64(len(have))})
	}
	return acks
}

// deliver takes all that a spool has and settles it.
func (h history) deliver(t testing.TB, s *spool) {
	t.Helper()
	for n := 0; ; n++ {
		b, _ := s.take(callSize, true)
		if len(b) == 0 {
			return
		}
		if n > 10_000 {
			t.Fatal("it never ends")
		}
		s.settle(b, h.take(t, b), nil)
	}
}

// reopen is a kill -9 and the next start.
func reopen(t testing.TB, s *spool) *spool {
	t.Helper()
	s.close()
	f := newShelf(s.shelf.dir, s.shelf.bounds, s.shelf.log)
	all, err := f.left(s.wake)
	if err != nil {
		t.Fatal(err)
	}
	next := all[s.attempt]
	if next == nil {
		next = newSpool(f, s.workflow, s.attempt, s.wake)
	}
	next.urgent = true
	t.Cleanup(next.close)
	return next
}

// spoolFiles are those that have something: no spares.
func spoolFiles(t testing.TB, s *spool) []string {
	t.Helper()
	files, err := list(s.shelf.dir, "", "")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(files, empty)
}

func empty(path string) bool {
	info, err := os.Stat(path)
	return err != nil || info.Size() == 0
}

func TestFullSpoolMakesTheTaskWait(t *testing.T) {
	s := testSpool(t)
	chunk := lines(strings.Repeat("x", 1<<20))
	for range testBounds.attempt>>20 - 1 {
		s.put(wire.Stdout, chunk)
	}
	done := make(chan struct{})
	go func() {
		s.put(wire.Stdout, chunk)
		close(done)
	}()
	b, _ := s.take(callSize, true)
	select {
	case <-done:
		t.Fatal("it did not wait")
	case <-time.After(20 * time.Millisecond):
	}
	s.settle(b, []wire.LogAck{{Durable: 1}}, nil)
	<-done
	if got := s.finish(); got[wire.Stdout] != testBounds.attempt>>20 {
		t.Errorf("%v", got)
	}
}

func TestLinesTravelTogetherOrWhenItIsTime(t *testing.T) {
	now := time.Now()
	s := testSpool(t)
	if !s.due().IsZero() {
		t.Error("an empty spool is due")
	}
	s.put(wire.Stdout, lines("a"))
	if due := s.due(); due.Before(now.Add(flushDelay)) {
		t.Errorf("a single line is due after %s", due.Sub(now))
	}
	b, _ := s.take(callSize, true)
	s.put(wire.Stdout, lines("b"))
	if !s.due().IsZero() {
		t.Error("a line would overtake the one before it")
	}
	s.settle(b, []wire.LogAck{{Durable: 1}}, nil)
	s.put(wire.Stdout, lines(strings.Repeat("x", fullBatch)))
	if due := s.due(); due.IsZero() || due.After(time.Now()) {
		t.Error("a full batch waits")
	}
	b, _ = s.take(callSize, true)
	s.settle(b, []wire.LogAck{{Durable: 3}}, nil)
	s.put(wire.Stdout, lines("c"))
	s.finish()
	if due := s.due(); due.After(time.Now()) {
		t.Error("the last lines of a task wait")
	}
	b, _ = s.take(callSize, true)
	s.settle(b, nil, errors.New("lost"))
	if due := s.due(); due.Before(time.Now().Add(10 * time.Millisecond)) {
		t.Error("a failed call is repeated at once")
	}
}

// Lines of a run that the principal does not know are let go, after a message
// of their own has made sure that it is they.
func TestLinesOfAnUnknownRunAreLetGo(t *testing.T) {
	unknown := &wire.Error{Code: wire.NotFound, Message: "no such run"}
	s := testSpool(t)
	s.put(wire.Stdout, lines("a"))
	b, _ := s.take(callSize, true)
	s.settle(b, nil, unknown)
	if s.over() || !s.lonely() || s.ready(time.Now().Add(time.Hour)) {
		t.Error("after the first refusal it must go on, alone")
	}
	b, _ = s.take(callSize, true)
	s.settle(b, nil, unknown)
	s.put(wire.Stdout, lines("b"))
	if !s.over() {
		t.Error("after the second it must be over")
	}
	if files := spoolFiles(t, s); len(files) != 0 {
		t.Errorf("%q is left", files)
	}
}

func TestCallsStayBelowTheSizeOfAMessage(t *testing.T) {
	s := testSpool(t)
	big := strings.Repeat("x", callSize+1)
	worst := strings.Repeat("\x01", 500_000)
	s.put(wire.Stdout, append(lines("a", big, big, "b", worst, worst, "c"), wire.Line{Bytes: make([]byte, 1<<20)}))
	s.finish()
	var got []int
	h := history{}
	for !s.over() {
		b, _ := s.take(callSize, true)
		size, err := wire.Size(&wire.LogAppend{Batches: b})
		if err != nil || size > wire.MaxMessage {
			t.Fatalf("a message of %d bytes, %v", size, err)
		}
		got = append(got, int(b[0].Count))
		s.settle(b, h.take(t, b), nil)
	}
	if want := []int{1, 1, 1, 1, 1, 1, 1, 1}; !slices.Equal(got, want) {
		t.Errorf("messages of %v lines, want %v", got, want)
	}
	if have := h[wire.Stdout]; len(have) != 8 || have[1] != big || have[5] != worst {
		t.Errorf("%d lines arrive", len(have))
	}
}

func TestBatchesAreInTheOrderInWhichLinesCame(t *testing.T) {
	s := testSpool(t)
	s.put(wire.System, lines("started"))
	s.put(wire.Stdout, lines("a"))
	s.put(wire.Stdout, lines("b"))
	s.put(wire.Stderr, lines("c"))
	s.put(wire.Stdout, lines("d"))
	s.put(wire.System, lines("exit 0"))
	batches, _ := s.take(callSize, true)
	var got []string
	for _, b := range travel(t, batches) {
		for _, l := range b.Lines {
			got = append(got, l.Text)
		}
	}
	if want := "started a b c d exit 0"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %q", got, want)
	}
	if len(batches) != 5 {
		t.Errorf("%d batches, want 5: a and b travel as one", len(batches))
	}
}

func TestPartsOfALineAreCountedAsRecords(t *testing.T) {
	s := testSpool(t)
	whole := strings.Repeat("x", 1<<20)
	s.put(wire.Stdout, []wire.Line{{Text: "a"}, {Text: whole, Part: 1}})
	s.put(wire.Stderr, lines("e"))
	s.put(wire.Stdout, []wire.Line{{Text: whole, Part: 2}, {Text: "y", Part: 3}, {Text: "b"}})
	s = reopen(t, s) // the numbers are on disk as well
	got := make(map[string][]string)
	for h := (history{}); ; {
		batches, _ := s.take(callSize, true)
		if len(batches) == 0 {
			break
		}
		for _, b := range travel(t, batches) {
			for i, l := range b.Lines {
				got[b.Stream] = append(got[b.Stream], fmt.Sprintf("%d:%d:%.1s", b.First+int64(i), l.Part, l.Text))
			}
		}
		s.settle(batches, h.take(t, batches), nil)
	}
	if want := []string{"1:0:a", "2:1:x", "3:2:x", "4:3:y", "5:0:b"}; !slices.Equal(got[wire.Stdout], want) {
		t.Errorf("stdout is %v, want %v", got[wire.Stdout], want)
	}
	if want := []string{"1:0:e"}; !slices.Equal(got[wire.Stderr], want) {
		t.Errorf("stderr is %v, want %v", got[wire.Stderr], want)
	}
}

// A long task with a principal that keeps up: the disk holds what is not
// acknowledged and little more.
func TestDiskIsBoundedWhileLinesAreAcknowledged(t *testing.T) {
	s := testSpool(t)
	chunk := lines(slices.Repeat([]string{strings.Repeat("x", 1000)}, 64)...)
	most, acked := int64(0), int64(0)
	for written := 0; written < 20<<20; written += 64 * 1000 {
		s.put(wire.Stdout, chunk)
		b, _ := s.take(callSize, true)
		for i := range b {
			acked = b[i].Last()
		}
		s.settle(b, []wire.LogAck{{Durable: acked}}, nil)
		most = max(most, diskUse(t, s))
	}
	if most > testBounds.segment+1<<20 {
		t.Errorf("%d bytes on disk", most)
	}
	s.finish()
	if !s.over() {
		t.Error("it is not over")
	}
	s.remove()
	if files := spoolFiles(t, s); len(files) != 0 {
		t.Errorf("%q is left", files)
	}
}

func diskUse(t testing.TB, s *spool) (n int64) {
	for _, file := range spoolFiles(t, s) {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		n += info.Size()
	}
	return n
}

func TestNobodyElseReadsLinesOnDisk(t *testing.T) {
	h, err := openHome(t.TempDir(), "box")
	if err != nil {
		t.Fatal(err)
	}
	s := newSpool(newShelf(h.spools(), testBounds, slog.New(slog.DiscardHandler)), "w", wire.Attempt{Run: "r", Task: "t", Attempt: 1}, func() {})
	s.put(wire.Stdout, lines("secret"))
	defer s.close()
	for _, path := range append(spoolFiles(t, s), h.spools()) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s", path, info.Mode())
		}
	}
}

// Where the disk takes nothing, lines are in memory: none is lost, and when
// there are too many, the task waits.
func TestFullDiskLosesNoLine(t *testing.T) {
	s := testSpool(t)
	h := history{}
	s.put(wire.Stdout, lines("before"))
	good := s.shelf.dir
	s.segments[0].spoilt = true // as a write that fails leaves it
	s.shelf.dir = filepath.Join(good, "missing")
	big := strings.Repeat("x", 1<<20)
	for range testBounds.memory>>20 - 1 {
		s.put(wire.Stdout, lines(big))
	}
	done := make(chan struct{})
	go func() {
		s.put(wire.Stdout, lines(big))
		s.put(wire.Stdout, lines(big))
		close(done)
	}()
	select {
	case <-done:
		t.Fatal("memory has no bound")
	case <-time.After(200 * time.Millisecond):
	}
	until(t, "it goes on when lines are acknowledged", func() bool {
		b, _ := s.take(callSize, true)
		if len(b) > 0 {
			s.settle(b, h.take(t, b), nil)
		}
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
	h.deliver(t, s)
	s.shelf.mu.Lock()
	if !s.shelf.full {
		t.Error("nobody was told")
	}
	s.shelf.mu.Unlock()
	s.shelf.dir = good
	s.put(wire.Stdout, lines("after"))
	if files := spoolFiles(t, s); len(files) != 1 {
		t.Errorf("the disk is not used again: %q", files)
	}
	h.deliver(t, s)
	want := slices.Concat([]string{"before"}, slices.Repeat([]string{big}, int(testBounds.memory>>20+1)), []string{"after"})
	if !slices.Equal(h[wire.Stdout], want) {
		t.Errorf("%d lines arrive, want %d", len(h[wire.Stdout]), len(want))
	}
}
