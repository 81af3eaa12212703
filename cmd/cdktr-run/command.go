package main

import (
	"context"
	"errors"
	"time"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/wire"
)

// principal is the part of a client that this command uses.
type principal interface {
	Call(ctx context.Context, op wire.Op, req client.Request, result any) error
	Trigger(ctx context.Context, item wire.TriggerItem) (wire.Triggered, error)
	Wait(ctx context.Context, run string) (wire.RunWaited, error)
	Run(ctx context.Context, run string) (wire.Run, error)
	FollowEvents(ctx context.Context, q wire.EventsQuery, emit func(wire.Events) error) error
	FollowRun(ctx context.Context, run string, q wire.LogsQuery, emit func(wire.Logs) error) (wire.RunWaited, error)
}

// job is one call of the command.
type job struct {
	env cli.Env
	o   options
	p   principal

	screen *screen // where progress is drawn; nil: it is written as lines
}

func run(ctx context.Context, env cli.Env, o options) error {
	if err := o.check(env); err != nil {
		return err
	}
	item, err := o.trigger(ctx, env)
	if err != nil {
		return err
	}
	view := newScreen(env)
	if view != nil {
		env.Stderr = view
	}
	if o.Local != "" {
		return runLocal(ctx, env, o, view, item)
	}
	copts, err := env.ClientOptions()
	if err != nil {
		return err
	}
	if o.Quiet {
		copts.Waiting = nil
	}
	c := client.New(copts)
	// It is never closed: the process ends, and an orderly goodbye would cost
	// a tenth of its time.
	return job{env, o, c, view}.do(ctx, item)
}

func (j job) do(ctx context.Context, item wire.TriggerItem) error {
	if j.o.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, j.env.Start.Add(time.Duration(j.o.Timeout)))
		defer cancel()
	}
	switch {
	case j.o.List:
		return j.reached(j.list(ctx))
	case j.o.Show != "":
		r, err := j.p.Run(ctx, string(j.o.Show))
		if err != nil {
			return j.reached(err)
		}
		return j.show(r)
	case j.o.Cancel != "":
		return j.reached(j.p.Call(ctx, wire.OpRunCancel, &wire.RunRef{Run: string(j.o.Cancel)}, nil))
	case j.o.Pause != "":
		return j.reached(j.p.Call(ctx, wire.OpWorkflowPause, &wire.WorkflowRef{Workflow: string(j.o.Pause)}, nil))
	case j.o.Resume != "":
		return j.reached(j.p.Call(ctx, wire.OpWorkflowResume, &wire.WorkflowRef{Workflow: string(j.o.Resume)}, nil))
	case j.o.Wait != "":
		return j.follow(ctx, string(j.o.Wait), 0, false)
	case j.o.Retry != "":
		return j.retry(ctx, string(j.o.Retry))
	}
	started, err := j.p.Trigger(ctx, item)
	if err != nil {
		return j.reached(err)
	}
	return j.started(ctx, started.Run, 0)
}

// reached words the end of --timeout where the principal was there and had not
// answered by then. Where it was not there, the error says so already.
func (j job) reached(err error) error {
	var away *client.AwayError
	if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &away) {
		return err
	}
	return cli.Exitf(cli.TimedOut, "the principal has not answered within %s", time.Duration(j.o.Timeout))
}
