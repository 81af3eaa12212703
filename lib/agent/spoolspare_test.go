package agent

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cdktr/cdktr/lib/wire"
)

func allFiles(t testing.TB, f *shelf) []string {
	t.Helper()
	files, err := list(f.dir, "", "")
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// quiet is a spool of a short task on a shelf.
func quiet(f *shelf, run string, texts ...string) *spool {
	s := newSpool(f, "w", wire.Attempt{Run: run, Task: "t", Attempt: 1}, func() {})
	s.put(wire.Stdout, lines(texts...))
	s.finish()
	return s
}

// One task after the other needs one file; in it are the lines of the newest
// alone, also for the start after a kill -9.
func TestFileOfAShortTaskServesTheNext(t *testing.T) {
	f := testShelf(t)
	for n := range 3 {
		s := quiet(f, fmt.Sprint("r", n), "many", "lines", "of the first")
		history{}.deliver(t, s)
		if !s.over() || len(allFiles(t, f)) != 1 {
			t.Fatalf("over %t, %q", s.over(), allFiles(t, f))
		}
		s.remove()
		if diskUse(t, s) != 0 {
			t.Errorf("a spare has %d bytes", diskUse(t, s))
		}
	}
	last := quiet(f, "last", "x")
	if files := allFiles(t, f); len(files) != 1 || !slices.Equal(files, last.paths()) {
		t.Errorf("%q are used", files)
	}
	left, err := newShelf(f.dir, f.bounds, f.log).left(func() {})
	if s := left[last.attempt]; err != nil || len(left) != 1 || s == nil {
		t.Fatalf("%v, %v", left, err)
	} else {
		h := history{}
		h.deliver(t, s)
		if !slices.Equal(h[wire.Stdout], []string{"x"}) {
			t.Errorf("%q", h)
		}
	}
}

// However many tasks end at a time, few files stay; an end of the agent removes
// them, and so does the start after its death.
func TestSparesAreFewAndLeaveNothing(t *testing.T) {
	for _, end := range []func(*shelf) error{
		func(f *shelf) error { f.close(); return nil },
		func(f *shelf) error {
			left, err := newShelf(f.dir, f.bounds, f.log).left(func() {})
			if len(left) != 0 {
				return fmt.Errorf("%d spools are left", len(left))
			}
			return err
		},
	} {
		f := testShelf(t)
		var all []*spool
		for n := range mostSpares + 5 {
			all = append(all, quiet(f, fmt.Sprint("r", n), "a"))
		}
		for _, s := range all {
			history{}.deliver(t, s)
			s.remove()
		}
		if n := len(allFiles(t, f)); n != mostSpares {
			t.Errorf("%d files stay", n)
		}
		if err := end(f); err != nil || len(allFiles(t, f)) != 0 {
			t.Errorf("%q stay, %v", allFiles(t, f), err)
		}
		f.close()
	}
}

// Where lines are thrown away while the task prints, a write may be under way:
// that file serves nobody else.
func TestFileThatMayBeWrittenToIsNoSpare(t *testing.T) {
	f := testShelf(t)
	s := quiet(f, "r", "a")
	s.mu.Lock()
	s.discard()
	s.mu.Unlock()
	if len(f.spares) != 0 || len(allFiles(t, f)) != 0 {
		t.Errorf("%d spares, %q", len(f.spares), allFiles(t, f))
	}
	bad := quiet(f, "bad", "a")
	bad.segments[0].spoilt = true
	history{}.deliver(t, bad)
	bad.remove()
	if len(f.spares) != 0 || len(allFiles(t, f)) != 0 {
		t.Errorf("%d spares, %q", len(f.spares), allFiles(t, f))
	}
}

// The files of an attempt are in the order of their making, whatever their
// names are.
func TestSparesKeepTheOrderOfLines(t *testing.T) {
	f := testShelf(t)
	one, two := quiet(f, "1", "a"), quiet(f, "2", "a")
	history{}.deliver(t, one)
	history{}.deliver(t, two)
	one.remove()
	two.remove() // its file comes first now
	s := quiet(f, "r", "1")
	s.segments[0].size += testBounds.segment // as if it were full
	s.put(wire.Stdout, lines("2"))
	if paths := s.paths(); len(paths) != 2 || paths[0] < paths[1] {
		t.Fatalf("%q", paths)
	}
	h := history{}
	next := reopen(t, s)
	h.deliver(t, next)
	if !slices.Equal(h[wire.Stdout], []string{"1", "2"}) {
		t.Errorf("%q", h)
	}
}
