package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/wire"
)

// follow waits until the run has ended and makes the exit code of its status.
// Of what came up to the position after nothing is told. known: the run exists,
// so only the wait can fail.
func (j job) follow(ctx context.Context, id string, after int64, known bool) error {
	var ended wire.RunWaited
	var err error
	told := j.watch(ctx, id, after)
	if j.o.Log {
		ended, err = j.output(ctx, id, after)
	} else {
		ended, err = j.p.Wait(ctx, id)
	}
	told.end(err == nil)
	if err != nil {
		return j.stopped(ctx, id, known, err)
	}
	if j.o.Output == "json" {
		if err := j.printRun(ctx, ended.Run); err != nil {
			return err
		}
	}
	return j.verdict(ctx, ended)
}

// stopped tells why the wait is over before the run is.
func (j job) stopped(ctx context.Context, id string, known bool, err error) error {
	var away *client.AwayError
	switch {
	case errors.Is(err, context.Canceled) && j.o.CancelOnInterrupt:
		return j.cancelled(ctx, id)
	case errors.Is(err, context.Canceled) && j.o.Quiet:
		return cli.Exit(cli.Interrupted, nil)
	case errors.Is(err, context.Canceled):
		return cli.Exitf(cli.Interrupted, "interrupted; the run goes on: cdktr-run --wait %s", id)
	case errors.As(err, &away) && !known:
		return err
	case errors.Is(err, context.DeadlineExceeded) && j.o.Quiet:
		return cli.Exit(cli.TimedOut, nil)
	case errors.Is(err, context.DeadlineExceeded):
		return cli.Exitf(cli.TimedOut, "run %s has not ended within %s and goes on: cdktr-run --wait %s", id, time.Duration(j.o.Timeout), id)
	case away != nil:
		return fmt.Errorf("%w; run %s is kept: cdktr-run --wait %s", err, id, id)
	}
	return err
}

// cancelTime bounds the request to cancel after ^C: the user wants to leave.
const cancelTime = 5 * time.Second

func (j job) cancelled(ctx context.Context, id string) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelTime)
	defer stop()
	if err := j.p.Call(ctx, wire.OpRunCancel, &wire.RunRef{Run: id}, nil); err != nil {
		return fmt.Errorf("interrupted, but run %s could not be cancelled: %w", id, err)
	}
	if j.o.Quiet {
		return cli.Exit(cli.Interrupted, nil)
	}
	return cli.Exitf(cli.Interrupted, "interrupted; run %s is being cancelled", id)
}

// verdict makes the exit code of a run's final status, and says what failed.
func (j job) verdict(ctx context.Context, ended wire.RunWaited) error {
	code := cli.Failed
	switch ended.Status {
	case "COMPLETED":
		return nil
	case "CANCELLED":
		code = cli.Cancelled
	}
	if j.o.Quiet {
		return cli.Exit(code, nil)
	}
	text := fmt.Sprintf("run %s %s", ended.Run, ended.Status)
	// The reasons are a courtesy: without them the verdict stands.
	if r, err := j.p.Run(ctx, ended.Run); err == nil && code == cli.Failed {
		text += overdue(r.Tasks) + culprits(r.Tasks)
	}
	return cli.Exit(code, errors.New(text))
}

// overdue is why a FAILED run was ended with tasks to come: its timeout passed.
func overdue(tasks []wire.Task) string {
	for _, t := range tasks {
		if t.Status == "CANCELLED" && t.Reason != nil {
			return "; " + *t.Reason
		}
	}
	return ""
}

// culprits names the tasks that failed, the first three of them.
func culprits(tasks []wire.Task) string {
	const most = 3
	var said []string
	failed := 0
	for _, t := range tasks {
		if t.Status != "FAILED" && t.Status != "CRASHED" {
			continue
		}
		if failed++; failed > most {
			continue
		}
		why := t.Status
		switch {
		case t.Reason != nil && *t.Reason != "":
			why = *t.Reason
		case t.ExitCode != nil:
			why = fmt.Sprintf("exit code %d", *t.ExitCode)
		}
		said = append(said, fmt.Sprintf("task %q: %s", t.Task, why))
	}
	if failed == 0 {
		return ""
	}
	text := "; " + strings.Join(said, "; ")
	if failed > most {
		text += fmt.Sprintf("; and %d more", failed-most)
	}
	return text
}
