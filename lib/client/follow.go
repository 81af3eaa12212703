package client

import (
	"context"
	"errors"
	"strings"

	"github.com/cdktr/cdktr/lib/wire"
)

// FollowLogs gives emit every record after q.After that the query asks for, each
// once, in order of position: what there is and then what comes, until ctx ends,
// emit returns an error, or the principal is away for the whole budget. Pos of
// what emit gets is the position up to which everything was given out; emit may
// get no records and a higher Pos. The query's Last and Cursor are not used. A
// query of one run may name it by a prefix.
func (c *Client) FollowLogs(ctx context.Context, q wire.LogsQuery, emit func(wire.Logs) error) error {
	of, err := c.scope(ctx, &q.Filter)
	if err != nil {
		return err
	}
	f, err := c.followLogs(q, of, emit)
	if err != nil {
		return err
	}
	return f.run(ctx)
}

// FollowEvents is FollowLogs for status changes.
func (c *Client) FollowEvents(ctx context.Context, q wire.EventsQuery, emit func(wire.Events) error) error {
	of, err := c.scope(ctx, &q.Filter)
	if err != nil {
		return err
	}
	grep, err := wire.ParsePattern(q.Grep)
	if err != nil {
		return err
	}
	q.Last, q.Cursor = 0, ""
	f := follower{
		of:   &events{c: c, scope: of, q: q, grep: grep, emit: emit},
		from: liveStream{c, of.topic(wire.TopicEvent)},
		seen: q.After,
	}
	return f.run(ctx)
}

// FollowRun is FollowLogs for one run, which may be named by a prefix. It returns
// when the run has ended and its last line was given out.
func (c *Client) FollowRun(ctx context.Context, run string, q wire.LogsQuery, emit func(wire.Logs) error) (wire.RunWaited, error) {
	q.Run = run
	of, err := c.scope(ctx, &q.Filter)
	if err != nil {
		return wire.RunWaited{}, err
	}
	f, err := c.followLogs(q, of, emit)
	if err != nil {
		return wire.RunWaited{}, err
	}
	following, stop := context.WithCancel(ctx)
	defer stop()
	type waited struct {
		wire.RunWaited
		err error
	}
	ended := make(chan waited, 1)
	go func() {
		end, err := c.Wait(following, q.Run)
		stop()
		ended <- waited{end, err}
	}()
	err = f.run(following) // never nil: it ends with following
	stop()
	switch end := <-ended; {
	case end.Ended:
		// All lines are durable before the run ends, so what is there now
		// is all.
		if !errors.Is(err, context.Canceled) {
			return end.RunWaited, err
		}
		return end.RunWaited, f.read(ctx, 0)
	case end.err != nil && !errors.Is(end.err, context.Canceled):
		return end.RunWaited, end.err
	default:
		return end.RunWaited, err
	}
}

func (c *Client) followLogs(q wire.LogsQuery, of scope, emit func(wire.Logs) error) (*follower, error) {
	grep, err := wire.ParsePattern(q.Grep)
	if err != nil {
		return nil, err
	}
	q.ByPos, q.Last, q.Cursor = true, 0, ""
	return &follower{
		of:   &lines{c: c, scope: of, q: q, grep: grep, emit: emit},
		from: liveStream{c, of.topic(wire.TopicLog)},
		seen: q.After,
	}, nil
}

// scope is the narrowest part of the live stream that has all that a filter asks
// for: of one run, of one workflow, or everything.
type scope struct{ workflow, run string }

// wholeID is how long a run's id is.
const wholeID = 12

// scope replaces a run's prefix in a filter by its whole id.
func (c *Client) scope(ctx context.Context, f *wire.Filter) (scope, error) {
	wild := strings.ContainsAny(f.Workflow, "*?")
	switch {
	case len(f.Run) == wholeID && f.Workflow != "" && !wild:
		return scope{f.Workflow, f.Run}, nil
	case f.Run != "":
		r, err := c.Run(ctx, f.Run)
		f.Run = r.Run
		return scope{r.Workflow, r.Run}, err
	case wild:
		return scope{}, nil
	}
	return scope{workflow: f.Workflow}, nil
}

func (s scope) topic(kind string) string {
	switch {
	case s.run != "":
		return wire.Topic(kind, s.workflow, s.run)
	case s.workflow != "":
		return wire.Topic(kind, s.workflow)
	}
	return wire.Topic(kind)
}

func (s scope) before(m *wire.Live) int64 {
	b := m.Before
	switch {
	case b == nil:
		return m.Pos // nothing is known: the history is
	case s.run != "":
		return b.Run
	case s.workflow != "":
		return b.Workflow
	}
	return b.All
}
