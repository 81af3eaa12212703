package main

import (
	"bufio"
	"context"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/wire"
)

// principal is the part of a client that this command uses.
type principal interface {
	Call(ctx context.Context, op wire.Op, req client.Request, result any) error
}

func run(ctx context.Context, env cli.Env, o options) error {
	if err := o.check(env); err != nil {
		return err
	}
	filter, err := o.filter(env)
	if err != nil {
		return err
	}
	c, err := env.Client()
	if err != nil {
		return err
	}
	defer c.Close()
	return query(ctx, env, o, filter, c)
}

// query prints page after page; memory holds one of them.
func query(ctx context.Context, env cli.Env, o options, filter wire.Filter, p principal) error {
	if o.Lines.given && o.Lines.n == 0 {
		return nil
	}
	out := &printer{
		w:      bufio.NewWriterSize(env.Stdout, 1<<16),
		format: format(o.Output, env.OutTerminal),
		env:    env,
	}
	pages := logPages
	switch {
	case o.Runs:
		pages = runPages
	case o.Events:
		pages = eventPages
	}
	for cursor, more := "", true; more; {
		var err error
		if cursor, more, err = pages(ctx, p, o, filter, cursor, out); err != nil {
			out.end() // what came before the error is good
			return err
		}
		if err := out.w.Flush(); err != nil {
			return err
		}
	}
	return out.end()
}

func logPages(ctx context.Context, p principal, o options, f wire.Filter, cursor string, out *printer) (string, bool, error) {
	req := &wire.LogsQuery{Filter: f, Task: o.Task, Stream: o.Stream, Last: o.Lines.n, Cursor: cursor}
	var page wire.Logs
	if err := p.Call(ctx, wire.OpLogsQuery, req, &page); err != nil {
		return "", false, err
	}
	for _, raw := range page.Records {
		if err := out.record(raw); err != nil {
			return "", false, err
		}
	}
	return page.Cursor, page.More && page.Cursor != "", nil
}

func runPages(ctx context.Context, p principal, o options, f wire.Filter, cursor string, out *printer) (string, bool, error) {
	req := &wire.RunList{Filter: f, Last: o.Lines.n, Cursor: cursor}
	var page wire.Runs
	if err := p.Call(ctx, wire.OpRunList, req, &page); err != nil {
		return "", false, err
	}
	for i := range page.Runs {
		if err := out.run(&page.Runs[i]); err != nil {
			return "", false, err
		}
	}
	return page.Cursor, page.Cursor != "", nil
}

func eventPages(ctx context.Context, p principal, o options, f wire.Filter, cursor string, out *printer) (string, bool, error) {
	req := &wire.EventsQuery{Filter: f, Last: o.Lines.n, Cursor: cursor}
	var page wire.Events
	if err := p.Call(ctx, wire.OpEventsQuery, req, &page); err != nil {
		return "", false, err
	}
	for i := range page.Events {
		if err := out.event(&page.Events[i]); err != nil {
			return "", false, err
		}
	}
	return page.Cursor, page.Cursor != "", nil
}
