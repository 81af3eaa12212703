package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/wire"
)

func TestLogPrintsEveryLineBeforeItEnds(t *testing.T) {
	f := newFake("FAILED", wire.Task{Task: "a"})
	var want strings.Builder
	for i := range 100 {
		fmt.Fprintf(&want, "line %d\n", i)
	}
	c := newCall(f, "-l hello")
	go func() {
		for i := range 100 {
			f.say(record("a", wire.Stdout, fmt.Sprintf("line %d", i)))
		}
		close(f.end) // at once: the last lines must come all the same
	}()
	if err := c.do(t.Context(), t); cli.Code(err) != cli.Failed {
		t.Errorf("exit %d, %v", cli.Code(err), err)
	}
	if c.out.String() != want.String() {
		t.Errorf("stdout has %d lines, the last are %q", strings.Count(c.out.String(), "\n"), c.out.String()[max(0, c.out.Len()-40):])
	}
}

func TestLogKeepsStreamsApartAndBytesAsTheyAre(t *testing.T) {
	f := newFake("COMPLETED", wire.Task{Task: "a"})
	f.say(
		record("a", wire.System, "started"),
		record("a", wire.Stdout, "\x1b[31mred\x1b[0m\ttab"),
		record("a", wire.Stderr, "oops"),
		wire.LogRecord{Task: "a", Stream: wire.Stdout, MessageBase64: []byte("\xff\x00")},
		wire.LogRecord{Task: "a", Stream: wire.Stdout, Gap: &wire.Gap{Lines: 7, Bytes: 99}},
		record("a", wire.Stdout, ""),
	)
	close(f.end)
	c := newCall(f, "-l hello")
	if err := c.do(t.Context(), t); err != nil {
		t.Fatal(err)
	}
	if want := "\x1b[31mred\x1b[0m\ttab\n\xff\x00\n\n"; c.out.String() != want {
		t.Errorf("stdout %q, want %q", &c.out, want)
	}
	if want := "oops\ncdktr-run: 7 lines (99 bytes) of task \"a\" are missing here\n"; c.err.String() != want {
		t.Errorf("stderr %q, want %q", &c.err, want)
	}
}

func TestLogIsHarmlessOnATerminal(t *testing.T) {
	f := newFake("COMPLETED", wire.Task{Task: "a"})
	f.say(record("a", wire.Stdout, "\x1b[2Jx\x1b[31mred"))
	close(f.end)
	c := newCall(f, "-l hello")
	c.env.OutTerminal = true
	if err := c.do(t.Context(), t); err != nil || c.out.String() != "a | \\x1b[2Jxred\n" {
		t.Errorf("%v, stdout %q", err, &c.out)
	}
}

func TestLogPrefixNamesTheTaskWhereThereAreSeveral(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"-l hello", "a | one\nb | two\n"},
		{"-l --no-prefix hello", "one\ntwo\n"},
		{"-l --wait abcd", "a | one\nb | two\n"},
	} {
		f := newFake("COMPLETED", wire.Task{Task: "a"}, wire.Task{Task: "b"})
		f.say(record("a", wire.Stdout, "one"), record("b", wire.Stdout, "two"))
		close(f.end)
		c := newCall(f, test.args)
		if err := c.do(t.Context(), t); err != nil || c.out.String() != test.want {
			t.Errorf("%s: %v, %q", test.args, err, &c.out)
		}
	}
}

func TestPartsOfALongLineAreOneLine(t *testing.T) {
	f := newFake("COMPLETED", wire.Task{Task: "a"}, wire.Task{Task: "b"})
	f.say(
		part("a", "AAA", 1), part("a", "BBB", 2), // one line
		part("a", "CC", 1), part("a", "DD", 2), // the next one
		record("b", wire.Stdout, "between"),
		part("a", "EE", 3), // it goes on
	)
	close(f.end)
	c := newCall(f, "-l hello")
	if err := c.do(t.Context(), t); err != nil || c.out.String() != "a | AAABBB\na | CCDD\nb | between\na | EE\n" {
		t.Errorf("%v, %q", err, &c.out)
	}
}
