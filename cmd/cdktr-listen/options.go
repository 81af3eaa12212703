package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/listen"
	"github.com/cdktr/cdktr/lib/wire"
)

type options struct {
	cli.Connection
	Workflow   string   `short:"w" long:"workflow" value-name:"WORKFLOW" unquote:"false" description:"every line is an event for this workflow"`
	Rules      string   `long:"rules" value-name:"FILE" unquote:"false" description:"a file that says which lines are events, and of which workflow"`
	Param      string   `long:"param" value-name:"NAME" unquote:"false" description:"with -w: the parameter that a line of text is the value of (default: event)"`
	DeadLetter string   `long:"dead-letter" value-name:"FILE" unquote:"false" description:"append the lines that were refused, as JSON lines"`
	OnError    string   `long:"on-error" value-name:"WHAT" one-of:"skip fail" default:"skip" description:"at a line that is refused: skip it, or fail and send no more"`
	MaxLine    size     `long:"max-line" value-name:"SIZE" default:"1MiB" description:"longer lines are refused"`
	RetryFor   patience `long:"retry-for" value-name:"TIME" default:"FOREVER" description:"how long to try while the principal is away or takes no work"`
}

// patience is how long to try; 0: for ever.
type patience time.Duration

// UnmarshalFlag reads FOREVER or a duration.
func (p *patience) UnmarshalFlag(text string) error {
	if strings.EqualFold(text, "forever") {
		*p = 0
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return fmt.Errorf("%q is not a time such as 30s, 10m or FOREVER", text)
	}
	*p = patience(max(d, 1)) // one try at least
	return nil
}

// size is a number of bytes.
type size int

// UnmarshalFlag reads 4096, 64KiB or 1MiB.
func (s *size) UnmarshalFlag(text string) error {
	number, unit := text, 1
	for suffix, bytes := range map[string]int{"KiB": 1 << 10, "MiB": 1 << 20} {
		if before, ok := strings.CutSuffix(text, suffix); ok {
			number, unit = before, bytes
		}
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > wire.MaxMessage/unit {
		return fmt.Errorf("%q is not a size such as 4096, 64KiB or 1MiB, at most 4MiB", text)
	}
	*s = size(n * unit)
	return nil
}

// apply makes a client try for so long: without an end, because nobody would
// send the events again that were read, or for tries that add up to it.
func (p patience) apply(o *client.Options) {
	if p == 0 {
		o.Attempts = int(math.MaxInt64 / o.Try)
		return
	}
	whole := time.Duration(p)
	o.Attempts = int((whole + o.Try - 1) / o.Try)
	o.Try = max(whole/time.Duration(o.Attempts), min(o.Try, leastTry))
}

// leastTry is enough to be answered by a principal that is there.
const leastTry = time.Second

func (o *options) check(env cli.Env) error {
	switch {
	case o.Rules != "" && o.Workflow != "":
		return env.Usagef("--rules does not go with -w")
	case o.Param != "" && o.Workflow == "":
		return env.Usagef("--param goes with -w")
	}
	return nil
}

// lines are what is read, and whether some of it may be merged.
func (o *options) lines(env cli.Env) (lines listen.Lines, debounces bool, err error) {
	lines = listen.Lines{In: env.Stdin, Max: int(o.MaxLine)}
	if o.Rules == "" {
		format := listen.Format{Workflow: o.Workflow, Param: o.Param}
		if format.Param == "" {
			format.Param = "event"
		}
		lines.Parse = format.Event
		return lines, false, nil
	}
	r, err := readRules(env, o.Rules)
	if err != nil {
		return lines, false, err
	}
	if r.Debounces() && o.OnError == "fail" {
		return lines, false, env.Usagef("--on-error fail does not go with debounce in %s: what follows a line that waits is sent before it", o.Rules)
	}
	lines.Parse = r.Event
	return lines, r.Debounces(), nil
}
