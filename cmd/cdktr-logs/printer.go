package main

import (
	"bufio"
	"cmp"
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
	open   record // cat: the last record was a part of a line, not yet ended

	last   record    // text: whose line was the last one,
	head   string    // and what stood before its message
	second [2]string // text: a second, as records have it and as people see it
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

// records prints log records.
func (p *printer) records(some []json.RawMessage) error {
	for _, raw := range some {
		if p.format == "json" {
			p.w.Write(cli.CleanJSON(raw))
			p.w.WriteByte('\n')
			continue
		}
		var r record
		if err := r.read(raw); err != nil {
			return fmt.Errorf("read a log record: %w", err)
		}
		if p.format == "cat" {
			p.bare(&r)
		} else {
			p.line(&r)
		}
	}
	return nil
}

// line writes a record for people. What is the same in many lines one after
// the other is worked out once.
func (p *printer) line(r *record) {
	if !r.sameStream(&p.last) || p.head == "" {
		p.last, p.head = r.stable(), p.headOf(r)
	}
	p.say(dim, p.local(r.time))
	p.w.WriteString(p.head)
	p.w.WriteString(cli.Clean(string(r.message)))
	p.w.WriteByte('\n')
}

// headOf is what stands between the time and the message.
func (p *printer) headOf(r *record) string {
	style := ""
	switch string(r.stream) {
	case wire.Stderr:
		style = red
	case wire.System:
		style = cyan
	}
	return " " + p.styled(dim, fmt.Sprintf("%s %s/%s", r.run, r.workflow, attempt(string(r.task), r.attempt))) +
		" " + p.styled(style, fmt.Sprintf("%-6s", r.stream)) + " | "
}

// local is a record's time in the zone of who reads it.
func (p *printer) local(at []byte) string {
	const second, layout = len("2006-01-02T15:04:05"), "2006-01-02 15:04:05.000"
	if len(at) == second+len(".000Z") && string(at[:second]) == p.second[0] {
		return p.second[1] + string(at[second:second+4])
	}
	t, err := time.Parse(time.RFC3339Nano, string(at))
	if err != nil {
		return string(at)
	}
	text := t.In(p.env.Zone).Format(layout)
	if len(at) >= second {
		p.second = [2]string{string(at[:second]), text[:second]}
	}
	return text
}

// bare writes the message as the task wrote it; only a terminal is spared what
// would harm it. The parts of a long line are put together again where nothing
// else came in between.
func (p *printer) bare(r *record) {
	o := &p.open
	if o.part > 0 && (r.part != o.part+1 || !r.sameStream(o)) {
		p.w.WriteByte('\n')
	}
	if p.env.OutTerminal {
		p.w.WriteString(cli.Clean(string(r.message)))
	} else {
		p.w.Write(r.message)
	}
	if p.open = *r; r.part == 0 {
		p.w.WriteByte('\n')
	}
}

// flush hands everything over to stdout.
func (p *printer) flush() error { return p.w.Flush() }

// end closes a line that was left open.
func (p *printer) end() error {
	if p.open.part > 0 {
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

func (p *printer) events(some []wire.Event) error {
	for i := range some {
		if err := p.event(&some[i]); err != nil {
			return err
		}
	}
	return nil
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
		return p.eventObject(e)
	case "text":
		p.time(e.Time)
	}
	p.say(dim, fmt.Sprintf("%-12s", cmp.Or(e.Run, "-"))) // a skipped slot has none
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

// eventObject writes an event as it came, but for a run that there is not.
func (p *printer) eventObject(e *wire.Event) error {
	if e.Run != "" {
		return cli.NewEncoder(p.w).Encode(e)
	}
	return cli.NewEncoder(p.w).Encode(struct {
		Time     wire.Time `json:"time"`
		Pos      int64     `json:"pos"`
		Workflow string    `json:"workflow"`
		Run      *string   `json:"run"`
		Task     *string   `json:"task"`
		Attempt  *int      `json:"attempt"`
		Status   string    `json:"status"`
		Agent    *string   `json:"agent"`
		Reason   *string   `json:"reason"`
	}{e.Time, e.Pos, e.Workflow, nil, e.Task, e.Attempt, e.Status, e.Agent, e.Reason})
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
func (p *printer) say(style, text string) { p.w.WriteString(p.styled(style, text)) }

func (p *printer) styled(style, text string) string {
	text = cli.Clean(text)
	if !p.env.OutColor || style == "" {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
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
