package local

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cdktr/cdktr/lib/brief"
	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/story"
	"github.com/cdktr/cdktr/lib/wire"
)

// Trigger starts the run.
func (in *Installation) Trigger(_ context.Context, item wire.TriggerItem) (wire.Triggered, error) {
	def := in.o.Workflow
	if item.Workflow != def.ID {
		return wire.Triggered{}, refuse(wire.NotFound, "no workflow %q here, only %q", item.Workflow, def.ID)
	}
	params, defaults, refused := brief.Params(def, item.Params)
	if refused != nil {
		return wire.Triggered{}, refused
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.story.Run() != nil {
		return wire.Triggered{}, refuse(wire.Conflict, "the run was started before")
	}
	cmd := run.Trigger{
		Token: callersToken, Run: brief.RunID(), Workflow: def,
		Params: params, Defaults: defaults, Source: item.Source,
	}
	if refused, is := in.apply(cmd).(run.Refused); is {
		return wire.Triggered{}, refuse(wire.Code(refused.Code), "%s", refused.Message)
	}
	if in.stopping != "" {
		in.apply(run.Cancel{Run: cmd.Run, Reason: in.stopping})
	}
	return wire.Triggered{Run: cmd.Run}, nil
}

// Wait returns when the run has ended, with its final status.
func (in *Installation) Wait(ctx context.Context, id string) (wire.RunWaited, error) {
	if _, err := in.Run(ctx, id); err != nil {
		return wire.RunWaited{}, err
	}
	select {
	case <-in.ended:
	case <-ctx.Done():
		return wire.RunWaited{}, ctx.Err()
	}
	r, err := in.Run(ctx, id)
	return wire.RunWaited{Run: id, Status: r.Status, Ended: true}, err
}

// FollowRun gives emit the lines of the run, to one reader, and returns when the
// run has ended and its last line was given out. Of the query nothing is used.
func (in *Installation) FollowRun(ctx context.Context, id string, _ wire.LogsQuery, emit func(wire.Logs) error) (wire.RunWaited, error) {
	if _, err := in.Run(ctx, id); err != nil {
		return wire.RunWaited{}, err
	}
	following, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer stop()
		_, _ = in.Wait(following, id) // of both ways to end ctx tells
	}()
	defer func() {
		stop()
		<-ended
	}()
	q := wire.LogsQuery{ByPos: true, WaitMS: int(wire.MaxWait / time.Millisecond)}
	for more := true; more; {
		if following.Err() != nil {
			q.WaitMS = 0 // all lines are there
		}
		page, err := in.lines.query(following, &q)
		switch {
		case ctx.Err() != nil:
			return wire.RunWaited{}, ctx.Err()
		case err != nil && following.Err() != nil:
			continue
		case err != nil:
			return wire.RunWaited{}, err
		}
		if err := emit(page); err != nil {
			return wire.RunWaited{}, err
		}
		q.Cursor = page.Cursor
		more = page.More || q.WaitMS > 0
	}
	return in.Wait(ctx, id)
}

// Run returns the run with its tasks.
func (in *Installation) Run(_ context.Context, id string) (wire.Run, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	r := in.story.Run()
	if r == nil || r.Run != id {
		return wire.Run{}, refuse(wire.NotFound, "no run %q", id)
	}
	out := *r
	out.Tasks = slices.Clone(r.Tasks)
	story.Explain(&out, in.machine.Why(id))
	return out, nil
}

// Call answers run.get, run.cancel and, for one reader of all lines,
// logs.query by position.
func (in *Installation) Call(ctx context.Context, op wire.Op, req client.Request, result any) (err error) {
	switch req := req.(type) {
	case *wire.RunRef:
		r, err := in.Run(ctx, req.Run)
		switch {
		case err != nil:
			return err
		case op == wire.OpRunGet:
			*result.(*wire.Run) = r
			return nil
		case op == wire.OpRunCancel:
			in.Cancel("cancelled by request")
			return nil
		}
	case *wire.LogsQuery:
		if op == wire.OpLogsQuery && req.ByPos {
			*result.(*wire.Logs), err = in.lines.query(ctx, req)
			return err
		}
	}
	return refuse(wire.UnknownOp, "there is no principal that could answer %s", op)
}

func refuse(code wire.Code, format string, args ...any) error {
	return &wire.Error{Code: code, Message: fmt.Sprintf(format, args...)}
}
