package store

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 678000000, time.UTC)

func options(dir string) Options {
	return Options{Path: filepath.Join(dir, "app.db"), Threads: 2, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

func open(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func definition(id string, tasks ...string) *workflow.Definition {
	d := &workflow.Definition{ID: id, Name: id, Hash: fmt.Sprintf("%032x", len(id)*100+len(tasks))}
	for _, name := range tasks {
		d.Tasks = append(d.Tasks, workflow.Task{ID: name, Name: name, Action: workflow.Action{Subprocess: &workflow.Subprocess{Cmd: "true"}}})
	}
	return d
}

func created(id string, d *workflow.Definition, at time.Time) run.Event {
	return run.Event{Time: at, Kind: run.RunCreated, Workflow: d.ID, Run: id, Status: run.Pending,
		Created: &run.Created{Definition: d, Source: "run"}}
}

func changed(id, workflow string, status run.Status, at time.Time) run.Event {
	return run.Event{Time: at, Kind: run.RunChanged, Workflow: workflow, Run: id, Status: status}
}

func leased(id, workflow, task string, attempt int, at time.Time) run.Event {
	return run.Event{Time: at, Kind: run.TaskChanged, Workflow: workflow, Run: id, Task: task, Attempt: attempt, Status: run.Running,
		Agent: "web1", AgentRef: run.AgentRef{ID: "a1", Incarnation: 7}}
}

func ended(id, workflow, task string, attempt, code int, at time.Time) run.Event {
	status := run.Completed
	if code != 0 {
		status = run.Failed
	}
	began := at.Add(-time.Second)
	return run.Event{Time: at, Kind: run.TaskChanged, Workflow: workflow, Run: id, Task: task, Attempt: attempt, Status: status,
		Agent: "web1", AgentRef: run.AgentRef{ID: "a1", Incarnation: 7},
		Ended: &run.Ended{Outcome: run.Exited, ExitCode: &code, Started: &began, Ended: at, Lines: map[string]int64{"stdout": 3}}}
}

func batch(id string, first int64, at time.Time, texts ...string) wire.LogBatch {
	b := wire.LogBatch{Workflow: "etl.daily", Run: id, Task: "extract", Attempt: 1, Stream: wire.Stdout, First: first, Agent: "web1"}
	for _, text := range texts {
		b.Lines = append(b.Lines, wire.Line{Time: at.UnixMilli(), Text: text})
	}
	return b
}

func records(t testing.TB, page wire.Logs) []wire.LogRecord {
	t.Helper()
	out := make([]wire.LogRecord, len(page.Records))
	for i, r := range page.Records {
		must(t, json.Unmarshal(r, &out[i]))
	}
	return out
}
