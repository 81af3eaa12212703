package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/wire"
)

// keep writes a cursor file, for the calls that follow.
func keep(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "cursor")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func kept(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if all, err := os.ReadDir(filepath.Dir(name)); err != nil || len(all) != 1 {
		t.Errorf("beside the cursor file is more: %v, %v", all, err)
	}
	return strings.TrimSpace(string(text))
}

func TestCursorFileGoesOnWhereTheLastCallStopped(t *testing.T) {
	name := filepath.Join(t.TempDir(), "cursor")
	since := wire.At(start.Add(-day))
	f := &fake{records: []string{line(1, `"message":"a"`), line(2, `"message":"b"`)}, pos: 41}
	c := newCall(t, "--cursor-file", name, "-w", "etl")
	if err := c.query(t, f); err != nil {
		t.Fatal(err)
	}
	same(t, "the first call", f.logs[0], wire.LogsQuery{Filter: wire.Filter{Workflow: "etl", Since: &since}})
	if got := kept(t, name); got != `{"of":"output","pos":41}` {
		t.Errorf("it keeps %s", got)
	}

	f = &fake{pos: 55}
	if err := newCall(t, "--cursor-file", name, "-w", "etl", "--since", "1h").query(t, f); err != nil {
		t.Fatal(err)
	}
	same(t, "the second call", f.logs[0], wire.LogsQuery{Filter: wire.Filter{Workflow: "etl"}, After: 41})
	if got := kept(t, name); got != `{"of":"output","pos":55}` {
		t.Errorf("it keeps %s", got)
	}
}

// Pages come by time: only with the last of them is everything up to a position
// out.
func TestCursorStaysUntilAllPagesAreOut(t *testing.T) {
	name := keep(t, `{"of":"output","pos":3}`)
	f := &fake{records: []string{line(1, `"message":"a"`), line(2, `"message":"b"`)}, pos: 41, failAt: 2}
	if err := newCall(t, "--cursor-file", name).query(t, f); err == nil {
		t.Fatal("the error is lost")
	}
	if got := kept(t, name); got != `{"of":"output","pos":3}` {
		t.Errorf("it keeps %s", got)
	}
}

func TestCursorIsNeverAheadOfWhatWasWritten(t *testing.T) {
	for room, want := range map[int]string{0: `{"of":"output","pos":3}`, 1: `{"of":"output","pos":41}`, 2: `{"of":"output","pos":42}`} {
		name := keep(t, `{"of":"output","pos":3}`)
		f := &fake{records: []string{line(1, `"message":"a"`)}, pos: 41, newLogs: []wire.Logs{
			{Records: raw(line(2, `"message":"b"`)), Pos: 42}, {Records: raw(line(3, `"message":"c"`)), Pos: 43},
		}}
		c := newCall(t, "--cursor-file", name, "-f")
		c.env.Stdout = &full{c, room}
		if err := c.query(t, f); err == nil {
			t.Fatal("the error is lost")
		}
		if got := kept(t, name); got != want {
			t.Errorf("with room for %d writes it keeps %s, want %s", room, got, want)
		}
	}
}

func TestInterruptedFollowerKeepsItsCursor(t *testing.T) {
	for _, test := range []struct {
		args, kept string
	}{
		{"-f", `{"of":"output","pos":42}`},
		{"-f --events", `{"of":"events","pos":9}`},
		{"-f -n 0", `{"of":"output","pos":42}`},
	} {
		name := filepath.Join(t.TempDir(), "cursor")
		f := &fake{pos: 5, newLogs: []wire.Logs{{Pos: 42}}, newEvents: []wire.Events{{Events: []wire.Event{event(9, "", "PENDING")}, Pos: 9}}}
		err := newCall(t, append(strings.Fields(test.args), "--cursor-file", name)...).until(t, f, 1)
		if got := kept(t, name); cli.Code(err) != cli.Interrupted || got != test.kept {
			t.Errorf("%s: %v, it keeps %s", test.args, err, got)
		}
	}
}

func TestNoneWithACursorFileBeginsNow(t *testing.T) {
	name := filepath.Join(t.TempDir(), "cursor")
	f := &fake{pos: 5}
	if err := newCall(t, "-n", "0", "--cursor-file", name).query(t, f); err != nil {
		t.Fatal(err)
	}
	if got := kept(t, name); got != `{"of":"output","pos":5}` {
		t.Errorf("it keeps %s", got)
	}
}

func TestBadCursorFilesAreRefused(t *testing.T) {
	for _, test := range []struct {
		text string
		says string
	}{
		{"", "this is no cursor file"},
		{"some notes", "this is no cursor file"},
		{"null", "this is no cursor file"},
		{`{"of":"output","pos":-3}`, "this is no cursor file"},
		{`{"of":"output"}`, "this is no cursor file"},
		{`{"of":"shoes","pos":3}`, "this is no cursor file"},
		{`{"of":"output","pos":3,"x":1}`, "this is no cursor file"},
		{`{"of":"output","pos":3} and more`, "this is no cursor file"},
		{strings.Repeat("x", 5000), "this is no cursor file"},
		{`{"of":"events","pos":3}`, "the cursor of events, not of output"},
		{`{"of":"output","pos":100}`, "stands at position 100, and the history of this principal ends at 41"},
	} {
		name := keep(t, test.text)
		c := newCall(t, "--cursor-file", name)
		f := &fake{records: []string{line(1, `"message":"a"`)}, pos: 41}
		err := c.query(t, f)
		if cli.Code(err) != cli.BadInput || !strings.Contains(err.Error(), test.says) || c.out.Len() > 0 {
			t.Errorf("%.20s: %v, printed %q", test.text, err, &c.out)
		}
		if got := kept(t, name); got != strings.TrimSpace(test.text) {
			t.Errorf("%.20s became %s", test.text, got)
		}
	}
	c := newCall(t, "--cursor-file", t.TempDir())
	if err := c.query(t, &fake{}); cli.Code(err) != cli.BadInput || !strings.Contains(err.Error(), "this is a directory, not a file") {
		t.Errorf("a directory: %v", err)
	}
	f := &fake{}
	c = newCall(t, "--cursor-file", filepath.Join(t.TempDir(), "no", "such", "directory"))
	if err := c.query(t, f); cli.Code(err) != cli.IO || len(f.logs) > 0 {
		t.Errorf("no directory: %v", err)
	}
}

func TestCursorFileMayBeALink(t *testing.T) {
	name := keep(t, `{"of":"output","pos":3}`)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(name, link); err != nil {
		t.Fatal(err)
	}
	if err := newCall(t, "--cursor-file", link).query(t, &fake{pos: 41}); err != nil {
		t.Fatal(err)
	}
	if got := kept(t, name); got != `{"of":"output","pos":41}` {
		t.Errorf("it keeps %s", got)
	}
}
