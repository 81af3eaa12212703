package sim

import (
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/workflow"
)

// The judge itself is held to what it shall see.
func TestHistorySeesBrokenPromises(t *testing.T) {
	chain := []workflow.Task{{ID: "a"}, {ID: "b", Depends: []string{"a"}}}
	creates := func(id, key string, d workflow.Definition) run.Event {
		d.ID = "w"
		return run.Event{Kind: run.RunCreated, Run: id, Workflow: "w", Status: run.Pending, Created: &run.Created{Definition: &d, Key: key}}
	}
	created := func(id, key string) run.Event { return creates(id, key, workflow.Definition{Tasks: chain}) }
	status := func(s run.Status) run.Event { return run.Event{Kind: run.RunChanged, Run: "r", Status: s} }
	task := func(id string, n int, s run.Status, agent string) run.Event {
		ev := run.Event{Kind: run.TaskChanged, Run: "r", Task: id, Attempt: n, Status: s, AgentRef: run.AgentRef{ID: agent}}
		if s == run.Completed || s == run.Failed {
			ev.Ended = &run.Ended{Outcome: run.Exited}
		}
		return ev
	}
	begun := []run.Event{created("r", "k"), status(run.Running), task("a", 1, run.Running, "x")}
	queued := func(id string, n int) run.Event {
		return run.Event{Kind: run.TaskQueued, Run: "r", Task: id, Attempt: n}
	}
	lost := append(begun[:3:3], task("a", 1, run.Crashed, ""), queued("a", 2))
	lostForGood := append(lost[:5:5], task("a", 2, run.Running, "y"), task("a", 2, run.Crashed, ""), queued("a", 3),
		task("a", 3, run.Running, "y"), task("a", 3, run.Crashed, ""))

	toFail := []run.Event{creates("r", "", workflow.Definition{Tasks: chain, OnAgentLoss: workflow.FailOnLoss}), status(run.Running),
		task("a", 1, run.Running, "x"), task("a", 1, run.Crashed, "")}
	// a, b after a, and c: a has completed, b and c run, then their agent is lost.
	bound := []run.Event{creates("r", "", workflow.Definition{Tasks: append(chain[:2:2], workflow.Task{ID: "c"}), Placement: workflow.Together}), status(run.Running),
		task("a", 1, run.Running, "x"), task("a", 1, run.Completed, "x"), task("c", 1, run.Running, "x")}
	parted := append(bound[:5:5], task("b", 1, run.Running, "x"), task("c", 1, run.Crashed, "x"))
	again := append(parted[:7:7], task("b", 1, run.Crashed, "x"), queued("a", 2), queued("b", 2))
	between := append(bound[:4:4], queued("a", 2), task("a", 2, run.Running, "y"), task("a", 2, run.Completed, "y"))
	elsewhere := append(again[:10:10], queued("c", 2), task("c", 2, run.Running, "y"))
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
		{"cancelled twice", append(begun[:3:3], run.Event{Kind: run.CancelRequested, Run: "r"}), run.Event{Kind: run.CancelRequested, Run: "r"}},
		{"an event of no kind", begun, run.Event{Kind: "strange", Run: "r"}},
		{"begun twice", begun, status(run.Running)},
		{"completed without a result", begun, run.Event{Kind: run.TaskChanged, Run: "r", Task: "a", Attempt: 1, Status: run.Completed, AgentRef: run.AgentRef{ID: "x"}}},
		{"a status that is none", begun, task("a", 1, "STRANGE", "x")},
		{"leased after the cancel", append(begun[:3:3], task("a", 1, run.Completed, "x"), run.Event{Kind: run.CancelRequested, Run: "r"}), task("b", 1, run.Running, "x")},
		{"leased before the run begins", begun[:1:1], task("a", 1, run.Running, "x")},
		{"time goes back", begun, run.Event{Kind: run.CancelRequested, Run: "r", Time: time.Time{}.Add(-1)}},
		{"an event of no run", nil, status(run.Running)},
		{"the end of another attempt", append(lost[:5:5], task("a", 2, run.Running, "y")), task("a", 1, run.Crashed, "x")},
		{"a loss that is not followed", append(begun[:3:3], task("a", 1, run.Crashed, ""), task("b", 0, run.Skipped, "")), status(run.Crashed)},
		{"queued again after three losses", lostForGood, queued("a", 4)},
		{"queued again under another number", append(begun[:3:3], task("a", 1, run.Crashed, "")), queued("a", 3)},
		{"queued again without a loss", append(begun[:3:3], task("a", 1, run.Completed, "x")), queued("a", 2)},
		{"queued again after the cancel", append(begun[:3:3], run.Event{Kind: run.CancelRequested, Run: "r"}, task("a", 1, run.Crashed, "")), queued("a", 2)},
		{"queued again, and it was to fail", toFail, queued("a", 2)},
		{"failed at a loss and called completed", append(toFail[:4:4], task("b", 0, run.Skipped, "")), status(run.Completed)},
		{"together on two agents", bound, task("b", 1, run.Running, "y")},
		{"together, and a part goes on", append(bound[:5:5], task("c", 1, run.Crashed, "x")), task("b", 1, run.Running, "x")},
		{"together, and started again around a running task", parted, queued("a", 2)},
		{"together, and started again without a task", again, task("a", 2, run.Running, "y")},
		{"together, and a task that had not begun starts again", append(bound[:5:5], task("c", 1, run.Crashed, "x"), queued("a", 2)), queued("b", 1)},
		{"together, and given up between two tasks", between, task("b", 1, run.Crashed, "")},
		{"together, and started again after a loss for good", append(between[:7:7], queued("a", 3), task("a", 3, run.Running, "y"),
			task("a", 3, run.Completed, "y"), task("b", 1, run.Crashed, "")), queued("a", 4)},
		{"together, and an old result is kept", append(parted[:7:7], task("b", 1, run.Crashed, "x"), queued("b", 2), queued("c", 2)), task("b", 2, run.Running, "y")},
		{"together on two agents after a restart", elsewhere, task("a", 2, run.Running, "x")},
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
		_ = Simulate(43, func(format string, args ...any) {
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
