package agent

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// The principal has the first of a message's batches only, while the files
// before it are gone: the next message begins right after it.
func TestStreamsMayBeDurableUnevenly(t *testing.T) {
	s := testSpool(t)
	h := history{}
	n := 0
	big := strings.Repeat("x", 1<<20)
	for len(s.segments) == 0 || s.segments[0].base == 0 {
		n++
		s.put(wire.Stdout, lines(fmt.Sprint(n, big)))
		h.deliver(t, s)
	}
	s.put(wire.Stdout, lines("out 1"))
	s.put(wire.Stderr, lines("err 1"))
	s.put(wire.Stdout, lines("out 2"))
	b, _ := s.take(callSize, true)
	if len(b) != 3 {
		t.Fatalf("%d batches", len(b))
	}
	acks := append(h.take(t, b[:1]), wire.LogAck{}, wire.LogAck{Durable: int64(len(h[wire.Stdout]))})
	s.settle(b, acks, nil)
	b, _ = s.take(callSize, true)
	if len(b) != 2 || b[0].Stream != wire.Stderr {
		t.Errorf("the next message has %d batches: %+v", len(b), b)
	}
	s.settle(b, h.take(t, b), nil)
	s.finish()
	out := h[wire.Stdout]
	if !s.over() || len(out) != n+2 || !slices.Equal(out[n:], []string{"out 1", "out 2"}) || !slices.Equal(h[wire.Stderr], []string{"err 1"}) {
		t.Errorf("over %t, %.20q", s.over(), h)
	}
}

// unreadable has reads of the newest file fail, until it is called back.
func unreadable(t *testing.T, s *spool) (back func()) {
	t.Helper()
	g := s.last()
	good := g.file
	bad, err := os.OpenFile(g.path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	g.file = bad
	t.Cleanup(func() { _ = bad.Close() })
	return func() { g.file = good }
}

func TestReadThatFailsIsTriedAgain(t *testing.T) {
	s := testSpool(t)
	s.put(wire.Stdout, lines("1", "2"))
	s.finish()
	back := unreadable(t, s)
	for range 3 {
		if b, _ := s.take(callSize, true); len(b) != 0 {
			t.Fatalf("%d batches of what cannot be read", len(b))
		}
		if s.over() || !s.due().After(time.Now()) {
			t.Fatalf("over %t, due in %v", s.over(), time.Until(s.due()))
		}
	}
	back()
	h := history{}
	h.deliver(t, s)
	if !s.over() || !slices.Equal(h[wire.Stdout], []string{"1", "2"}) {
		t.Errorf("over %t, %q", s.over(), h)
	}
}

// A file that stays unreadable holds up its task for a while, not for ever, and
// no lines go there any more.
func TestUnreadableFileBecomesAGap(t *testing.T) {
	s := testSpool(t)
	s.put(wire.Stdout, lines("1", "2"))
	unreadable(t, s)
	h := history{}
	for range mostReads {
		if b, _ := s.take(callSize, true); len(b) != 0 {
			t.Fatal("it gives up too soon")
		}
	}
	b, _ := s.take(callSize, true)
	s.settle(b, h.take(t, b), nil)
	if !slices.Equal(h[wire.Stdout], []string{"", "[gap 2]"}) {
		t.Fatalf("%q", h)
	}
	s.put(wire.Stdout, lines("3"))
	h.deliver(t, s)
	s.finish()
	if !s.over() || len(h[wire.Stdout]) != 3 || h[wire.Stdout][2] != "3" {
		t.Errorf("over %t, %q", s.over(), h)
	}
	s.remove()
	if files := spoolFiles(t, s); len(files) != 0 {
		t.Errorf("%q is left", files)
	}
}

// Somebody cuts or removes a file that the spool of an earlier start has.
func TestFileThatGetsShorterBecomesAGap(t *testing.T) {
	for name, spoil := range map[string]func(string) error{
		"cut":     func(path string) error { return os.Truncate(path, 0) },
		"removed": os.Remove,
	} {
		s := testSpool(t)
		s.put(wire.Stdout, lines("1", "2"))
		next := reopen(t, s)
		if err := spoil(next.paths()[0]); err != nil {
			t.Fatal(err)
		}
		next.owe(map[string]int64{wire.Stdout: 2}, testTime())
		h := history{}
		h.deliver(t, next)
		if !next.over() || !slices.Equal(h[wire.Stdout], []string{"", "[gap 2]"}) {
			t.Errorf("%s: over %t, %q", name, next.over(), h)
		}
	}
}
