package principal

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/story"
	"github.com/cdktr/cdktr/lib/wire"
)

// queries runs what reads the history, beside the loop. Its bounds keep a crowd
// of readers from using up memory, and from the writers' disk.
type queries struct {
	p      *Principal
	places chan struct{} // all queries, the waiting ones too
	active chan struct{} // those that use the store right now
	all    sync.WaitGroup
}

func newQueries(p *Principal) *queries {
	return &queries{p: p, places: make(chan struct{}, 512), active: make(chan struct{}, 4)}
}

const queryTime = 30 * time.Second

// start answers c with what fn reads from the store.
func (q *queries) start(ctx context.Context, c *call, fn func(context.Context) (any, error)) {
	q.aside(ctx, c, func(ctx context.Context) (any, error) { return q.bounded(ctx, fn) })
}

// aside answers c with what fn returns. Fn does not use the store.
func (q *queries) aside(ctx context.Context, c *call, fn func(context.Context) (any, error)) {
	select {
	case q.places <- struct{}{}:
	default:
		c.refuse(refuse(wire.Unavailable, "too many queries at once; try again"))
		return
	}
	q.all.Add(1)
	go func() {
		defer q.all.Done()
		defer func() { <-q.places }()
		ctx, cancel := context.WithTimeout(ctx, queryTime+wire.MaxWait)
		defer cancel()
		result, err := fn(ctx)
		switch {
		case errors.Is(err, errAnsweredElsewhere):
		case errors.Is(err, context.DeadlineExceeded):
			c.refuse(refuse(wire.Unavailable, "the query took too long"))
		case errors.Is(err, context.Canceled):
			c.refuse(refuse(wire.Unavailable, "the principal is stopping"))
		case err != nil:
			c.fail(q.p.cfg.Log, err)
		default:
			c.ok(result)
		}
	}()
}

// bounded runs fn when one of the few places at the store is free. A query that
// waits for news gives its place back meanwhile: see listLogs.
func (q *queries) bounded(ctx context.Context, fn func(context.Context) (any, error)) (any, error) {
	if err := q.enter(ctx); err != nil {
		return nil, err
	}
	defer q.leave()
	return fn(ctx)
}

func (q *queries) enter(ctx context.Context) error {
	select {
	case q.active <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (q *queries) leave() { <-q.active }

// wait returns when no query runs any more.
func (q *queries) wait() { q.all.Wait() }

func (p *Principal) getRun(ctx context.Context, c *call, req *wire.RunRef) {
	p.queries.start(ctx, c, func(ctx context.Context) (any, error) {
		id, err := p.resolveRun(ctx, req.Run)
		if err != nil {
			return nil, err
		}
		r, err := p.store.GetRun(ctx, id)
		switch {
		case err != nil:
			return nil, err
		case r == nil:
			return nil, noRun(req.Run)
		case !run.Status(r.Status).Final():
			p.explain(ctx, r)
		}
		return r, nil
	})
}

const explainTime = time.Second

// explain says of the tasks that have no process what they wait for. The
// history does not know: it changes with every agent that comes or goes. A loop
// that is busy is not waited for: it is a courtesy.
func (p *Principal) explain(ctx context.Context, r *wire.Run) {
	answer := make(chan map[string]string, 1)
	p.loop.submit(ctx, func(l *loop) { answer <- l.machine.Why(r.Run) })
	var why map[string]string
	select {
	case why = <-answer:
	case <-time.After(explainTime):
	case <-ctx.Done():
	}
	story.Explain(r, why)
}

// narrow replaces a run's prefix in a filter by its whole id, and refuses a run
// that there is not. A cursor tells that this was done for the first page.
func (p *Principal) narrow(ctx context.Context, f *wire.Filter, cursor string) (err error) {
	if f.Run == "" {
		return nil
	}
	if f.Run, err = p.resolveRun(ctx, f.Run); err != nil || cursor != "" || p.intake.open(f.Run) {
		return err
	}
	found, err := p.store.FindRuns(ctx, f.Run, 1)
	if err == nil && len(found) == 0 {
		return noRun(f.Run)
	}
	return err
}

func (p *Principal) listRuns(ctx context.Context, c *call, req *wire.RunList) {
	p.queries.start(ctx, c, func(ctx context.Context) (any, error) {
		if err := p.narrow(ctx, &req.Filter, req.Cursor); err != nil {
			return nil, err
		}
		return p.store.ListRuns(ctx, *req)
	})
}

func (p *Principal) listEvents(ctx context.Context, c *call, req *wire.EventsQuery) {
	if upTo, quiet := p.quiet(p.live.events, req.Filter, req.After, req.Cursor); quiet {
		c.ok(wire.Events{Events: []wire.Event{}, Pos: upTo})
		return
	}
	p.queries.start(ctx, c, func(ctx context.Context) (any, error) {
		if err := p.narrow(ctx, &req.Filter, req.Cursor); err != nil {
			return nil, err
		}
		page, err := p.store.ListEvents(ctx, *req)
		page.Pos = p.live.events.reached(page.Pos, req.After)
		return page, err
	})
}

// listLogs answers a page, and waits for one that is still empty where the
// asker wants that.
func (p *Principal) listLogs(ctx context.Context, c *call, req *wire.LogsQuery) {
	if req.WaitMS > 0 && !req.ByPos {
		c.refuse(refuse(wire.BadRequest, "wait_ms goes with by_pos"))
		return
	}
	if req.Stream != "" && !streams[req.Stream] {
		c.refuse(refuse(wire.BadRequest, "stream %q is not one of stdout, stderr, system", req.Stream))
		return
	}
	if upTo, quiet := p.quiet(p.live.lines, req.Filter, req.After, req.Cursor); quiet && req.ByPos && req.WaitMS == 0 {
		c.ok(wire.Logs{Records: []json.RawMessage{}, Pos: upTo})
		return
	}
	deadline := time.Now().Add(req.Wait())
	p.queries.start(ctx, c, func(ctx context.Context) (any, error) {
		if err := p.narrow(ctx, &req.Filter, req.Cursor); err != nil {
			return nil, err
		}
		for {
			// Taken before the query, so that no line can come in between.
			news := p.intake.news(req.Run)
			page, err := p.store.ListLogs(ctx, *req)
			page.Pos = p.live.lines.reached(page.Pos, req.After)
			left := time.Until(deadline)
			if err != nil || len(page.Records) > 0 || page.More || left <= 0 || news == nil {
				return page, err
			}
			req.Cursor = page.Cursor
			if err := p.queries.await(ctx, news, left); err != nil {
				return nil, err
			}
		}
	})
}

// await waits for news or until the time is up, without a place at the store.
func (q *queries) await(ctx context.Context, news <-chan struct{}, most time.Duration) error {
	q.leave()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-news:
	case <-timer.C:
	case <-ctx.Done():
	}
	// Taken back in any case: the caller's frame gives it up.
	q.active <- struct{}{}
	return ctx.Err()
}
