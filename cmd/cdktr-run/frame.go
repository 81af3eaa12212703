package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/wire"
)

// row is one line of a frame: text that is harmless and fits, and where in it
// the status is, for its colour.
type row struct {
	text   string
	at     int // bytes before the status
	status string
}

// frame is a run at an instant, as a picture for a terminal: the run, its tasks
// in the file's order, as many as fit, and how many of each status are left
// out. The last line of the terminal stays free for the cursor.
func frame(r wire.Run, now time.Time, width, height int) []row {
	room := max(height-2, 1) // beside the run's own line and the cursor's
	shown := r.Tasks
	if len(shown) > room {
		shown = pick(shown, room-1)
	}
	names, times := 0, 0
	for i := range shown {
		names = max(names, cells(line(shown[i].Task)))
		times = max(times, cells(elapsed(shown[i].Started, shown[i].Ended, now)))
	}
	names = min(names, max(width*2/5, 8))

	began := r.Started
	if began == nil {
		began = r.Created
	}
	rows := []row{newRow(line(r.Workflow)+" "+line(r.Run)+"  ", r.Status, "  "+elapsed(began, r.Ended, now), width)}
	for i := range shown {
		t := &shown[i]
		rest := pad("", longestStatus-len(t.Status)) + "  " + pad(elapsed(t.Started, t.Ended, now), times) + "  " + line(remark(t))
		rows = append(rows, newRow("  "+pad(cut(line(t.Task), names), names)+"  ", t.Status, rest, width))
	}
	if len(shown) < len(r.Tasks) && height > 2 {
		rows = append(rows, newRow("  "+leftOut(r.Tasks, shown), "", "", width))
	}
	return rows
}

const longestStatus = len("COMPLETED")

func newRow(before, status, after string, width int) row {
	text := cut(strings.TrimRight(before+status+after, " "), width)
	if !strings.HasPrefix(text, before+status) {
		return row{text: text}
	}
	return row{text, len(before), status}
}

// interest orders statuses by how much one wants to see such a task, where not
// all of them fit.
var interest = []string{"FAILED", "CRASHED", "RUNNING", "WAITING", "CANCELLED", "PENDING", "SKIPPED", "COMPLETED"}

// pick chooses n tasks and keeps their order.
func pick(tasks []wire.Task, n int) []wire.Task {
	var picked []int
	for _, status := range interest {
		for i := range tasks {
			if tasks[i].Status == status && len(picked) < n {
				picked = append(picked, i)
			}
		}
	}
	slices.Sort(picked)
	some := make([]wire.Task, len(picked))
	for i, at := range picked {
		some[i] = tasks[at]
	}
	return some
}

// leftOut counts the tasks that are not shown.
func leftOut(all, shown []wire.Task) string {
	count := map[string]int{}
	for i := range all {
		count[all[i].Status]++
	}
	for i := range shown {
		count[shown[i].Status]--
	}
	var words []string
	for _, status := range interest {
		if n := count[status]; n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, status))
		}
	}
	more := "and %d more: %s"
	if len(shown) == 0 {
		more = "%d tasks: %s"
	}
	return fmt.Sprintf(more, len(all)-len(shown), strings.Join(words, ", "))
}

// remark says where a task runs, what it waits for, or how it ended.
func remark(t *wire.Task) string {
	var words []string
	switch {
	case t.Reason != nil && *t.Reason != "":
		words = append(words, *t.Reason)
	case t.Status == "RUNNING" && t.Agent != nil:
		words = append(words, "on "+*t.Agent)
	case t.Status == "FAILED" && t.ExitCode != nil:
		words = append(words, fmt.Sprintf("exit %d", *t.ExitCode))
	}
	if t.Attempt > 1 && t.Started != nil {
		words = append(words, fmt.Sprintf("attempt %d", t.Attempt))
	}
	return strings.Join(words, ", ")
}

// elapsed is a time for people, with two numbers at most. The clocks of two
// machines may differ: it is never below zero.
func elapsed(from, to *wire.Time, now time.Time) string {
	if from == nil {
		return ""
	}
	if to != nil {
		now = to.Time
	}
	d := max(now.Sub(from.Time), 0)
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Truncate(100*time.Millisecond).Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
}

// line makes foreign text one harmless line.
func line(s string) string { return strings.ReplaceAll(cli.Clean(s), "\t", " ") }

func pad(s string, width int) string { return s + strings.Repeat(" ", max(width-cells(s), 0)) }
