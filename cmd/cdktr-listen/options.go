package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/listen"
	"github.com/cdktr/cdktr/lib/wire"
)

type options struct {
	cli.Connection
	Workflow   string `short:"w" long:"workflow" value-name:"WORKFLOW" unquote:"false" description:"every line is an event for this workflow"`
	Param      string `long:"param" value-name:"NAME" unquote:"false" description:"with -w: the parameter that a line of text is the value of (default: event)"`
	DeadLetter string `long:"dead-letter" value-name:"FILE" unquote:"false" description:"append the lines that were refused, as JSON lines"`
	OnError    string `long:"on-error" value-name:"WHAT" one-of:"skip fail" default:"skip" description:"at a line that is refused: skip it, or fail and send no more"`
	MaxLine    size   `long:"max-line" value-name:"SIZE" default:"1MiB" description:"longer lines are refused"`
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

func (o *options) check(env cli.Env) error {
	if o.Param != "" && o.Workflow == "" {
		return env.Usagef("--param goes with -w")
	}
	return nil
}

func (o *options) lines(env cli.Env) listen.Lines {
	format := listen.Format{Workflow: o.Workflow, Param: o.Param}
	if format.Param == "" {
		format.Param = "event"
	}
	return listen.Lines{In: env.Stdin, Format: format, Max: int(o.MaxLine)}
}
