package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/wire"
)

// output prints the run's lines after a position as they become durable, and
// returns when the run has ended and the last of them is out.
func (j job) output(ctx context.Context, id string, after int64) (wire.RunWaited, error) {
	r, err := j.p.Run(ctx, id)
	if err != nil {
		return wire.RunWaited{}, err
	}
	out := newLines(j.env, !j.o.NoPrefix && (len(r.Tasks) > 1 || j.env.OutTerminal))
	q := wire.LogsQuery{Filter: wire.Filter{Workflow: r.Workflow}, After: after}
	end, err := j.p.FollowRun(ctx, r.Run, q, func(some wire.Logs) error { return out.page(some.Records) })
	if err == nil {
		err = out.end()
	}
	return end, err
}

// lines writes records as the tasks wrote them: stdout to stdout, stderr to
// stderr.
type lines struct {
	name     string
	out, err sink
	last     *sink // to keep the order where both are one terminal
	prefix   bool
}

type sink struct {
	*bufio.Writer
	clean bool           // a terminal: nothing harmful
	open  wire.LogRecord // its last record was a part of a line, not yet ended
}

func newLines(env cli.Env, prefix bool) *lines {
	sinkTo := func(w io.Writer, terminal bool) sink {
		return sink{Writer: bufio.NewWriterSize(w, 1<<16), clean: terminal}
	}
	return &lines{name: env.Name, prefix: prefix, out: sinkTo(env.Stdout, env.OutTerminal), err: sinkTo(env.Stderr, env.ErrTerminal)}
}

func (l *lines) page(records []json.RawMessage) error {
	for _, raw := range records {
		var r wire.LogRecord
		if err := json.Unmarshal(raw, &r); err != nil {
			return fmt.Errorf("read a log record: %w", err)
		}
		l.record(&r)
	}
	return l.flush()
}

func (l *lines) record(r *wire.LogRecord) {
	s := &l.out
	switch {
	case r.Gap != nil:
		l.to(&l.err)
		fmt.Fprintf(&l.err, "%s: %d lines (%d bytes) of task %q are missing here\n", l.name, r.Gap.Lines, r.Gap.Bytes, cli.Clean(r.Task))
		return
	case r.Stream == wire.Stderr:
		s = &l.err
	case r.Stream != wire.Stdout:
		return
	}
	l.to(s)
	continues := s.open.Part > 0 && r.Part == s.open.Part+1 &&
		r.Task == s.open.Task && r.Attempt == s.open.Attempt && r.Stream == s.open.Stream
	if !continues {
		s.endLine()
		if l.prefix {
			s.WriteString(cli.Clean(r.Task))
			s.WriteString(" | ")
		}
	}
	text := string(r.MessageBase64)
	if r.Message != nil {
		text = *r.Message
	}
	if s.clean {
		text = cli.Clean(text)
	}
	s.WriteString(text)
	if s.open = *r; r.Part == 0 {
		s.WriteByte('\n')
	}
}

// to makes s the current sink; what the other one holds goes out first.
func (l *lines) to(s *sink) {
	if l.last != nil && l.last != s {
		l.last.Flush()
	}
	l.last = s
}

func (s *sink) endLine() {
	if s.open.Part > 0 {
		s.WriteByte('\n')
		s.open.Part = 0
	}
}

func (l *lines) flush() error {
	if err := l.out.Flush(); err != nil {
		return err
	}
	return l.err.Flush()
}

func (l *lines) end() error {
	l.out.endLine()
	l.err.endLine()
	return l.flush()
}
