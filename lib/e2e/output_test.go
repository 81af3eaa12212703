package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

// logged runs a workflow of one script to its end and returns the run's id and
// the records of one stream, after checking that none is missing or doubled.
func logged(t *testing.T, in *harness.Installation, workflow, stream string) (run string, lines []wire.LogRecord) {
	t.Helper()
	run = in.Must("cdktr-run", workflow)
	next := map[string]int64{}
	for _, r := range records(t, in, run) {
		key := r.Task + " " + r.Stream
		if next[key]++; r.Seq != next[key] {
			t.Fatalf("%s: seq %d comes where %d was to come", key, r.Seq, next[key])
		}
		if r.Gap != nil {
			t.Errorf("%s: a gap of %+v at %d", key, *r.Gap, r.Seq)
		}
		if r.Stream == stream {
			lines = append(lines, r)
		}
	}
	return run, lines
}

// bare is a stream of a run, byte by byte as the task wrote it.
func bare(t *testing.T, in *harness.Installation, run, stream string) string {
	t.Helper()
	r := in.Run("cdktr-logs", "-r", run, "-s", stream, "-o", "cat")
	if r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	return r.Stdout
}

func TestAnyOutputIsKeptWhole(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	for name, script := range map[string]string{
		// More than a pipe holds: a reader of one stream at a time would hang.
		"flood":   `head -c 300000 /dev/zero | tr '\0' x >&2; echo out`,
		"bytes":   `printf 'caf\351 \377\nplain\n'`,
		"nul":     `printf 'a\000b\r\n\n'`,
		"no-end":  `printf 'first\nlast'`,
		"nothing": `:`,
		"long":    `head -c 2500000 /dev/zero | tr '\0' y; echo; echo after`,
		"both":    `seq 20000 & seq -f 'e%g' 20000 >&2; wait`,
	} {
		in.Workflow(name+".yml", fmt.Sprintf("tasks: {a: {run: %q}}", script))
	}
	in.StartPrincipal()

	t.Run("300,000 bytes on stderr without a newline", func(t *testing.T) {
		run, lines := logged(t, in, "flood", wire.Stderr)
		if want := strings.Repeat("x", 300000); len(lines) != 1 || lines[0].Message == nil || *lines[0].Message != want {
			t.Errorf("stderr is %d records, want one of 300,000 bytes", len(lines))
		}
		if got := bare(t, in, run, wire.Stdout); got != "out\n" {
			t.Errorf("stdout is %q", got)
		}
	})
	t.Run("bytes that are not UTF-8", func(t *testing.T) {
		run, lines := logged(t, in, "bytes", wire.Stdout)
		if len(lines) != 2 || string(lines[0].MessageBase64) != "caf\xe9 \xff" || lines[0].Message != nil || lines[1].Message == nil {
			t.Errorf("got %+v", lines)
		}
		if got := bare(t, in, run, wire.Stdout); got != "caf\xe9 \xff\nplain\n" {
			t.Errorf("bare: %q", got)
		}
		if r := in.Run("cdktr-run", "-l", "bytes"); r.Stdout != "caf\xe9 \xff\nplain\n" {
			t.Errorf("cdktr-run -l: %q", r.Stdout)
		}
	})
	t.Run("NUL, carriage return, an empty line", func(t *testing.T) {
		run, _ := logged(t, in, "nul", wire.Stdout)
		if got := bare(t, in, run, wire.Stdout); got != "a\x00b\r\n\n" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("a last line without a newline", func(t *testing.T) {
		run, lines := logged(t, in, "no-end", wire.Stdout)
		if got := bare(t, in, run, wire.Stdout); len(lines) != 2 || got != "first\nlast\n" {
			t.Errorf("%d records, %q", len(lines), got)
		}
	})
	t.Run("no output", func(t *testing.T) {
		run, lines := logged(t, in, "nothing", wire.Stdout)
		if got := bare(t, in, run, wire.Stdout); len(lines) != 0 || got != "" {
			t.Errorf("%d records, %q", len(lines), got)
		}
	})
	t.Run("a line longer than a record", func(t *testing.T) {
		run, lines := logged(t, in, "long", wire.Stdout)
		if len(lines) != 4 || lines[0].Part != 1 || lines[2].Part != 3 && lines[2].Part != 0 {
			t.Errorf("%d records", len(lines))
		}
		if got, want := bare(t, in, run, wire.Stdout), strings.Repeat("y", 2500000)+"\nafter\n"; got != want {
			t.Errorf("got %d bytes, want %d", len(got), len(want))
		}
	})
	t.Run("both streams at once", func(t *testing.T) {
		run, _ := logged(t, in, "both", wire.Stdout)
		var out, err bytes.Buffer
		for i := range 20000 {
			fmt.Fprintln(&out, i+1)
			fmt.Fprintf(&err, "e%d\n", i+1)
		}
		if bare(t, in, run, wire.Stdout) != out.String() || bare(t, in, run, wire.Stderr) != err.String() {
			t.Error("lines are missing or out of order")
		}
	})
}

func TestChildThatHoldsThePipeNeitherHangsItsTaskNorLivesOn(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("child.yml", `
tasks:
  plain: {run: "sleep 1000 & echo $! >plain.pid; echo said"}
  deaf: {run: "sh -c 'trap : TERM; echo $$ >deaf.pid; while :; do sleep 1; done' & until [ -s deaf.pid ]; do sleep 0.01; done; echo said"}
  fled: {run: "setsid sleep 1000 & echo $! >fled.pid; echo said"}
`)
	in.StartPrincipal()
	run := in.Must("cdktr-run", "child")
	if got := bare(t, in, run, wire.Stdout); got != "said\nsaid\nsaid\n" {
		t.Errorf("stdout is %q", got)
	}
	for _, name := range []string{"plain", "deaf"} {
		pid := strings.TrimSpace(read(t, filepath.Join(in.Dir, name+".pid")))
		if alive(pid) {
			t.Errorf("%s: process %s lives on after the run's end", name, pid)
		}
	}
}

// alive is false for a zombie too: where nobody reaps it at once, that is how
// a killed orphan ends.
func alive(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}
