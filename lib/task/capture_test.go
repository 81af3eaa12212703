package task

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

func TestTimesOfLinesNeverDecrease(t *testing.T) {
	clock := new(Clock)
	future := time.Now().Add(time.Hour).UnixMilli()
	clock.last.Store(future) // the machine's clock was set back by an hour
	p, out := start(t, script("echo a; echo b >&2"), Options{Clock: clock})
	p.Wait()
	for _, stream := range []string{wire.System, wire.Stdout, wire.Stderr} {
		if len(out.lines[stream]) == 0 {
			t.Errorf("no line of %s", stream)
		}
		for _, l := range out.lines[stream] {
			if l.Time < future {
				t.Errorf("%q of %s at %d, before %d", l.Text, stream, l.Time, future)
			}
		}
	}
}

func TestTimesNeverDecreaseFromStartToExit(t *testing.T) {
	p, out := start(t, script("for i in $(seq 300); do echo $i; echo $i >&2; done"), Options{Clock: new(Clock)})
	p.Wait()
	about := out.lines[wire.System]
	if len(about) != 2 {
		t.Fatalf("system: %q", out.texts(wire.System))
	}
	for _, stream := range []string{wire.Stdout, wire.Stderr} {
		if n := len(out.lines[stream]); n != 300 {
			t.Errorf("%d lines of %s", n, stream)
		}
		before := about[0].Time
		for _, l := range append(out.lines[stream], about[1]) {
			if l.Time < before {
				t.Errorf("%s: %q at %d comes after %d", stream, l.Text, l.Time, before)
			}
			before = l.Time
		}
	}
}

func TestOneMebibyteIsOneRecordAndMoreIsParts(t *testing.T) {
	p, out := start(t, wire.Spec{Argv: []string{"python3", "-c", `
import sys
out = sys.stdout.buffer
out.write(b"x" * (1 << 20) + b"\n")
out.write(b"y" * ((1 << 20) + 1) + b"\n")
out.write(b"z" * (3 << 20))
`}}, Options{})
	if e := p.Wait(); e.Code != 0 {
		t.Fatalf("%+v: %q", e, out.texts(wire.Stderr))
	}
	var got []string
	for _, l := range out.lines[wire.Stdout] {
		if strings.Trim(l.Text, l.Text[:1]) != "" {
			t.Errorf("a record of several lines begins with %.20q", l.Text)
		}
		got = append(got, fmt.Sprintf("%s:%d:%d", l.Text[:1], len(l.Text), l.Part))
	}
	want := []string{"x:1048576:0", "y:1048576:1", "y:1:2", "z:1048576:1", "z:1048576:2", "z:1048576:3"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
