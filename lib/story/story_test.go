package story

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/workflow"
)

// A task is shown as its latest attempt; what never ran is there too, in the
// file's order.
func TestRunIsItsLatestAttempts(t *testing.T) {
	at := func(s int) time.Time { return time.Date(2026, 1, 2, 3, 4, s, 0, time.UTC) }
	code := func(n int) *int { return &n }
	started := at(4)
	def := &workflow.Definition{ID: "w", Tasks: []workflow.Task{{ID: "b"}, {ID: "a"}, {ID: "c"}}}
	var s Story
	if s.Run() != nil {
		t.Error("a run without events")
	}
	for _, e := range []run.Event{
		{Time: at(1), Kind: run.RunCreated, Workflow: "w", Run: "r", Status: run.Pending, Created: &run.Created{Definition: def, Source: "run"}},
		{Time: at(2), Kind: run.RunChanged, Run: "r", Status: run.Running},
		{Time: at(2), Kind: run.TaskChanged, Run: "r", Task: "b", Attempt: 1, Status: run.Running, Agent: "one"},
		{Time: at(3), Kind: run.TaskChanged, Run: "r", Task: "b", Attempt: 1, Status: run.Crashed, Agent: "one", Reason: "agent one lost"},
		{Time: at(3), Kind: run.TaskQueued, Run: "r", Task: "b", Attempt: 2, Reason: "agent one lost"},
		{Time: at(4), Kind: run.TaskChanged, Run: "r", Task: "b", Attempt: 2, Status: run.Running, Agent: "two"},
		{Time: at(6), Kind: run.TaskChanged, Run: "r", Task: "b", Attempt: 2, Status: run.Failed, Agent: "two", Reason: "exit 3",
			Ended: &run.Ended{Outcome: run.Exited, ExitCode: code(3), Started: &started, Ended: at(5)}},
		{Time: at(6), Kind: run.TaskChanged, Run: "r", Task: "a", Status: run.Skipped, Reason: "upstream failed: b"},
		{Time: at(7), Kind: run.RunChanged, Run: "r", Status: run.Failed, Reason: "task b: exit 3"},
	} {
		s.Add(&e)
	}
	const want = `{"run":"r","workflow":"w","status":"FAILED","trigger":"run","params":{},"created":"2026-01-02T03:04:01.000Z","started":"2026-01-02T03:04:02.000Z","ended":"2026-01-02T03:04:07.000Z","tasks":[` +
		`{"task":"b","status":"FAILED","attempt":2,"agent":"two","exit_code":3,"started":"2026-01-02T03:04:04.000Z","ended":"2026-01-02T03:04:05.000Z","reason":"exit 3","outputs":{}},` +
		`{"task":"a","status":"SKIPPED","attempt":0,"agent":null,"exit_code":null,"started":null,"ended":null,"reason":"upstream failed: b","outputs":{}},` +
		`{"task":"c","status":"PENDING","attempt":0,"agent":null,"exit_code":null,"started":null,"ended":null,"reason":null,"outputs":{}}]}`
	if got, err := json.Marshal(s.Run()); err != nil || string(got) != want {
		t.Errorf("%v\ngot  %s\nwant %s", err, got, want)
	}
}

// A run that is retried is what it was, open again: what completed is kept with
// its outputs, handlers are tasks after the file's.
func TestRetriedRunKeepsWhatCompleted(t *testing.T) {
	at := func(s int) time.Time { return time.Date(2026, 1, 2, 3, 4, s, 0, time.UTC) }
	def := &workflow.Definition{ID: "w", Tasks: []workflow.Task{{ID: "a"}, {ID: "b"}}, OnEnd: &workflow.Task{ID: "on_end"}}
	var s Story
	for _, e := range []run.Event{
		{Time: at(1), Kind: run.RunCreated, Workflow: "w", Run: "r", Status: run.Pending, Created: &run.Created{Definition: def, Source: "run"}},
		{Time: at(2), Kind: run.RunChanged, Run: "r", Status: run.Running},
		{Time: at(2), Kind: run.TaskChanged, Run: "r", Task: "a", Attempt: 1, Status: run.Running, Agent: "one"},
		{Time: at(3), Kind: run.TaskChanged, Run: "r", Task: "a", Attempt: 1, Status: run.Completed, Agent: "one",
			Ended: &run.Ended{Outcome: run.Exited, Ended: at(3), Outputs: map[string]string{"rows": "7"}}},
		{Time: at(3), Kind: run.TaskChanged, Run: "r", Task: "b", Attempt: 1, Status: run.Running, Agent: "one"},
		{Time: at(4), Kind: run.TaskChanged, Run: "r", Task: "b", Attempt: 1, Status: run.Failed, Agent: "one", Reason: "exit 1",
			Ended: &run.Ended{Outcome: run.Exited, Ended: at(4), Outputs: map[string]string{"part": "1"}}},
		{Time: at(4), Kind: run.TaskChanged, Run: "r", Task: "b", Attempt: 2, Status: run.Waiting, Reason: "retry 1 of 1 in 10s: exit 1"},
		{Time: at(5), Kind: run.TaskChanged, Run: "r", Task: "b", Attempt: 2, Status: run.Cancelled, Reason: "cancelled by request"},
		{Time: at(5), Kind: run.RunChanged, Run: "r", Status: run.Cancelled},
		{Time: at(9), Kind: run.RunReopened, Run: "r", Status: run.Pending},
		{Time: at(9), Kind: run.TaskQueued, Run: "r", Task: "b", Attempt: 2, Reason: "the run is retried"},
	} {
		s.Add(&e)
	}
	r := s.Run()
	if r.Status != "PENDING" || r.Ended != nil || len(r.Tasks) != 3 {
		t.Fatalf("the run is %+v", r)
	}
	if a := r.Tasks[0]; a.Status != "COMPLETED" || a.Outputs["rows"] != "7" {
		t.Errorf("what completed is %+v", a)
	}
	if b := r.Tasks[1]; b.Status != "PENDING" || b.Attempt != 2 || len(b.Outputs) != 0 || *b.Reason != "the run is retried" {
		t.Errorf("what did not is %+v", b)
	}
	if h := r.Tasks[2]; h.Task != "on_end" || h.Status != "PENDING" {
		t.Errorf("the handler is %+v", h)
	}

	Explain(r, map[string]string{"a": "no", "b": "no agent is there", "nobody": "no"})
	if r.Tasks[0].Reason != nil || *r.Tasks[1].Reason != "no agent is there" || r.Tasks[2].Reason != nil {
		t.Errorf("explained: %+v", r.Tasks)
	}
}
