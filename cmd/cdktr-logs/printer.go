package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"sort"
	"time"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/wire"
)

// printer writes records, runs and events in one of three formats. Errors of
// its buffered writer stick and come out at Flush.
type printer struct {
	w      *bufio.Writer
	format string // json, text, cat
	env    cli.Env
	open   wire.LogRecord // cat: the last record was a part of a line, not yet ended
}

// format is what "auto" means.
func format(wanted string, terminal bool) string {
	switch {
	case wanted != "auto" && wanted != "":
		return wanted
	case terminal:
		return "text"
	}
	return "json"
}

func (p *printer) record(raw json.RawMessage) error {
	if p.format == "json" {
		p.w.Write(cli.CleanJSON(raw))
		return p.w.WriteByte('\n')
	}
	var r wire.LogRecord
	if err := json.Unmarshal(raw, &r); err != nil {
		return fmt.Errorf("read a log record: %w", err)
	}
	if p.format == "cat" {
		return p.bare(&r)
	}
	p.time(r.Time)
	p.say(dim, r.Run+" "+r.Workflow+"/"+attempt(r.Task, r.Attempt))
	style := ""
	switch r.Stream {
	case wire.Stderr:
		style = red
	case wire.System:
		style = cyan
	}
	p.w.WriteByte(' ')
	p.say(style, fmt.Sprintf("%-6s", r.Stream))
	p.w.WriteString(" | ")
	p.w.WriteString(cli.Clean(text(&r)))
	return p.w.WriteByte('\n')
}

// bare writes the message as the task wrote it; only a terminal is spared what
// would harm it. The parts of a long line are put together again where nothing
// else came in between.
func (p *printer) bare(r *wire.LogRecord) error {
	o := &p.open
	if o.Part > 0 && (r.Part != o.Part+1 || r.Run != o.Run || r.Task != o.Task || r.Attempt != o.Attempt || r.Stream != o.Stream) {
		p.w.WriteByte('\n')
	}
	message := text(r)
	if p.env.OutTerminal {
		message = cli.Clean(message)
	}
	p.w.WriteString(message)
	p.open = *r
	if r.Part == 0 {
		p.w.WriteByte('\n')
	}
	return nil
}

// end closes a line that was left open.
func (p *printer) end() error {
	if p.open.Part > 0 {
		p.w.WriteByte('\n')
	}
	return p.w.Flush()
}

func (p *printer) run(r *wire.Run) error {
	switch p.format {
	case "json":
		if r.Params == nil {
			r.Params = wire.Params{}
		}
		r.Tasks = nil
		return cli.NewEncoder(p.w).Encode(r)
	case "cat":
		p.w.WriteString(r.Run)
		return p.w.WriteByte('\n')
	}
	if r.Created != nil {
		p.time(*r.Created)
	}
	p.say(dim, r.Run)
	p.w.WriteByte(' ')
	p.say(colorOf(r.Status), fmt.Sprintf("%-9s", r.Status))
	fmt.Fprintf(p.w, " %9s %s", took(r), cli.Clean(r.Workflow))
	for _, name := range sortedNames(r.Params) {
		p.w.WriteString(" " + cli.Clean(name+"="+r.Params[name]))
	}
	return p.w.WriteByte('\n')
}

func (p *printer) event(e *wire.Event) error {
	what := e.Workflow
	if e.Task != nil {
		n := 0
		if e.Attempt != nil {
			n = *e.Attempt
		}
		what += "/" + attempt(*e.Task, n)
	}
	switch p.format {
	case "json":
		return cli.NewEncoder(p.w).Encode(e)
	case "text":
		p.time(e.Time)
	}
	p.say(dim, e.Run)
	p.w.WriteByte(' ')
	p.say(colorOf(e.Status), fmt.Sprintf("%-9s", e.Status))
	p.w.WriteString(" " + cli.Clean(what))
	if e.Agent != nil && *e.Agent != "" {
		p.w.WriteString(" on " + cli.Clean(*e.Agent))
	}
	if e.Reason != nil && *e.Reason != "" {
		p.w.WriteString(": " + cli.Clean(*e.Reason))
	}
	return p.w.WriteByte('\n')
}

func (p *printer) time(t wire.Time) {
	p.say(dim, t.In(p.env.Zone).Format("2006-01-02 15:04:05.000"))
	p.w.WriteByte(' ')
}

const (
	dim   = "2"
	red   = "31"
	green = "32"
	cyan  = "36"
)

// say writes text in a colour, if colour is wanted.
func (p *printer) say(style, text string) {
	text = cli.Clean(text)
	if !p.env.OutColor || style == "" {
		p.w.WriteString(text)
		return
	}
	p.w.WriteString("\x1b[" + style + "m" + text + "\x1b[0m")
}

func colorOf(status string) string {
	switch status {
	case "COMPLETED":
		return green
	case "FAILED", "CRASHED":
		return red
	}
	return ""
}

// text is a record's message, or what stands for it.
func text(r *wire.LogRecord) string {
	switch {
	case r.Gap != nil:
		return fmt.Sprintf("[%d lines (%d bytes) are missing here]", r.Gap.Lines, r.Gap.Bytes)
	case r.Message != nil:
		return *r.Message
	}
	return string(r.MessageBase64)
}

// attempt names a task, and which attempt where it is not the first.
func attempt(task string, n int) string {
	if n <= 1 {
		return task
	}
	return fmt.Sprintf("%s#%d", task, n)
}

func took(r *wire.Run) string {
	if r.Started == nil || r.Ended == nil {
		return "-"
	}
	return r.Ended.Sub(r.Started.Time).Round(time.Millisecond).String()
}

func sortedNames(params wire.Params) []string {
	names := make([]string, 0, len(params))
	for name := range params {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
