package sim

import (
	"testing"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/workflow"
)

// The judge itself is held to what it shall see.
func TestHistorySeesBrokenPromises(t *testing.T) {
	chain := &workflow.Definition{ID: "w", Tasks: []workflow.Task{{ID: "a"}, {ID: "b", Depends: []string{"a"}}}}
	created := func(id, key string) run.Event {
		return run.Event{Kind: run.RunCreated, Run: id, Workflow: "w", Status: run.Pending, Created: &run.Created{Definition: chain, Key: key}}
	}
	status := func(s run.Status) run.Event { return run.Event{Kind: run.RunChanged, Run: "r", Status: s} }
	task := func(id string, n int, s run.Status, agent string) run.Event {
		ev := run.Event{Kind: run.TaskChanged, Run: "r", Task: id, Attempt: n, Status: s, AgentRef: run.AgentRef{ID: agent}}
		if s == run.Completed || s == run.Failed {
			ev.Ended = &run.Ended{Outcome: run.Exited}
		}
		return ev
	}
	begun := []run.Event{created("r", "k"), status(run.Running), task("a", 1, run.Running, "x")}
	lost := append(begun[:3:3], task("a", 1, run.Crashed, ""), run.Event{Kind: run.TaskQueued, Run: "r", Task: "a", Attempt: 2})
	for _, c := range []struct {
		name string
		good []run.Event
		bad  run.Event
	}{
		{"one key, two runs", begun, created("r2", "k")},
		{"created twice", begun, created("r", "")},
		{"leased twice at once", begun, task("a", 2, run.Running, "y")},
		{"leased before its parent completed", begun, task("b", 1, run.Running, "x")},
		{"the same attempt again", lost, task("a", 1, run.Running, "y")},
		{"a result of a lost attempt", lost, task("a", 1, run.Completed, "x")},
		{"a result from somebody else", begun, task("a", 1, run.Completed, "y")},
		{"a second result", append(begun[:3:3], task("a", 1, run.Completed, "x")), task("a", 1, run.Failed, "x")},
		{"skipped without need", begun, task("b", 0, run.Skipped, "")},
		{"cancelled by nobody", begun, task("b", 0, run.Cancelled, "")},
		{"ended with a task running", begun, status(run.Completed)},
		{"a failed run called completed", append(begun[:3:3], task("a", 1, run.Failed, "x"), task("b", 0, run.Skipped, "")), status(run.Completed)},
		{"an event after the end", append(begun[:3:3], task("a", 1, run.Failed, "x"), task("b", 0, run.Skipped, ""), status(run.Failed)), status(run.Failed)},
		{"an event of no run", nil, status(run.Running)},
	} {
		h := NewHistory()
		for _, ev := range c.good {
			if err := h.Add(ev); err != nil {
				t.Errorf("%s: the good part: %v", c.name, err)
			}
		}
		if h.Add(c.bad) == nil {
			t.Errorf("%s: not seen", c.name)
		}
	}
}

func TestOneSeedIsOneHistory(t *testing.T) {
	tell := func() (lines int, last string) {
		_ = Simulate(42, func(format string, args ...any) {
			lines++
			last = format
		})
		return lines, last
	}
	n1, l1 := tell()
	n2, l2 := tell()
	if n1 != n2 || l1 != l2 || n1 < 100 {
		t.Errorf("the same seed told %d and %d lines", n1, n2)
	}
}
