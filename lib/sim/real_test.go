package sim

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

// show makes what --events shows from lines such as "r RUNNING" and
// "r/a#1 CRASHED x".
func show(text string) []wire.Event {
	var shown []wire.Event
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i, l := range strings.Split(text, "; ") {
		words := strings.Fields(l)
		e := wire.Event{Pos: int64(10 * (i + 1)), Time: wire.At(at.Add(time.Duration(i) * time.Second)), Workflow: "w", Status: words[1]}
		subject, attempt, _ := strings.Cut(words[0], "#")
		id, task, ofTask := strings.Cut(subject, "/")
		e.Run = id
		if ofTask {
			e.Task = &task
		}
		if n, err := strconv.Atoi(attempt); err == nil {
			e.Attempt = &n
		}
		if len(words) > 2 {
			e.Agent = &words[2]
		}
		shown = append(shown, e)
	}
	return shown
}

const (
	begins  = "r PENDING; r RUNNING; r/a#1 RUNNING x; "
	crashes = "r/a#1 CRASHED x; "
	rest    = "r/a#2 RUNNING y; r/a#2 COMPLETED y; r/b#1 RUNNING y; r/b#1 COMPLETED y; "
)

func TestWhatCommandsShowIsJudged(t *testing.T) {
	spread := &workflow.Definition{ID: "w", Tasks: []workflow.Task{{ID: "a"}, {ID: "b", Depends: []string{"a"}}}}
	fail := &workflow.Definition{ID: "w", Tasks: spread.Tasks, OnAgentLoss: workflow.FailOnLoss}
	together := &workflow.Definition{ID: "w", Tasks: append(spread.Tasks[:2:2], workflow.Task{ID: "c"}), Placement: workflow.Together}
	for _, c := range []struct {
		name  string
		of    *workflow.Definition
		shown string
		want  string // empty: nothing is wrong
	}{
		{"a run", spread, begins + "r/a#1 COMPLETED x; r/b#1 RUNNING y; r/b#1 COMPLETED y; r COMPLETED", ""},
		{"a run that failed", spread, begins + "r/a#1 FAILED x; r/b SKIPPED; r FAILED", ""},
		{"a run that goes on", spread, begins + "r/a#1 CRASHED x", ""},
		{"two runs", spread, "q PENDING; " + begins + "q RUNNING; q/a#1 RUNNING x; q/a#1 FAILED x; q/b SKIPPED; q FAILED; r/a#1 FAILED x; r/b SKIPPED; r FAILED", ""},
		{"a failover", spread, begins + crashes + rest + "r COMPLETED", ""},
		{"cancelled while it waited", spread, begins + crashes + "r/a#2 CANCELLED; r/b CANCELLED; r CANCELLED", ""},
		{"cancelled, and yet it completed", spread, begins + "r/a#1 COMPLETED x; r/b#1 RUNNING y; r/b#1 COMPLETED y; r CANCELLED", ""},
		{"lost three times", spread, begins + crashes + "r/a#2 RUNNING x; r/a#2 CRASHED x; r/a#3 RUNNING x; r/a#3 CRASHED x; r/b SKIPPED; r CRASHED", ""},
		{"lost once, which is enough", fail, begins + crashes + "r/b SKIPPED; r CRASHED", ""},

		{"without its beginning", spread, "r RUNNING", "never created"},
		{"an attempt is left out", spread, begins + crashes + "r/a#3 RUNNING y", "attempt 3 after 1"},
		{"an attempt comes again", spread, begins + crashes + "r/a#1 RUNNING y", "attempt 1 after 1"},
		{"two leases at once", spread, begins + "r/a#2 RUNNING y", "leased while RUNNING"},
		{"two results", spread, begins + "r/a#1 COMPLETED x; r/a#1 FAILED x", "a second result"},
		{"a late result", spread, begins + crashes + "r/a#2 RUNNING y; r/a#1 COMPLETED x", "attempt 2 was running"},
		{"a result from somebody else", spread, begins + "r/a#1 COMPLETED y", "a late result"},
		{"too early", spread, begins + "r/b#1 RUNNING x", "which it depends on, is RUNNING"},
		{"after the end", spread, begins + "r/a#1 FAILED x; r/b SKIPPED; r FAILED; r/b#1 RUNNING x", "the run has ended"},
		{"a wrong end", spread, begins + "r/a#1 FAILED x; r/b SKIPPED; r COMPLETED", "the tasks make it FAILED"},
		{"given up too early", spread, begins + crashes + "r/b SKIPPED; r CRASHED", "nothing before it failed"},
		{"a fourth attempt", spread, begins + crashes + "r/a#2 RUNNING x; r/a#2 CRASHED x; r/a#3 RUNNING x; r/a#3 CRASHED x; r/a#4 RUNNING x", "leased while CRASHED"},
		{"a second attempt that nobody wanted", fail, begins + crashes + "r/a#2 RUNNING x", "leased while CRASHED"},
		{"a task that is not there", spread, begins + "r/z#1 RUNNING x", "no such task"},

		{"together", together, begins + "r/c#1 RUNNING x; r/a#1 COMPLETED x; r/c#1 COMPLETED x; r/b#1 RUNNING x; r/b#1 COMPLETED x; r COMPLETED", ""},
		{"all again elsewhere", together, begins + "r/a#1 COMPLETED x; r/c#1 RUNNING x; r/b#1 RUNNING x; r/b#1 CRASHED x; r/c#1 CRASHED x; " +
			"r/a#2 RUNNING y; r/c#2 RUNNING y; r/c#2 FAILED y; r/a#2 COMPLETED y; r/b#2 RUNNING y; r/b#2 COMPLETED y; r FAILED", ""},
		{"again, first what had not begun", together, begins + crashes + "r/c#1 RUNNING y; r/c#1 COMPLETED y; r/a#2 RUNNING y; r/a#2 COMPLETED y; r/b#1 RUNNING y; r/b#1 COMPLETED y; r COMPLETED", ""},
		{"lost between two tasks", together, begins + "r/a#1 COMPLETED x; r/a#2 RUNNING y; r/c#1 RUNNING y; r/c#1 COMPLETED y; r/a#2 COMPLETED y; r/b#1 RUNNING y; r/b#1 COMPLETED y; r COMPLETED", ""},
		{"lost between two tasks, first what had not begun", together, begins + "r/a#1 COMPLETED x; r/c#1 RUNNING y; r/c#1 COMPLETED y; r/a#2 RUNNING y; r/a#2 COMPLETED y; r/b#1 RUNNING y; r/b#1 COMPLETED y; r COMPLETED", ""},
		{"lost between two tasks, and cancelled", together, begins + "r/a#1 COMPLETED x; r/c CANCELLED; r/b CANCELLED; r/a#2 CANCELLED; r CANCELLED", ""},
		{"skipped, and again", together, begins + "r/c#1 RUNNING x; r/a#1 FAILED x; r/b SKIPPED; r/c#1 CRASHED x; " +
			"r/a#2 RUNNING y; r/a#2 COMPLETED y; r/b#1 RUNNING y; r/b#1 COMPLETED y; r/c#2 RUNNING y; r/c#2 COMPLETED y; r COMPLETED", ""},
		{"the rest ends before all start again", together, begins + "r/c#1 RUNNING x; r/c#1 CRASHED x; r/a#1 FAILED x; r/b SKIPPED; " +
			"r/a#2 RUNNING x; r/a#2 COMPLETED x; r/b#1 RUNNING x; r/b#1 COMPLETED x; r/c#2 RUNNING x; r/c#2 COMPLETED x; r COMPLETED", ""},
		{"cancelled before all start again", together, begins + "r/c#1 RUNNING x; r/c#1 CRASHED x; r/b CANCELLED; r/a#1 COMPLETED x; r CANCELLED", ""},
		{"lost between two tasks, three times", together, begins + "r/a#1 COMPLETED x; r/a#2 RUNNING x; r/a#2 COMPLETED x; r/a#3 RUNNING x; r/a#3 COMPLETED x; r/b CRASHED; r/c CRASHED; r CRASHED", ""},

		{"given up between two tasks", together, begins + "r/a#1 COMPLETED x; r/b CRASHED", "can go to another"},
		{"given up between two tasks, and not together", spread, begins + "r/a#1 COMPLETED x; r/b CRASHED", "it was PENDING"},
		{"elsewhere, and only what had not begun", together, begins + "r/a#1 COMPLETED x; r/c#1 RUNNING y; r/c#1 CRASHED y; " +
			"r/c#2 RUNNING z; r/a#2 RUNNING z; r/a#2 COMPLETED z; r/c#2 COMPLETED z; r/b#1 RUNNING z; r/b#1 COMPLETED z; r COMPLETED", ""},
		{"apart", together, begins + "r/c#1 RUNNING y", "leased to y, and the run stays together on x"},
		{"apart after a loss", together, begins + crashes + "r/a#2 RUNNING y; r/c#1 RUNNING x", "leased to x, and the run stays together on y"},
		{"a part is kept", together, begins + "r/a#1 COMPLETED x; r/b#1 RUNNING x; r/b#1 CRASHED x; r/b#2 RUNNING y", "depends on, is PENDING"},
		{"a part starts again beside the rest", together, begins + "r/c#1 RUNNING x; r/c#1 CRASHED x; r/c#2 RUNNING x", "leased while CRASHED"},
	} {
		_, broken := ReadHistory(show(c.shown), c.of)
		switch {
		case c.want == "" && len(broken) > 0:
			t.Errorf("%s: %v", c.name, broken)
		case c.want != "" && !strings.Contains(fmt.Sprint(broken), c.want):
			t.Errorf("%s: %v, want %q", c.name, broken, c.want)
		}
	}
}

func TestWhatCommandsShowIsInOrder(t *testing.T) {
	d := &workflow.Definition{ID: "w", Tasks: []workflow.Task{{ID: "a"}}}
	good := show(begins + "r/a#1 COMPLETED x; r COMPLETED")
	swapped := append([]wire.Event{good[1], good[0]}, good[2:]...)
	twice := append([]wire.Event{good[0], good[0]}, good[1:]...)
	for name, shown := range map[string][]wire.Event{"swapped": swapped, "one twice": twice} {
		if _, broken := ReadHistory(shown, d); len(broken) == 0 {
			t.Errorf("%s: not seen", name)
		}
	}
	if _, broken := ReadHistory(good); len(broken) == 0 {
		t.Error("a run of a workflow that is not known is judged")
	}
	h, broken := ReadHistory(good, d)
	if len(broken) > 0 || h.Runs["r"].Status != run.Completed || h.LeasedTo(run.AttemptID{Run: "r", Task: "a", Attempt: 1}) != "x" {
		t.Errorf("%v, and run r is %+v", broken, h.Runs["r"])
	}
}
