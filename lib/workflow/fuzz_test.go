package workflow

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/schedule"
)

// What parses is consistent: tasks exist once, dependencies exist and form no
// cycle, each task does exactly one thing, JSON brings it back equal, and the
// schema takes it too.
func FuzzParse(f *testing.F) {
	schema := compiledSchema(f)
	for _, file := range []string{"testdata/existing.yml", "testdata/everything.yml", "testdata/mistakes.txt"} {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, c := range strings.Split(string(data), "=== ") {
			_, c, _ = strings.Cut("\n"+c, "\n")
			c, _, _ = strings.Cut(c, "----")
			f.Add([]byte(c))
		}
	}
	f.Add([]byte("tasks:\n  a: &a {run: x, depends: []}\n  b: {<<: *a, depends: [a]}\nparams: {}\nstart_time: 2025-01-20 12:30:00\n"))
	f.Add([]byte("placement: together\non_agent_loss: fail\nexclusive: true\ntasks: {a: {run: x}}\n"))
	f.Add([]byte("cron: 'TZ=Asia/Tokyo 0 2 * * 7'\ntimezone: Asia/Tokyo\ncatchup: all\ncatchup_window: 1h\noverlap: replace\nmax_active_runs: 2\ntasks: {a: {run: x}}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		def, errors, warnings := Parse("w", "w.yml", data)
		for _, p := range append(errors, warnings...) {
			if p.Line < 0 || p.Line > 0 && p.Column < 1 || p.Message == "" {
				t.Errorf("problem without a place: %#v", p)
			}
		}
		if (def == nil) != (len(errors) > 0) {
			t.Fatalf("definition %v with errors %v", def, errors)
		}
		if def == nil {
			return
		}
		checkConsistent(t, def)
		if err := schema.Validate(asValue(t, bytes.TrimPrefix(data, []byte(byteOrderMark)))); err != nil {
			t.Errorf("the schema refuses it: %v", err)
		}
		text, err := json.Marshal(def)
		if err != nil {
			t.Fatal(err)
		}
		back := new(Definition)
		if err := json.Unmarshal(text, back); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(def, back) {
			t.Errorf("JSON changes it: %s", text)
		}
	})
}

func checkConsistent(t *testing.T, def *Definition) {
	t.Helper()
	if len(def.Tasks) == 0 {
		t.Fatal("no tasks")
	}
	if def.Placement != "" && def.Placement != Together || def.OnAgentLoss != "" && def.OnAgentLoss != FailOnLoss {
		t.Errorf("placement %q, on_agent_loss %q", def.Placement, def.OnAgentLoss)
	}
	if _, err := schedule.ParseIn(def.Cron, def.Timezone); def.Cron != "" && err != nil {
		t.Errorf("cron %q in %q: %v", def.Cron, def.Timezone, err)
	}
	if def.Limit() < 0 || def.CatchupWindow < 0 {
		t.Errorf("limit %d, catchup_window %s", def.Limit(), def.CatchupWindow)
	}
	waits := map[string]int{}
	for _, task := range def.Tasks {
		if _, twice := waits[task.ID]; twice || task.ID == "" || task.Name == "" {
			t.Errorf("task %q named %q, twice: %v", task.ID, task.Name, twice)
		}
		waits[task.ID] = len(task.Depends)
		things := 0
		for _, does := range []bool{task.Action.Script != nil, task.Action.Subprocess != nil, task.Action.UvPython != nil} {
			if does {
				things++
			}
		}
		if things != 1 {
			t.Errorf("task %s does not do one thing", task.ID)
		}
	}
	dependents := def.Dependents()
	done := 0
	var ready []int
	for i, task := range def.Tasks {
		for _, dep := range task.Depends {
			if def.Task(dep) == nil {
				t.Errorf("task %s depends on %s, which does not exist", task.ID, dep)
			}
		}
		if len(task.Depends) == 0 {
			ready = append(ready, i)
		}
	}
	for len(ready) > 0 {
		i := ready[0]
		ready = ready[1:]
		done++
		for _, next := range dependents[i] {
			if waits[def.Tasks[next].ID]--; waits[def.Tasks[next].ID] == 0 {
				ready = append(ready, next)
			}
		}
	}
	if done != len(def.Tasks) {
		t.Errorf("only %d of %d tasks can ever run", done, len(def.Tasks))
	}
}
