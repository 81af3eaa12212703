package sim

import (
	"fmt"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

// Lines reads log records in the order of their streams and says where one is
// missing, doubled or out of place. Whether the last ones are there only Ends
// can tell. The zero value takes any gap record whose numbers fit.
type Lines struct {
	MayGap func(*wire.LogRecord) bool // nil: any may

	streams map[wire.StreamID]*stream
}

// stream is what the records so far tell of one stream of one attempt.
type stream struct {
	last  int64
	agent string
}

// NoGap is the MayGap of a history that lacks nothing.
func NoGap(*wire.LogRecord) bool { return false }

// Add takes the next record of the history, and says what is wrong with it. It
// then goes on from there, so that one hole is told once.
func (l *Lines) Add(r *wire.LogRecord) error {
	id := wire.StreamID{Run: r.Run, Task: r.Task, Attempt: r.Attempt, Stream: r.Stream}
	s := l.streams[id]
	if s == nil {
		if l.streams == nil {
			l.streams = make(map[wire.StreamID]*stream)
		}
		s = &stream{agent: r.Agent}
		l.streams[id] = s
	}
	was := s.last
	s.last = max(was, r.Seq)
	if err := l.check(s, was, r); err != nil {
		return fmt.Errorf("%s/%s#%d %s: %w", r.Run, r.Task, r.Attempt, r.Stream, err)
	}
	return nil
}

func (l *Lines) check(s *stream, was int64, r *wire.LogRecord) error {
	first := r.Seq // of the numbers that the record stands for
	if r.Gap != nil {
		first = r.Seq - r.Gap.Lines + 1
	}
	things := 0
	for _, has := range []bool{r.Message != nil, r.MessageBase64 != nil, r.Gap != nil} {
		if has {
			things++
		}
	}
	switch {
	case r.Attempt < 1:
		return fmt.Errorf("line %d is of no attempt", r.Seq)
	case things != 1:
		return fmt.Errorf("line %d is %d things at once", r.Seq, things)
	case r.Gap != nil && r.Gap.Lines < 1:
		return fmt.Errorf("the gap at %d stands for %d lines", r.Seq, r.Gap.Lines)
	case first > was+1:
		return fmt.Errorf("lines %d to %d are missing", was+1, first-1)
	case first <= was && r.Gap == nil:
		return fmt.Errorf("line %d comes after line %d", r.Seq, was)
	case first <= was:
		return fmt.Errorf("the gap of lines %d to %d comes after line %d", first, r.Seq, was)
	case r.Gap != nil && l.MayGap != nil && !l.MayGap(r):
		return fmt.Errorf("lines %d to %d are given up", first, r.Seq)
	case r.Agent != s.agent:
		return fmt.Errorf("line %d is from agent %s, those before from %s", r.Seq, r.Agent, s.agent)
	}
	return nil
}

// Last is the highest number that a stream has, or 0.
func (l *Lines) Last(id wire.StreamID) int64 {
	if s := l.streams[id]; s != nil {
		return s.last
	}
	return 0
}

// Ends holds the streams against what is known of their ends, such as by those
// who wrote them: how many lines each has. What comes last can be missing
// without any hole.
func (l *Lines) Ends(known map[wire.StreamID]int64) []error {
	var broken []error
	for id, n := range known {
		if last := l.Last(id); last != n {
			broken = append(broken, fmt.Errorf("%s/%s#%d %s: written were %d lines, the history has %d", id.Run, id.Task, id.Attempt, id.Stream, n, last))
		}
	}
	return broken
}

// Attempts holds the lines against the history of the runs: only what was
// leased can have written any, and only where it was leased.
func (l *Lines) Attempts(h *History) []error {
	var broken []error
	for id, s := range l.streams {
		if agent := h.LeasedTo(run.AttemptID{Run: id.Run, Task: id.Task, Attempt: id.Attempt}); agent != s.agent {
			broken = append(broken, fmt.Errorf("%s/%s#%d %s: written by agent %q, leased to %q", id.Run, id.Task, id.Attempt, id.Stream, s.agent, agent))
		}
	}
	return broken
}
