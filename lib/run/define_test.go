package run

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/workflow"
)

func (w *world) define(l line) {
	d := &workflow.Definition{
		ID:          l.words[0],
		Placement:   workflow.Placement(l.named["placement"]),
		OnAgentLoss: workflow.OnAgentLoss(l.named["on_agent_loss"]),
		Hash:        fmt.Sprint(l.words, l.named),
		Timeout:     w.duration(l.named["timeout"]),
		Priority:    int(l.number("priority", 0)),
		Agents:      l.pairs("agents"),

		Overlap:       workflow.Overlap(l.named["overlap"]),
		MaxActiveRuns: int(l.number("max_active_runs", 0)),
	}
	for _, s := range l.words[1:] {
		switch task := w.task(s); task.ID {
		case workflow.OnSuccessID:
			d.OnSuccess = task
		case workflow.OnFailureID:
			d.OnFailure = task
		case workflow.OnEndID:
			d.OnEnd = task
		default:
			d.Tasks = append(d.Tasks, *task)
		}
	}
	w.workflows[d.ID] = d
}

// task is one of a workflow: its id, after < what it depends on, and after each
// slash one of its fields.
func (w *world) task(s string) *workflow.Task {
	s, fields, _ := strings.Cut(s, "/")
	id, deps, ok := strings.Cut(s, "<")
	t := &workflow.Task{ID: id}
	if ok {
		t.Depends = strings.Split(deps, ",")
	}
	for _, f := range strings.Split(fields, "/") {
		switch name, value, _ := strings.Cut(f, ":"); name {
		case "":
		case "if":
			t.If = workflow.Condition(value)
		case "allowed":
			t.AllowFailure = true
		case "asks":
			t.WorkingDirectory = "${{ tasks.x.outputs.y }}"
		case "retries":
			t.Retries.Limit, _ = strconv.Atoi(value)
		case "delay":
			t.Retries.Delay = w.duration(value)
		case "backoff":
			t.Retries.Backoff, _ = strconv.ParseFloat(value, 64)
		case "max_delay":
			t.Retries.MaxDelay = w.duration(value)
		default:
			w.t.Fatalf("unknown field of a task: %q", f)
		}
	}
	return t
}

func (w *world) duration(s string) workflow.Duration {
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		w.t.Fatal(err)
	}
	return workflow.Duration(d)
}
