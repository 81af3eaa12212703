package sim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/workflow"
)

// rich has a task with a retry, conditions, handlers and a timeout.
func rich() *workflow.Definition {
	return &workflow.Definition{ID: "w", Timeout: 1,
		Tasks: []workflow.Task{
			{ID: "a", Retries: workflow.Retries{Limit: 1}},
			{ID: "b", Depends: []string{"a"}},
			{ID: "c", Depends: []string{"a"}, If: workflow.IfFailure},
		},
		OnFailure: &workflow.Task{ID: workflow.OnFailureID},
		OnEnd:     &workflow.Task{ID: workflow.OnEndID},
	}
}

// tale makes events of lines such as "r RUNNING", "a#1 FAILED", "a#2 queued",
// "cancel", "timeout", "reopen", "held" and "released".
func tale(lines string) []run.Event {
	events := []run.Event{{Kind: run.RunCreated, Run: "r", Workflow: "w", Status: run.Pending, Created: &run.Created{Definition: rich()}}}
	for _, l := range strings.Split(lines, "; ") {
		words := strings.Fields(l)
		ev := run.Event{Run: "r", Workflow: "w"}
		switch words[0] {
		case "cancel":
			ev.Kind = run.CancelRequested
		case "timeout":
			ev.Kind = run.RunTimedOut
		case "held":
			ev.Kind = run.RunHeld
		case "released":
			ev.Kind = run.RunReleased
		case "reopen":
			ev.Kind, ev.Status = run.RunReopened, run.Pending
		case "r":
			ev.Kind, ev.Status, ev.Reason = run.RunChanged, run.Status(words[1]), strings.Join(words[2:], " ")
		default:
			ev.Kind, ev.Status = run.TaskChanged, run.Status(words[1])
			_, _ = fmt.Sscanf(strings.Replace(words[0], "#", " ", 1), "%s %d", &ev.Task, &ev.Attempt)
			switch ev.Status {
			case run.Running:
				ev.AgentRef.ID = "x"
			case run.Completed, run.Failed:
				ev.AgentRef.ID, ev.Ended = "x", &run.Ended{}
			case "queued":
				ev.Kind, ev.Status = run.TaskQueued, ""
			}
		}
		events = append(events, ev)
	}
	return events
}

func TestHistoryKnowsWhatAFileCanSay(t *testing.T) {
	const (
		starts  = "r RUNNING; a#1 RUNNING; "
		fails   = starts + "a#1 FAILED; a#2 WAITING; a#2 queued; a#2 RUNNING; a#2 FAILED; b#0 SKIPPED; "
		alarmed = fails + "c#1 RUNNING; c#1 COMPLETED; "
		told    = alarmed + "on_failure#1 RUNNING; on_failure#1 COMPLETED; "
		failed  = told + "on_end#1 RUNNING; on_end#1 COMPLETED; r FAILED"
		stopped = starts + "timeout; b#0 CANCELLED; c#0 CANCELLED; a#1 CANCELLED; "
		again   = failed + "; reopen; a#3 queued; b#1 queued; "
	)
	for _, c := range []struct{ name, good, bad string }{
		{"a third attempt", fails[:strings.Index(fails, "b#0")-2], "a#3 WAITING"},
		{"no second attempt", starts + "a#1 FAILED", "b#0 SKIPPED"},
		{"a wait that nobody ends", starts + "a#1 FAILED; a#2 WAITING", "a#2 RUNNING"},
		{"a wait without a failure", starts + "a#1 CRASHED", "a#2 WAITING"},
		{"a retry under another number", starts + "a#1 FAILED; a#2 WAITING", "a#3 queued"},
		{"a retry after the cancel", starts + "a#1 FAILED; a#2 WAITING; cancel", "a#2 queued"},
		{"run without a failure", starts + "a#1 COMPLETED", "c#1 RUNNING"},
		{"skipped, though something failed", fails[:len(fails)-2], "c#0 SKIPPED"},
		{"a handler before the end of the tasks", fails[:len(fails)-2], "on_failure#1 RUNNING"},
		{"the last handler first", alarmed[:len(alarmed)-2], "on_end#1 RUNNING"},
		{"a handler that does not apply", starts + "a#1 COMPLETED; c#0 SKIPPED; b#1 RUNNING; b#1 COMPLETED", "on_failure#1 RUNNING"},
		{"a handler that applies is skipped", alarmed[:len(alarmed)-2], "on_failure#0 SKIPPED"},
		{"ended without its handler", told[:len(told)-2], "r FAILED"},
		{"a handler twice", told + "on_end#1 RUNNING; on_end#1 COMPLETED", "on_end#2 RUNNING"},
		{"over time, and another is leased", starts + "a#1 COMPLETED; timeout", "b#1 RUNNING"},
		{"over time, and CANCELLED", stopped + "on_failure#1 RUNNING; on_failure#1 COMPLETED; on_end#1 RUNNING; on_end#1 COMPLETED", "r CANCELLED"},
		{"over time, and the reason is another", stopped + "on_failure#1 RUNNING; on_failure#1 COMPLETED; on_end#1 RUNNING; on_end#1 COMPLETED", "r FAILED exit 1"},
		{"over time in its handlers", alarmed[:len(alarmed)-2], "timeout"},
		{"cancelled in its handlers, and another begins", told + "cancel", "on_end#1 RUNNING"},
		{"held, and it begins", "held", "r RUNNING"},
		{"held twice", "held", "held"},
		{"released, and it was not held", "held; released", "released"},
		{"held when it has begun", "held; released; r RUNNING", "held"},
		{"cancelled while it is held, and a handler begins", "held; cancel; a#0 CANCELLED; b#0 CANCELLED; c#0 CANCELLED", "on_end#1 RUNNING"},
		{"held, and it ends", failed + "; reopen; held; a#3 queued; b#1 queued; on_failure#2 queued; on_end#2 queued", "r FAILED"},
		{"opened again while it is open", told[:len(told)-2], "reopen"},
		{"opened again after it completed", starts + "a#1 COMPLETED; c#0 SKIPPED; b#1 RUNNING; b#1 COMPLETED; on_failure#0 SKIPPED; on_end#1 RUNNING; on_end#1 COMPLETED; r COMPLETED", "reopen"},
		{"opened again under an old number", failed + "; reopen", "a#2 queued"},
		{"opened again without a task", again + "on_failure#2 queued", "r RUNNING"},
		{"opened again with a second attempt too many", again + "on_failure#2 queued; on_end#2 queued; r RUNNING; a#3 RUNNING; a#3 FAILED; a#4 WAITING; a#4 queued; a#4 RUNNING; a#4 FAILED", "a#5 WAITING"},
	} {
		h := NewHistory()
		for _, ev := range tale(c.good) {
			if err := h.Add(ev); err != nil {
				t.Errorf("%s: the good part: %v", c.name, err)
			}
		}
		for _, ev := range tale(c.bad)[1:] {
			if h.Add(ev) == nil {
				t.Errorf("%s: not seen", c.name)
			}
		}
	}
}

func TestWhatCommandsShowOfRichRunsIsJudged(t *testing.T) {
	const fails = begins + "r/a#1 FAILED x; r/a#2 WAITING; r/a#2 RUNNING y; r/a#2 FAILED y; r/b SKIPPED; r/c#1 RUNNING y; r/c#1 COMPLETED y; "
	const failed = fails + "r/on_failure#1 RUNNING x; r/on_failure#1 COMPLETED x; r/on_end#1 RUNNING x; r/on_end#1 CRASHED x; r/on_end#2 RUNNING y; r/on_end#2 COMPLETED y; r FAILED; "
	for _, c := range []struct{ name, shown, want string }{
		{"a retry, and the handlers", failed + "q PENDING", ""},
		{"a retry too many", begins + "r/a#1 FAILED x; r/a#2 WAITING; r/a#2 RUNNING y; r/a#2 FAILED y; r/a#3 WAITING", "it was FAILED"},
		{"cancelled, and its handler after that", begins + "r/b CANCELLED; r/c CANCELLED; r/a#1 CANCELLED x; r/on_failure SKIPPED; r/on_end#1 RUNNING x; r/on_end#1 CANCELLED x; r CANCELLED", ""},
		{"opened again", failed + "r PENDING; r RUNNING; r/a#3 RUNNING x; r/a#3 COMPLETED x; r/b#1 RUNNING x; r/b#1 COMPLETED x; r/on_failure SKIPPED; r/on_end#3 RUNNING x; r/on_end#3 COMPLETED x; r COMPLETED", ""},
		{"opened again, and what completed runs again", begins + "r/a#1 COMPLETED x; r/c SKIPPED; r/b#1 RUNNING x; r/b#1 FAILED x; r/on_failure#1 RUNNING x; r/on_failure#1 COMPLETED x; r/on_end#1 RUNNING x; r/on_end#1 COMPLETED x; r FAILED; r PENDING; r RUNNING; r/a#2 RUNNING x", "leased while COMPLETED"},
	} {
		_, broken := ReadHistory(show(c.shown), rich())
		if c.want == "" && len(broken) > 0 || c.want != "" && !strings.Contains(fmt.Sprint(broken), c.want) {
			t.Errorf("%s: %v, want %q", c.name, broken, c.want)
		}
	}
}
