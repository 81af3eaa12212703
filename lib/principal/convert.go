package principal

import (
	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/story"
	"github.com/cdktr/cdktr/lib/wire"
)

var heldStates = map[string]run.HeldState{
	"running":  run.HeldRunning,
	"stopping": run.HeldStopping,
	"done":     run.HeldDone,
}

var streams = map[string]bool{wire.Stdout: true, wire.Stderr: true, wire.System: true}

func agentIn(r wire.AgentRef) run.AgentRef {
	return run.AgentRef{ID: r.Agent, Incarnation: r.Incarnation}
}

func attemptIn(a wire.Attempt) run.AttemptID {
	return run.AttemptID{Run: a.Run, Task: a.Task, Attempt: a.Attempt}
}

func attemptOut(a run.AttemptID) wire.Attempt {
	return wire.Attempt{Run: a.Run, Task: a.Task, Attempt: a.Attempt}
}

func attemptsOut(ids []run.AttemptID) []wire.Attempt {
	out := make([]wire.Attempt, len(ids))
	for i, id := range ids {
		out[i] = attemptOut(id)
	}
	return out
}

func heldIn(held []wire.Held) []run.Held {
	out := make([]run.Held, len(held))
	for i, h := range held {
		out[i] = run.Held{AttemptID: attemptIn(h.Attempt), State: heldStates[h.State]}
	}
	return out
}

func resultIn(r wire.Result) run.Result {
	out := run.Result{
		AttemptID: attemptIn(r.Attempt),
		Outcome:   run.Outcome(r.Outcome),
		ExitCode:  r.ExitCode,
		Reason:    r.Reason,
		Ended:     r.Ended.Time,
		Lines:     r.Lines,
		Outputs:   r.Outputs,
	}
	if r.Started != nil {
		out.Started = &r.Started.Time
	}
	return out
}

// eventOut is a status change as queries and the live stream show it, or false
// for an event that changes no status.
func eventOut(e *run.Event) (wire.Event, bool) {
	return story.Change(e)
}
