package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/listen"
	"github.com/cdktr/cdktr/lib/wire"
)

// How much is sent at once, at most: few enough events to be answered within
// one try of the client, on a busy machine too.
const (
	eventsInBatch = 2000
	bytesInBatch  = 1 << 20
)

// errFirst ends a delivery at its first refused line; that has been told.
var errFirst = errors.New("a line was refused")

// How much is read and not yet told, at most, where lines wait for others.
const (
	eventsHeld = 10_000
	bytesHeld  = 16 << 20
)

func run(ctx context.Context, env cli.Env, o options) error {
	if err := o.check(env); err != nil {
		return err
	}
	copts, err := env.ClientOptions()
	if err != nil {
		return err
	}
	o.RetryFor.apply(&copts)
	c := client.New(copts)
	defer c.Close()
	return deliver(ctx, env, o, func(ctx context.Context, items []wire.TriggerItem) ([]wire.Triggered, error) {
		var out wire.Triggered
		err := c.Call(ctx, wire.OpRunTrigger, &wire.Trigger{Batch: items}, &out)
		return out.Batch, err
	})
}

type send func(context.Context, []wire.TriggerItem) ([]wire.Triggered, error)

// deliver looks at all that may be wrong with files before it reads a line.
func deliver(ctx context.Context, env cli.Env, o options, send send) error {
	lines, debounces, err := o.lines(env)
	if err != nil {
		return err
	}
	report := &report{out: env.Stdout, err: env.Stderr}
	if o.DeadLetter != "" {
		letters, err := openLetters(env.Path(o.DeadLetter))
		if err != nil {
			return cli.Exitf(cli.IO, "open dead letters: %w", err)
		}
		defer letters.close()
		report.letters = letters
	}
	d := listen.Delivery{
		Send: send, Done: report.batch,
		Busy: func(why error) {
			fmt.Fprintf(env.Stderr, "%s: waiting: %s\n", env.Name, cli.Clean(why.Error()))
		},
		RetryFor: time.Duration(o.RetryFor),
		Items:    eventsInBatch, Bytes: bytesInBatch,
	}
	if o.OnError == "fail" {
		// Nothing that follows a refused line may have been sent with it.
		d.Items = 1
		report.first = true
	}
	var from listen.Listener = lines
	if debounces {
		debouncer := &listen.Debouncer{From: lines, Done: report.batch, Events: eventsHeld, Bytes: bytesHeld}
		d.Done, from = debouncer.Told, debouncer
	}
	err = d.Run(ctx, from)
	if errors.Is(err, errFirst) || err == nil && report.refused > 0 {
		return cli.Exit(cli.BadInput, nil)
	}
	return err
}
