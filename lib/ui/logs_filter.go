package ui

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/wire"
)

// logsFilter is which lines are shown, as it was written: the flags of cdktr-logs.
type logsFilter struct {
	grep, workflow, run, task, stream, since, until string
}

// logsFields are the fields of a filter, in the order of the form.
var logsFields = [...]struct{ name, hint string }{
	{"grep", "only messages that match (RE2; any case, unless it has an upper case letter)"},
	{"workflow", "of these workflows: etl.daily, etl.* (* and ? are wild)"},
	{"run", "of this run: its id, or a unique beginning of it"},
	{"task", "of this task"},
	{"stream", "stdout, stderr, or system (CDKTR's own remarks)"},
	{"since", "from this time on: 1h, 2d, today, yesterday, 2026-01-02 03:04, @1767323040 (default: 24 h, of a run all)"},
	{"until", "before this time; then no new lines come"},
}

// field is the place of a field's text.
func (f *logsFilter) field(i int) *string {
	return [...]*string{&f.grep, &f.workflow, &f.run, &f.task, &f.stream, &f.since, &f.until}[i]
}

func (f *logsFilter) on() bool { return *f != logsFilter{} }

// check says what is wrong with a field, or nil.
func (f *logsFilter) check(i int, now time.Time, zone *time.Location) error {
	text := *f.field(i)
	if text == "" {
		return nil
	}
	switch logsFields[i].name {
	case "grep":
		_, err := wire.ParsePattern(text)
		return err
	case "stream":
		if text != wire.Stdout && text != wire.Stderr && text != wire.System {
			return errors.New("must be stdout, stderr or system")
		}
	case "since":
		_, err := cli.ParseTime(text, now, zone)
		return err
	case "until":
		until, err := cli.ParseTime(text, now, zone)
		if err != nil {
			return err
		}
		if since, err := cli.ParseTime(f.since, now, zone); err == nil && until.Before(since) {
			return fmt.Errorf("(%s) is before since (%s)", until.Format(time.RFC3339), since.Format(time.RFC3339))
		}
	}
	return nil
}

// query is the request. Without a time and a run it asks for the last day.
func (f *logsFilter) query(now time.Time, zone *time.Location) (wire.LogsQuery, error) {
	q := wire.LogsQuery{Filter: wire.Filter{Workflow: f.workflow, Run: f.run}, Task: f.task, Stream: f.stream, Grep: f.grep}
	for i, field := range logsFields {
		if err := f.check(i, now, zone); err != nil {
			return q, fmt.Errorf("%s %w", field.name, err)
		}
	}
	end := now
	if f.until != "" {
		t, _ := cli.ParseTime(f.until, now, zone) // checked above
		q.Until = roundUp(t)
		if t.Before(end) {
			end = t
		}
	}
	switch {
	case f.since != "":
		t, _ := cli.ParseTime(f.since, now, zone)
		q.Since = roundUp(t)
	case f.run == "":
		q.Since = roundUp(end.Add(-day))
	}
	return q, nil
}

// roundUp is a bound for times of whole milliseconds.
func roundUp(t time.Time) *wire.Time { return wire.MaybeAt(t.Add(time.Millisecond - time.Nanosecond)) }

// text is the filter in one line.
func (f *logsFilter) text() string {
	var parts []string
	for i, field := range logsFields {
		if value := *f.field(i); value != "" {
			if strings.ContainsAny(value, " ") {
				value = `"` + value + `"`
			}
			parts = append(parts, field.name+":"+value)
		}
	}
	return strings.Join(parts, " ")
}
