package main

import (
	"bufio"
	"cmp"
	"context"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/wire"
)

// principal is the part of a client that this command uses.
type principal interface {
	Call(ctx context.Context, op wire.Op, req client.Request, result any) error
	Wait(ctx context.Context, run string) (wire.RunWaited, error)
	FollowLogs(ctx context.Context, q wire.LogsQuery, emit func(wire.Logs) error) error
	FollowEvents(ctx context.Context, q wire.EventsQuery, emit func(wire.Events) error) error
	FollowRun(ctx context.Context, run string, q wire.LogsQuery, emit func(wire.Logs) error) (wire.RunWaited, error)
}

func run(ctx context.Context, env cli.Env, o options) error {
	j, err := newJob(env, o)
	if err != nil {
		return err
	}
	c, err := env.Client()
	if err != nil {
		return err
	}
	defer c.Close()
	return j.do(ctx, c)
}

// job is one call of the command. Its printer is used by one goroutine at a
// time.
type job struct {
	env    cli.Env
	o      options
	filter wire.Filter
	file   *cursorFile
	out    *printer
	p      principal
}

// newJob finds what is wrong with the call before anything is asked.
func newJob(env cli.Env, o options) (*job, error) {
	if err := o.check(env); err != nil {
		return nil, err
	}
	filter, err := o.filter(env)
	if err != nil {
		return nil, err
	}
	file, err := openCursorFile(env, o.CursorFile, o.of())
	if err != nil {
		return nil, err
	}
	if file.after() > 0 {
		filter.Since = nil // it says where the first call begins
	}
	out := &printer{w: bufio.NewWriterSize(env.Stdout, 1<<16), format: format(o.Output, env.OutTerminal), env: env}
	return &job{env: env, o: o, filter: filter, file: file, out: out}, nil
}

// do prints the history, and with -f what comes then. What was printed when an
// error or a signal ends it is whole, and the cursor file says so.
func (j *job) do(ctx context.Context, p principal) error {
	if j.o.Lines.none() && !j.o.Follow && j.file == nil {
		return nil
	}
	j.p = p
	err := j.print(ctx)
	ended, saved := j.out.end(), j.file.save()
	if bad := cmp.Or(ended, saved); bad != nil {
		return bad
	}
	if j.o.Follow && err != nil && ctx.Err() != nil {
		return cli.Exit(cli.Interrupted, nil) // that is how following ends
	}
	return err
}

func (j *job) print(ctx context.Context) error {
	kind := j.kind()
	pos, err := j.pages(ctx, kind.pages(j.o.window(j.env, j.filter, j.file.after())))
	if err != nil || !j.o.Follow {
		return err
	}
	return j.follow(ctx, kind, pos)
}
