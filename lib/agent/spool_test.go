package agent

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

var streamNames = [...]string{wire.System, wire.Stdout, wire.Stderr}

func testSpool() *spool {
	return newSpool("w", wire.Attempt{Run: "r", Task: "t", Attempt: 1}, func() {})
}

func lines(texts ...string) (all []wire.Line) {
	for _, text := range texts {
		all = append(all, wire.Line{Text: text})
	}
	return all
}

// history takes batches as a principal does.
type history map[string][]string

func (h history) take(batches []wire.LogBatch) (acks []wire.LogAck) {
	for _, b := range batches {
		have := h[b.Stream]
		for i, l := range b.Lines {
			if b.First+int64(i) == int64(len(have))+1 {
				have = append(have, l.Text)
			}
		}
		h[b.Stream] = have
		acks = append(acks, wire.LogAck{Durable: int64(len(have))})
	}
	return acks
}

// Calls that are lost, whose answers are lost, or that arrive in part: in the
// end the history has every line once, in order, and the spool is empty.
func TestSpoolDeliversEveryLineOnceInOrder(t *testing.T) {
	for seed := range uint64(300) {
		luck := rand.New(rand.NewPCG(seed, 1))
		s, h := testSpool(), history{}
		want := map[string][]string{}
		var flying []wire.LogBatch
		put := 0
		for step := 0; put < 60 || !s.over(); step++ {
			if step > 10_000 {
				t.Fatalf("seed %d: does not end: %d bytes held, %d unsent", seed, s.held, s.unsent)
			}
			switch {
			case luck.IntN(3) == 0 && put < 60:
				stream := streamNames[luck.IntN(3)]
				for range luck.IntN(4) + 1 {
					text := fmt.Sprint("line ", put)
					put++
					want[stream] = append(want[stream], text)
					s.put(stream, lines(text))
				}
				if put >= 60 {
					s.finish()
				}
			case luck.IntN(2) == 0 && !s.flying:
				flying, _ = s.take(luck.IntN(400), true)
			case s.flying:
				switch luck.IntN(5) {
				case 0:
					s.settle(flying, nil, errNoAnswer)
				case 1:
					h.take(flying)
					s.settle(flying, nil, errNoAnswer)
				case 2: // only the first line of each is taken
					part := slices.Clone(flying)
					for i := range part {
						part[i].Lines = part[i].Lines[:1]
					}
					s.settle(flying, h.take(part), nil)
				default:
					s.settle(flying, h.take(flying), nil)
				}
			}
		}
		for _, stream := range streamNames {
			if !slices.Equal(h[stream], want[stream]) {
				t.Fatalf("seed %d: %s has %q, want %q", seed, stream, h[stream], want[stream])
			}
		}
		if s.held != 0 || s.unsent != 0 {
			t.Fatalf("seed %d: %d bytes held, %d unsent", seed, s.held, s.unsent)
		}
	}
}

func TestFullSpoolMakesTheTaskWait(t *testing.T) {
	s := testSpool()
	s.put(wire.Stdout, lines(strings.Repeat("x", spoolSize)))
	done := make(chan struct{})
	go func() {
		s.put(wire.Stdout, lines("one more"))
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
	if got := s.finish(); got[wire.Stdout] != 2 {
		t.Errorf("%v", got)
	}
}

func TestLinesTravelTogetherOrWhenItIsTime(t *testing.T) {
	now := time.Now()
	s := testSpool()
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
	s := testSpool()
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
}

func TestCallsStayBelowTheSizeOfAMessage(t *testing.T) {
	s := testSpool()
	big := strings.Repeat("x", callSize+1)
	s.put(wire.Stdout, lines("a", big, big, "b"))
	var got [][]int
	for !s.over() {
		b, _ := s.take(callSize, true)
		if len(b) == 0 {
			s.finish()
			continue
		}
		var sizes []int
		for _, l := range b[0].Lines {
			sizes = append(sizes, len(l.Text))
		}
		got = append(got, sizes)
		s.settle(b, []wire.LogAck{{Durable: b[0].First + int64(len(b[0].Lines)) - 1}}, nil)
	}
	if want := fmt.Sprint([][]int{{1}, {callSize + 1}, {callSize + 1}, {1}}); fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestBatchesAreInTheOrderInWhichLinesCame(t *testing.T) {
	s := newSpool("w", wire.Attempt{Run: "r", Task: "t", Attempt: 1}, func() {})
	line := func(text string) []wire.Line { return []wire.Line{{Text: text}} }
	s.put(wire.System, line("started"))
	s.put(wire.Stdout, line("a"))
	s.put(wire.Stdout, line("b"))
	s.put(wire.Stderr, line("c"))
	s.put(wire.Stdout, line("d"))
	s.put(wire.System, line("exit 0"))
	batches, _ := s.take(callSize, true)
	var got []string
	for _, b := range batches {
		for _, l := range b.Lines {
			got = append(got, l.Text)
		}
	}
	if want := "started a b c d exit 0"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %q", got, want)
	}
}
