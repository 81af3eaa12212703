package brief

import (
	"maps"
	"reflect"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

func leaseOf(task workflow.Task, env, params map[string]string) run.Lease {
	def := &workflow.Definition{ID: "etl.daily", Env: env, Tasks: []workflow.Task{task}}
	return run.Lease{AttemptID: run.AttemptID{Run: "r1", Task: task.ID, Attempt: 2}, Definition: def, Task: &def.Tasks[0], Params: params, Scheduled: time.Date(2026, 1, 2, 3, 4, 5, 6_700_000, time.FixedZone("", 3600))}
}

func mustLease(t *testing.T, l run.Lease) wire.Lease {
	t.Helper()
	out, err := Lease(l)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Stronger comes later: the workflow's env, the task's, the parameters, CDKTR's own.
func TestEnvironmentOfATask(t *testing.T) {
	task := workflow.Task{ID: "load", Env: map[string]string{"B": "task", "C": "task", "CDKTR_PARAM_X": "task", "CDKTR_RUN_ID": "task"}}
	env := map[string]string{"A": "file", "B": "file", "CDKTR_TASK": "file"}
	params := map[string]string{"x": "1", "start-date": "today"}
	lease := leaseOf(task, env, params)
	got := mustLease(t, lease).Spec.Env
	want := map[string]string{
		"A": "file", "B": "task", "C": "task",
		"CDKTR_PARAM_X": "1", "CDKTR_PARAM_START_DATE": "today",
		"CDKTR_RUN_ID": "r1", "CDKTR_WORKFLOW": "etl.daily", "CDKTR_TASK": "load", "CDKTR_ATTEMPT": "2",
		"CDKTR_SCHEDULED_TIME": "2026-01-02T02:04:05.006Z",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	if env["CDKTR_TASK"] != "file" || len(env) != 3 || len(task.Env) != 4 {
		t.Error("the definition was changed")
	}
	if got := mustLease(t, leaseOf(workflow.Task{ID: "a"}, nil, nil)).Spec.Env; len(got) != 5 {
		t.Errorf("without env: %v", got)
	}
}

func TestEachKindOfTaskIsResolved(t *testing.T) {
	text := "echo $HOME"
	args := make([]string, 1, 4)
	args[0] = "-a"
	for name, c := range map[string]struct {
		action workflow.Action
		want   wire.Spec
	}{
		"subprocess":  {workflow.Action{Subprocess: &workflow.Subprocess{Cmd: "ls", Args: args}}, wire.Spec{Argv: []string{"ls", "-a"}}},
		"no argument": {workflow.Action{Subprocess: &workflow.Subprocess{Cmd: "ls"}}, wire.Spec{Argv: []string{"ls"}}},
		"script":      {workflow.Action{Script: &workflow.Script{Text: text, Shell: "zsh"}}, wire.Spec{Script: &text, Shell: "zsh"}},
		"uv": {
			workflow.Action{UvPython: &workflow.UvPython{ScriptPath: "a.py", Packages: []string{"p"}, IsUvProject: true, UvPath: "/uv"}},
			wire.Spec{Uv: &wire.UvSpec{Script: "a.py", Packages: []string{"p"}, IsProject: true, Path: "/uv"}},
		},
	} {
		got := mustLease(t, leaseOf(workflow.Task{ID: "a", WorkingDirectory: "dir", Action: c.action}, nil, nil)).Spec
		got.Env, c.want.Dir = nil, "dir"
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
