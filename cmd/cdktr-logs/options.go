package main

import (
	"fmt"
	"path"
	"strconv"
	"time"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/wire"
)

type options struct {
	cli.Connection
	Since    cli.When `long:"since" value-name:"TIME" description:"from this time on (default: the last 24 h; with -r all of that run)"`
	Until    cli.When `long:"until" value-name:"TIME" description:"before this time"`
	Workflow string   `short:"w" long:"workflow" value-name:"GLOB" unquote:"false" description:"of these workflows, such as etl.*"`
	Run      string   `short:"r" long:"run" value-name:"RUN" description:"of this run"`
	Task     string   `short:"t" long:"task" value-name:"TASK" unquote:"false" description:"of this task"`
	Stream   string   `short:"s" long:"stream" value-name:"STREAM" one-of:"stdout stderr system" description:"stdout, stderr, or system: CDKTR's own remarks"`
	Lines    amount   `short:"n" long:"lines" value-name:"N" description:"the newest N only, or all"`
	Output   string   `short:"o" long:"output" value-name:"FORMAT" one-of:"auto json text cat" default:"auto" description:"json, text, cat (the bare message), or auto: text on a terminal, else json"`
	Runs     bool     `long:"runs" description:"the runs instead of their output"`
	Events   bool     `long:"events" description:"every change of status instead of the output"`
}

// amount is a number of records or "all".
type amount struct {
	given bool
	n     int // 0 with given: none at all
}

// UnmarshalFlag reads it.
func (a *amount) UnmarshalFlag(text string) error {
	if text == "all" {
		*a = amount{}
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return fmt.Errorf("%q is neither a number nor all", text)
	}
	*a = amount{true, n}
	return nil
}

// day is what is shown when nobody says since when.
const day = 24 * time.Hour

// check finds flags that contradict each other.
func (o *options) check(env cli.Env) error {
	if o.Runs && o.Events {
		return env.Usagef("--runs and --events exclude each other")
	}
	kind := ""
	switch {
	case o.Runs:
		kind = "--runs"
	case o.Events:
		kind = "--events"
	default:
		return nil
	}
	for _, f := range []struct{ flag, value string }{{"-t", o.Task}, {"-s", o.Stream}} {
		if f.value != "" {
			return env.Usagef("%s is for output and does not go with %s", f.flag, kind)
		}
	}
	return nil
}

// filter is the part of the query that output, runs and events share.
func (o *options) filter(env cli.Env) (wire.Filter, error) {
	f := wire.Filter{Workflow: o.Workflow, Run: o.Run}
	if _, err := path.Match(o.Workflow, ""); err != nil {
		return f, env.Usagef("-w %q is no pattern: a [ needs its ]", o.Workflow)
	}
	end := env.Start
	if o.Until != "" {
		until, err := o.Until.Time(env)
		if err != nil {
			return f, err
		}
		f.Until = instant(until)
		if until.Before(end) {
			end = until
		}
	}
	switch {
	case o.Since != "":
		since, err := o.Since.Time(env)
		if err != nil {
			return f, err
		}
		f.Since = instant(since)
	case o.Run == "":
		f.Since = instant(end.Add(-day))
	}
	if f.Since != nil && f.Until != nil && f.Until.Before(f.Since.Time) {
		return f, env.Usagef("--until (%s) is before --since (%s)", f.Until, f.Since)
	}
	return f, nil
}

// instant rounds up to the millisecond: what is a little later than the
// records' times must not include them.
func instant(t time.Time) *wire.Time {
	at := wire.At(t.Add(time.Millisecond - time.Nanosecond))
	return &at
}
