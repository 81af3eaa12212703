package agent

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/task"
	"github.com/cdktr/cdktr/lib/wire"
)

func TestAgentsOfOneNameShareNothing(t *testing.T) {
	dir := t.TempDir()
	first, err := openHome(dir, "box")
	if err != nil {
		t.Fatal(err)
	}
	second, err := openHome(dir, "box")
	if err != nil {
		t.Fatal(err)
	}
	if first.name != "box" || second.name != "box-2" || first.id == second.id {
		t.Errorf("%s %s, %s %s", first.name, first.id, second.name, second.id)
	}
	if err := first.close(); err != nil {
		t.Fatal(err)
	}
	again, err := openHome(dir, "box")
	if err != nil {
		t.Fatal(err)
	}
	if again.name != "box" || again.id != first.id || again.incarnation != first.incarnation+1 {
		t.Errorf("%+v after %+v", again, first)
	}
}

func TestBadNamesAreRefused(t *testing.T) {
	for _, name := range []string{"", ".", "..", "a/b", "a\x00", ".hidden", strings.Repeat("x", wire.MaxName+1)} {
		if _, err := openHome(t.TempDir(), name); !errors.Is(err, ErrBadName) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestResultsAreKeptUntilForgotten(t *testing.T) {
	h, err := openHome(t.TempDir(), "box[1]")
	if err != nil {
		t.Fatal(err)
	}
	long := make([]byte, 1000)
	for i := range long {
		long[i] = '/'
	}
	r := record{Workflow: "w", Result: wire.Result{Attempt: wire.Attempt{Run: "r", Task: string(long), Attempt: 2}, Outcome: "exited", Lines: map[string]int64{"stdout": 3}}}
	if err := h.keep(r); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(h.results(), "torn.json"), []byte(`{"workf`), 0o600); err != nil {
		t.Fatal(err)
	}
	skipped := 0
	all, err := h.kept(func(string, error) { skipped++ })
	if err != nil || len(all) != 1 || skipped != 1 || all[0].Workflow != "w" || all[0].Result.Lines["stdout"] != 3 {
		t.Fatalf("%+v, %d skipped, %v", all, skipped, err)
	}
	s := newSpool(newShelf(h.spools(), testBounds, slog.New(slog.DiscardHandler)), "w", r.Result.Attempt, func() {})
	defer s.close()
	for range 2 {
		if err := h.harden(r.Result.Attempt, s.paths()); err != nil { // without lines, and with some
			t.Fatal(err)
		}
		s.put(wire.Stdout, lines("a"))
	}
	if len(s.paths()) != 1 {
		t.Errorf("the lines are in %q", s.paths())
	}
	for range 2 {
		if err := h.forget(r.Result.Attempt); err != nil {
			t.Fatal(err)
		}
	}
	if all, _ := h.kept(func(string, error) {}); len(all) != 0 {
		t.Errorf("%+v", all)
	}
}

func TestStartRemovesWhatNobodyWillRead(t *testing.T) {
	dir := t.TempDir()
	h, err := openHome(dir, "box")
	if err != nil {
		t.Fatal(err)
	}
	write(t, h.results(), "torn.json.new", "{")
	write(t, h.results(), "torn.json", "{")
	if all, err := h.kept(func(string, error) {}); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
	write(t, h.spools(), "old.spool.bad", "x")
	long := time.Now().Add(-2 * badTime)
	if err := os.Chtimes(filepath.Join(h.spools(), "old.spool.bad"), long, long); err != nil {
		t.Fatal(err)
	}
	write(t, h.spools(), "new.spool.bad", "x")
	write(t, h.spools(), "lines.spool", "x")
	if err := h.close(); err != nil {
		t.Fatal(err)
	}
	if h, err = openHome(dir, "box"); err != nil {
		t.Fatal(err)
	}
	defer h.close()
	var left []string
	for _, dir := range []string{h.results(), h.spools()} {
		files, err := list(dir, "", "")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			left = append(left, filepath.Base(f))
		}
	}
	if want := []string{"torn.json.bad", "lines.spool", "new.spool.bad"}; !slices.Equal(left, want) {
		t.Errorf("left: %q, want %q", left, want)
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// kept lists the results on disk below an agents' directory.
func kept(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "results", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func lives(t *testing.T, pid string) bool {
	t.Helper()
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	return task.ID{PID: n}.Alive()
}

// until waits for what nothing tells about.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for limit := time.Now().Add(30 * time.Second); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("never: %s", what)
		}
	}
}
