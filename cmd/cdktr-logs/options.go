package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/wire"
)

type options struct {
	cli.Connection
	Since      cli.When `long:"since" value-name:"TIME" description:"from this time on (default: the last 24 h; with -r all of that run)"`
	Until      cli.When `long:"until" value-name:"TIME" description:"before this time"`
	Workflow   string   `short:"w" long:"workflow" value-name:"GLOB" unquote:"false" description:"of these workflows, such as etl.*"`
	Run        string   `short:"r" long:"run" value-name:"RUN" description:"of this run"`
	Task       string   `short:"t" long:"task" value-name:"TASK" unquote:"false" description:"of this task"`
	Stream     string   `short:"s" long:"stream" value-name:"STREAM" one-of:"stdout stderr system" description:"stdout, stderr, or system: CDKTR's own remarks"`
	Grep       string   `short:"g" long:"grep" value-name:"REGEX" unquote:"false" description:"only what matches; any case, unless the pattern has an upper case letter"`
	Lines      amount   `short:"n" long:"lines" value-name:"N" description:"the newest N only, or all"`
	Follow     bool     `short:"f" long:"follow" description:"go on with what is new; with -r until the run has ended"`
	CursorFile string   `long:"cursor-file" value-name:"FILE" unquote:"false" description:"go on where the last call with this file stopped"`
	Output     string   `short:"o" long:"output" value-name:"FORMAT" one-of:"auto json text cat" default:"auto" description:"json, text, cat (the bare message), or auto: text on a terminal, else json"`
	Runs       bool     `long:"runs" description:"the runs instead of their output"`
	Events     bool     `long:"events" description:"every change of status instead of the output"`
}

// amount is a number of records or "all".
type amount struct {
	given bool
	all   bool
	n     int // 0: none at all, where it is given
}

// UnmarshalFlag reads it.
func (a *amount) UnmarshalFlag(text string) error {
	if text == "all" {
		*a = amount{given: true, all: true}
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return fmt.Errorf("%q is neither a number nor all", text)
	}
	*a = amount{given: true, n: n}
	return nil
}

// none tells that nothing of what there is already is wanted.
func (a amount) none() bool { return a.given && !a.all && a.n == 0 }

const (
	// day is what is shown when nobody says since when.
	day = 24 * time.Hour
	// tail is how much of it -f begins with.
	tail = 10
)

// What can be printed. A cursor file names it.
const (
	ofOutput = "output"
	ofEvents = "events"
	ofRuns   = "runs"
)

func (o *options) of() string {
	switch {
	case o.Runs:
		return ofRuns
	case o.Events:
		return ofEvents
	}
	return ofOutput
}

// check finds flags that contradict each other, and patterns that are none.
func (o *options) check(env cli.Env) error {
	_, badGrep := wire.ParsePattern(o.Grep)
	switch {
	case o.Runs && o.Events:
		return env.Usagef("--runs and --events exclude each other")
	case o.Runs && o.Task != "":
		return env.Usagef("-t is for output and events and does not go with --runs")
	case o.of() != ofOutput && o.Stream != "":
		return env.Usagef("-s is for output and does not go with --%s", o.of())
	case o.Until != "" && o.Follow:
		return env.Usagef("--until and -f exclude each other: what is new has no end")
	case o.Until != "" && o.CursorFile != "":
		return env.Usagef("--until and --cursor-file exclude each other: the next call would go on after what this one leaves out")
	case badGrep != nil:
		return env.Usagef("-g: %w", badGrep)
	}
	return nil
}

// filter is the part of the query that output, runs and events share.
func (o *options) filter(env cli.Env) (wire.Filter, error) {
	f := wire.Filter{Workflow: o.Workflow, Run: o.Run}
	if o.Until != "" {
		until, err := o.Until.Time(env)
		if err != nil {
			return f, err
		}
		f.Until = instant(until)
	}
	if o.Since != "" {
		since, err := o.Since.Time(env)
		if err != nil {
			return f, err
		}
		f.Since = instant(since)
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

// window is what of the history is printed.
type window struct {
	wire.Filter
	after int64 // positions above this
	last  int   // the newest so many; 0: all
}

// window is what to begin with: what the flags say, or what came after the
// position that a cursor file keeps.
func (o *options) window(env cli.Env, f wire.Filter, after int64) window {
	w := window{Filter: f, after: after, last: o.Lines.n}
	switch {
	case o.Lines.none():
		// Nothing is as old as that: the answer has the position that the
		// history has come to, and costs nothing.
		w.Since, w.Until = nil, instant(time.Unix(0, 0))
		return w
	case after > 0, f.Since != nil || f.Run != "":
		return w
	case o.Follow && !o.Lines.given:
		w.last = tail
	}
	end := env.Start
	if f.Until != nil && f.Until.Before(end) {
		end = f.Until.Time
	}
	w.Since = instant(end.Add(-day))
	return w
}
