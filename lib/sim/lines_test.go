package sim

import (
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

// line is a record of stdout of the first attempt, if nothing else is said.
func line(seq int64, more ...func(*wire.LogRecord)) *wire.LogRecord {
	text := "x"
	r := &wire.LogRecord{Workflow: "w", Run: "r", Task: "t", Attempt: 1, Agent: "x", Stream: wire.Stdout, Seq: seq, Message: &text}
	for _, change := range more {
		change(r)
	}
	return r
}

func gap(lines int64) func(*wire.LogRecord) {
	return func(r *wire.LogRecord) { r.Message, r.Gap = nil, &wire.Gap{Lines: lines} }
}

func TestLinesSeeHolesDoublesAndDisorder(t *testing.T) {
	stderr := func(r *wire.LogRecord) { r.Stream = wire.Stderr }
	second := func(r *wire.LogRecord) { r.Attempt = 2 }
	bytes := func(r *wire.LogRecord) { r.Message, r.MessageBase64 = nil, []byte{0xff} }
	for _, c := range []struct {
		name   string
		mayGap func(*wire.LogRecord) bool
		lines  []*wire.LogRecord
		want   string // what is said, without the place
	}{
		{"each stream has its own numbers", NoGap, []*wire.LogRecord{line(1), line(1, stderr), line(2), line(1, second), line(2, stderr), line(2, second), line(3, bytes)}, ""},
		{"gaps that fit", nil, []*wire.LogRecord{line(3, gap(3)), line(4), line(10, gap(6)), line(11)}, ""},
		{"the first is missing", nil, []*wire.LogRecord{line(2)}, "lines 1 to 1 are missing"},
		{"a hole", nil, []*wire.LogRecord{line(1), line(5), line(6)}, "lines 2 to 4 are missing"},
		{"a double", nil, []*wire.LogRecord{line(1), line(2), line(2), line(3)}, "line 2 comes after line 2"},
		{"out of order", nil, []*wire.LogRecord{line(1), line(3), line(2), line(4)}, "lines 2 to 2 are missing|line 2 comes after line 3"},
		{"a hole in a later attempt", nil, []*wire.LogRecord{line(1), line(2, second)}, "lines 1 to 1 are missing"},
		{"a hole before a gap", nil, []*wire.LogRecord{line(1), line(9, gap(3)), line(10)}, "lines 2 to 6 are missing"},
		{"a gap over what is there", nil, []*wire.LogRecord{line(1), line(2), line(4, gap(3)), line(5)}, "the gap of lines 2 to 4 comes after line 2"},
		{"a gap of nothing", nil, []*wire.LogRecord{line(1), line(1, gap(0))}, "the gap at 1 stands for 0 lines"},
		{"a gap where none may be", NoGap, []*wire.LogRecord{line(1), line(3, gap(2)), line(4)}, "lines 2 to 3 are given up"},
		{"two things", nil, []*wire.LogRecord{line(1), line(2, func(r *wire.LogRecord) { r.Gap = &wire.Gap{Lines: 1} })}, "line 2 is 2 things at once"},
		{"nothing", nil, []*wire.LogRecord{line(1, func(r *wire.LogRecord) { r.Message = nil })}, "line 1 is 0 things at once"},
		{"of no attempt", nil, []*wire.LogRecord{line(1, func(r *wire.LogRecord) { r.Attempt = 0 })}, "line 1 is of no attempt"},
		{"from two agents", nil, []*wire.LogRecord{line(1), line(2, func(r *wire.LogRecord) { r.Agent = "y" })}, "line 2 is from agent y, those before from x"},
	} {
		l := Lines{MayGap: c.mayGap}
		var got []string
		for _, r := range c.lines {
			if err := l.Add(r); err != nil {
				place, what, _ := strings.Cut(err.Error(), ": ")
				if !strings.HasPrefix(place, "r/t#") {
					t.Errorf("%s: %v does not name its place", c.name, err)
				}
				got = append(got, what)
			}
		}
		if strings.Join(got, "|") != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestLinesSeeALostTail(t *testing.T) {
	id := wire.StreamID{Run: "r", Task: "t", Attempt: 1, Stream: wire.Stdout}
	never := id
	never.Attempt = 2
	for _, c := range []struct {
		name  string
		known map[wire.StreamID]int64
		wrong int
	}{
		{"nothing is known", nil, 0},
		{"all are there", map[wire.StreamID]int64{id: 3}, 0},
		{"the last is missing", map[wire.StreamID]int64{id: 4}, 1},
		{"one too many", map[wire.StreamID]int64{id: 2}, 1},
		{"the whole stream is missing", map[wire.StreamID]int64{id: 3, never: 1}, 1},
		{"none was written", map[wire.StreamID]int64{never: 0}, 0},
	} {
		l := Lines{MayGap: NoGap}
		for n := range int64(3) {
			if err := l.Add(line(n + 1)); err != nil {
				t.Fatal(err)
			}
		}
		if got := l.Ends(c.known); len(got) != c.wrong {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestLinesComeFromTheAttemptsThatWereLeased(t *testing.T) {
	h := ended(t, map[string]run.Status{"r": run.Completed})
	of := func(task string, n int, agent string) func(*wire.LogRecord) {
		return func(r *wire.LogRecord) { r.Task, r.Attempt, r.Agent = task, n, agent }
	}
	for _, c := range []struct {
		name  string
		line  *wire.LogRecord
		wrong int
	}{
		{"as leased", line(1, of("a", 1, "x")), 0},
		{"from somebody else", line(1, of("a", 1, "y")), 1},
		{"of an attempt that never was", line(1, of("a", 2, "x")), 1},
		{"of a task that never was", line(1, of("b", 1, "x")), 1},
	} {
		var l Lines
		if err := l.Add(c.line); err != nil {
			t.Fatal(err)
		}
		if got := l.Attempts(h); len(got) != c.wrong {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	var l Lines
	_ = l.Add(line(7, gap(7)))
	if last := l.Last(wire.StreamID{Run: "r", Task: "t", Attempt: 1, Stream: wire.Stdout}); last != 7 || l.Last(wire.StreamID{}) != 0 {
		t.Errorf("the last line is %d, want 7", last)
	}
}
