package main

import (
	"context"
	"errors"

	"github.com/cdktr/cdktr/lib/wire"
)

// follow prints what comes after a position until ctx ends, or the run that -r
// names has ended. Meanwhile the cursor file is kept up.
func (j *job) follow(ctx context.Context, kind kind, pos int64) error {
	if j.file == nil {
		return kind.follow(ctx, pos)
	}
	ctx, cancel := context.WithCancel(ctx)
	saved := make(chan error, 1)
	go func() {
		err := j.file.saveOften(ctx)
		cancel()
		saved <- err
	}()
	err := kind.follow(ctx, pos)
	cancel()
	if bad := <-saved; bad != nil {
		return bad
	}
	return err
}

// flushed flushes what was printed, which is everything up to pos.
func (j *job) flushed(pos int64) error {
	err := j.out.flush()
	if err == nil {
		j.file.reached(pos)
	}
	return err
}

func (o output) follow(ctx context.Context, pos int64) error {
	q := o.query(o.filter, pos)
	emit := func(some wire.Logs) error {
		if err := o.out.records(some.Records); err != nil {
			return err
		}
		return o.flushed(some.Pos)
	}
	if o.o.Run == "" {
		return o.p.FollowLogs(ctx, q, emit)
	}
	_, err := o.p.FollowRun(ctx, o.o.Run, q, emit)
	return err
}

func (e events) follow(ctx context.Context, pos int64) error {
	some := func(ctx context.Context) error {
		return e.p.FollowEvents(ctx, e.query(e.filter, pos), func(some wire.Events) error {
			if err := e.out.events(some.Events); err != nil {
				return err
			}
			pos = max(pos, some.Pos)
			return e.flushed(pos)
		})
	}
	rest := func(ctx context.Context) error {
		_, err := e.job.pages(ctx, e.pages(window{Filter: e.filter, after: pos}))
		return err
	}
	return e.untilEnd(ctx, some, rest)
}

// follow looks at the runs again when there is news of one.
func (r *runs) follow(ctx context.Context, pos int64) error {
	// It is not cut short by the end of the run: what it has printed it must
	// know of.
	news := func(context.Context) (err error) {
		pos, err = r.job.pages(ctx, r.ask(window{Filter: r.filter, after: pos}, func(run *wire.Run) bool {
			return run.Ended != nil || !r.open[run.Run]
		}))
		return err
	}
	// The filter's time is that of the run's begin, and not of its changes.
	q := wire.EventsQuery{Filter: wire.Filter{Workflow: r.filter.Workflow, Run: r.filter.Run}, After: pos}
	return r.untilEnd(ctx, func(ctx context.Context) error {
		return r.p.FollowEvents(ctx, q, func(some wire.Events) error {
			for _, e := range some.Events {
				if e.Task == nil && e.Run != "" && e.Pos > pos {
					return news(ctx)
				}
			}
			return nil
		})
	}, news)
}

// untilEnd runs some, without an end, or with -r until the run has ended, and
// then rest, which finds what some did not come to. Everything about a run is
// durable before it counts as ended.
func (j *job) untilEnd(ctx context.Context, some, rest func(context.Context) error) error {
	if j.o.Run == "" {
		return some(ctx)
	}
	following, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		_, err := j.p.Wait(following, j.o.Run)
		stop()
		ended <- err
	}()
	err := some(following)
	stop()
	switch bad := <-ended; {
	case bad == nil:
	case !errors.Is(bad, context.Canceled):
		return bad
	default:
		return err
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return rest(ctx)
}
