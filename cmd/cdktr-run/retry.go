package main

import (
	"context"
	"fmt"

	"github.com/cdktr/cdktr/lib/wire"
)

// retry opens a run again that has ended, and waits for it as for a new one. The
// position of its end goes with the request: so it can be sent again when the
// connection breaks, and never opens a run twice.
func (j job) retry(ctx context.Context, name string) error {
	var before wire.RunWaited
	if err := j.p.Call(ctx, wire.OpRunWait, &wire.RunWait{Run: name, TimeoutMS: 1}, &before); err != nil {
		return j.reached(err)
	}
	again := &wire.RunRetry{Run: before.Run}
	if before.Ended {
		again.After = before.Pos
	} // else the principal has the words for it
	if err := j.p.Call(ctx, wire.OpRunRetry, again, new(wire.RunWaited)); err != nil {
		return j.reached(err)
	}
	return j.started(ctx, before.Run, again.After)
}

// started prints the id of a run that goes on from now, and waits for its end.
// Of what came up to the position after nothing is told.
func (j job) started(ctx context.Context, id string, after int64) error {
	if !j.o.Log && j.o.Output != "json" {
		if _, err := fmt.Fprintln(j.env.Stdout, id); err != nil {
			return err
		}
	}
	if !j.o.Detach {
		return j.follow(ctx, id, after, true)
	}
	if j.o.Output == "json" {
		return j.printRun(ctx, id)
	}
	return nil
}
