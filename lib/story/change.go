package story

import (
	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

// Change is a change of status as people see it, or false for an event that
// changes none.
func Change(e *run.Event) (wire.Event, bool) {
	if e.Status == "" {
		return wire.Event{}, false
	}
	out := wire.Event{Time: wire.At(e.Time), Pos: e.Pos, Workflow: e.Workflow, Run: e.Run, Status: string(e.Status)}
	if e.Task != "" {
		out.Task = &e.Task
	}
	if e.Attempt > 0 {
		out.Attempt = &e.Attempt
	}
	if e.Agent != "" {
		out.Agent = &e.Agent
	}
	if e.Reason != "" {
		out.Reason = &e.Reason
	}
	return out, true
}
