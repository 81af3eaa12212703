package main

import (
	"context"

	"github.com/cdktr/cdktr/lib/wire"
)

// kind is what is printed: output, events or runs.
type kind interface {
	// pages asks for the pages of the history.
	pages(window) ask
	// follow prints what comes after a position. With -r it returns when the
	// run has ended and all is printed.
	follow(ctx context.Context, pos int64) error
}

func (j *job) kind() kind {
	switch {
	case j.o.Runs:
		return &runs{job: j, open: map[string]bool{}}
	case j.o.Events:
		return events{j}
	}
	return output{j}
}

// ask asks for the page at a cursor, empty for the first.
type ask func(ctx context.Context, cursor string) (page, error)

// page is one answer.
type page struct {
	print func() error
	next  string // the cursor of the next page, empty: there is none
	pos   int64  // the position up to which the query looks, on all its pages
}

// pages prints page after page and returns the position up to which they are
// the history. While one is printed the next is asked for; memory holds two.
func (j *job) pages(ctx context.Context, ask ask) (int64, error) {
	type answer struct {
		page
		err error
	}
	answers := make(chan answer)
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(answers)
		for cursor, more := "", true; more; {
			p, err := ask(ctx, cursor)
			select {
			case answers <- answer{p, err}:
			case <-ctx.Done():
				return
			}
			cursor = p.next
			more = err == nil && cursor != ""
		}
	}()
	defer func() {
		cancel()
		for range answers { // until it has ended
		}
	}()
	for first := true; ; first = false {
		a, ok := <-answers
		if !ok {
			return 0, ctx.Err()
		}
		err := a.err
		if err == nil && first {
			err = j.file.check(a.pos)
		}
		if err == nil {
			err = a.print()
		}
		if err == nil {
			err = j.out.flush()
		}
		if err != nil {
			return 0, err
		}
		if a.next == "" {
			// They come by time, so before the last of them there is
			// no position up to which all is printed.
			j.file.reached(a.pos)
			return a.pos, nil
		}
	}
}

// output is what tasks said.
type output struct{ *job }

func (o output) query(f wire.Filter, after int64) wire.LogsQuery {
	return wire.LogsQuery{Filter: f, Task: o.o.Task, Stream: o.o.Stream, Grep: o.o.Grep, After: after}
}

func (o output) pages(w window) ask {
	return func(ctx context.Context, cursor string) (page, error) {
		req := o.query(w.Filter, w.after)
		req.Last, req.Cursor = w.last, cursor
		var got wire.Logs
		if err := o.p.Call(ctx, wire.OpLogsQuery, &req, &got); err != nil {
			return page{}, err
		}
		p := page{print: func() error { return o.out.records(got.Records) }, pos: got.Pos}
		if got.More {
			p.next = got.Cursor
		}
		return p, nil
	}
}

// events are changes of status.
type events struct{ *job }

func (e events) query(f wire.Filter, after int64) wire.EventsQuery {
	return wire.EventsQuery{Filter: f, Task: e.o.Task, Grep: e.o.Grep, After: after}
}

func (e events) pages(w window) ask {
	return func(ctx context.Context, cursor string) (page, error) {
		req := e.query(w.Filter, w.after)
		req.Last, req.Cursor = w.last, cursor
		var got wire.Events
		if err := e.p.Call(ctx, wire.OpEventsQuery, &req, &got); err != nil {
			return page{}, err
		}
		return page{print: func() error { return e.out.events(got.Events) }, next: got.Cursor, pos: got.Pos}, nil
	}
}

// runs are runs. One that has not ended when it is printed is open: it is
// printed again when it has.
type runs struct {
	*job
	open map[string]bool
}

func (r *runs) pages(w window) ask { return r.ask(w, func(*wire.Run) bool { return true }) }

// ask asks for the runs of a window, of which those are printed that are wanted.
func (r *runs) ask(w window, wanted func(*wire.Run) bool) ask {
	return func(ctx context.Context, cursor string) (page, error) {
		req := &wire.RunList{Filter: w.Filter, Grep: r.o.Grep, After: w.after, Last: w.last, Cursor: cursor}
		var got wire.Runs
		if err := r.p.Call(ctx, wire.OpRunList, req, &got); err != nil {
			return page{}, err
		}
		return page{print: func() error { return r.print(got.Runs, wanted) }, next: got.Cursor, pos: got.Pos}, nil
	}
}

func (r *runs) print(some []wire.Run, wanted func(*wire.Run) bool) error {
	for i := range some {
		run := &some[i]
		if !wanted(run) {
			continue
		}
		if err := r.out.run(run); err != nil {
			return err
		}
		if delete(r.open, run.Run); run.Ended == nil {
			r.open[run.Run] = true
		}
	}
	return nil
}
