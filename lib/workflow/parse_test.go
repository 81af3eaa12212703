package workflow

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

func mustParse(t *testing.T, text string) *Definition {
	t.Helper()
	def, errors, _ := Parse("w", "w.yml", []byte(text))
	if def == nil {
		t.Fatalf("does not load: %v", errors)
	}
	return def
}

func TestFileOfExistingInstallationLoads(t *testing.T) {
	data, err := os.ReadFile("testdata/existing.yml")
	if err != nil {
		t.Fatal(err)
	}
	def, errors, warnings := Parse("nightly", "existing.yml", data)
	if def == nil {
		t.Fatal(errors)
	}
	start := time.Date(2025, 1, 20, 12, 30, 0, 0, time.UTC)
	want := &Definition{
		ID: "nightly", Name: "Nightly figures", Description: "The shape that files of existing installations have",
		Cron: "0 0 2 * * *", StartTime: &start, Hash: def.Hash,
		Tasks: []Task{
			{ID: "fetch", Name: "Fetch", Description: "A tag on its own line, arguments that are numbers",
				Action: Action{Subprocess: &Subprocess{Cmd: "python3", Args: []string{"fetch.py", "2", "5"}}}},
			{ID: "where", Name: "where", WorkingDirectory: "./scripts",
				Action: Action{Subprocess: &Subprocess{Cmd: "pwd"}}},
			{ID: "clean", Name: "Clean", Depends: []string{"fetch"}, WorkingDirectory: "./scripts",
				Action: Action{UvPython: &UvPython{ScriptPath: "./clean.py", Packages: []string{"pandas>=2.3.1,<3.0.0"}, UvPath: "/opt/uv/bin/uv"}}},
			{ID: "publish", Name: "publish", Depends: []string{"clean", "where"},
				Action: Action{Subprocess: &Subprocess{Cmd: "echo", Args: []string{"done"}}}},
		},
	}
	if !reflect.DeepEqual(def, want) {
		t.Errorf("got  %s\nwant %s", asJSON(t, def), asJSON(t, want))
	}
	if got := lines(warnings); got != "existing.yml:37:7: dependencies is an old name; use depends" {
		t.Errorf("warnings: %s", got)
	}
	if def.Task("clean") != &def.Tasks[2] || def.Task("nothing") != nil {
		t.Error("Task does not find tasks by their id")
	}
	if got, want := def.Dependents(), [][]int{{2}, {3}, {3}, nil}; !reflect.DeepEqual(got, want) {
		t.Errorf("dependents %v, want %v", got, want)
	}
}

func TestOwnFormatLoads(t *testing.T) {
	def := mustParse(t, `
params: {date: today, full: false, limit: 010, none: }
env: {PGHOST: db.internal, PGPORT: 5432}
tasks:
  load:
    run: |
      psql -f load.sql
    shell: bash
    working_directory: /srv/etl
    env: {MODE: "full"}
  check:
    depends: load
    run: echo ok
`)
	want := []Task{
		{ID: "load", Name: "load", WorkingDirectory: "/srv/etl", Env: map[string]string{"MODE": "full"},
			Action: Action{Script: &Script{Text: "psql -f load.sql\n", Shell: "bash"}}},
		{ID: "check", Name: "check", Depends: []string{"load"}, Action: Action{Script: &Script{Text: "echo ok"}}},
	}
	if !reflect.DeepEqual(def.Tasks, want) {
		t.Errorf("got %s", asJSON(t, def.Tasks))
	}
	if want := map[string]string{"date": "today", "full": "false", "limit": "010", "none": ""}; !reflect.DeepEqual(def.Params, want) {
		t.Errorf("params %v", def.Params)
	}
	if want := map[string]string{"PGHOST": "db.internal", "PGPORT": "5432"}; !reflect.DeepEqual(def.Env, want) {
		t.Errorf("env %v", def.Env)
	}
	if def.Name != "w" {
		t.Errorf("name %q, want the id", def.Name)
	}
}

func TestDeclaredParamsSurviveJSONEvenWhenEmpty(t *testing.T) {
	for text, declared := range map[string]bool{
		"params: {}\ntasks: {a: {run: x}}":           true,
		"params: {a: 1}\ntasks: {a: {run: x}}":       true,
		"tasks: {a: {run: x}}":                       false,
		"params:\nenv: {}\ntasks: {a: {run: x}}":     false,
		"tasks: {a: {run: x, depends: [], env: {}}}": false,
	} {
		def := mustParse(t, text)
		back := new(Definition)
		if err := json.Unmarshal([]byte(asJSON(t, def)), back); err != nil {
			t.Fatal(err)
		}
		if (def.Params != nil) != declared || !reflect.DeepEqual(def, back) {
			t.Errorf("%s: params %v, and %v after JSON", text, def.Params, back.Params)
		}
	}
}

func TestAnchorsAndMergeKeys(t *testing.T) {
	def := mustParse(t, `
tasks:
  a: &base
    run: &script echo a
    shell: sh
    env: &env {X: 1, Y: 2}
  b:
    <<: *base
    name: B
    env: {<<: *env, Y: 3}
  c:
    <<: [{shell: zsh}, *base]
    depends: &both [a, b]
  d: {depends: *both, run: *script}
`)
	b, c, d := def.Task("b"), def.Task("c"), def.Task("d")
	if b.Action.Script.Text != "echo a" || b.Name != "B" || b.Env["X"] != "1" || b.Env["Y"] != "3" {
		t.Errorf("b: %s", asJSON(t, b))
	}
	if c.Action.Script.Shell != "zsh" || c.Env["Y"] != "2" || d.Action.Script.Text != "echo a" || !reflect.DeepEqual(d.Depends, []string{"a", "b"}) {
		t.Errorf("c: %s d: %s", asJSON(t, c), asJSON(t, d))
	}
}

func TestStartTimeForms(t *testing.T) {
	want := time.Date(2025, 1, 20, 12, 30, 0, 0, time.UTC)
	for _, text := range []string{"2025-01-20T12:30:00+00:00", `"2025-01-20T12:30:00Z"`, "2025-01-20T14:30:00+02:00", "2025-01-20 12:30:00", "2025-01-20T12:30:00Z"} {
		def := mustParse(t, "start_time: "+text+"\ntasks: {a: {run: x}}")
		if !def.StartTime.Equal(want) {
			t.Errorf("%s: %s", text, def.StartTime)
		}
	}
}

// What is usual may be written, and is the same as nothing.
func TestWhatBecomesOfARunOnAnAgentLoads(t *testing.T) {
	const tasks = "\ntasks: {a: {run: x}}"
	for text, want := range map[string]Definition{
		"placement: together\non_agent_loss: fail\nexclusive: true": {Placement: Together, OnAgentLoss: FailOnLoss, Exclusive: true},
		"placement: \"together\"":                                   {Placement: Together},
		"on_agent_loss: fail":                                       {OnAgentLoss: FailOnLoss},
		"exclusive: True":                                           {Exclusive: true},
		"placement: spread\non_agent_loss: rerun\nexclusive: false": {},
		"placement:\non_agent_loss:\nexclusive:":                    {},
		"":                                                          {},
	} {
		def := mustParse(t, text+tasks)
		got := Definition{Placement: def.Placement, OnAgentLoss: def.OnAgentLoss, Exclusive: def.Exclusive}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %s", text, asJSON(t, def))
		}
	}
}

func TestScheduleKeysLoad(t *testing.T) {
	const tasks = "\ntasks: {a: {run: x}}"
	for text, want := range map[string]Definition{
		"cron: '@daily'\ntimezone: Asia/Tokyo\ncatchup: all\ncatchup_window: 36h": {Cron: "@daily", Timezone: "Asia/Tokyo", Catchup: CatchupAll, CatchupWindow: Duration(36 * time.Hour)},
		"cron: CRON_TZ=Asia/Tokyo @daily\ntimezone: Asia/Tokyo":                   {Cron: "CRON_TZ=Asia/Tokyo @daily", Timezone: "Asia/Tokyo"},
		"overlap: skip":                          {Overlap: OverlapSkip},
		"overlap: replace\nmax_active_runs: 3":   {Overlap: OverlapReplace, MaxActiveRuns: 3},
		"overlap: allow\nmax_active_runs: 10000": {MaxActiveRuns: 10000},
		"cron: '@daily'\ncatchup: none":          {Cron: "@daily"},
		"cron:\ntimezone:\ncatchup:\ncatchup_window:\noverlap:\nmax_active_runs:": {},
	} {
		def, errors, warnings := Parse("w", "w.yml", []byte(text+tasks))
		if def == nil || len(warnings) > 0 {
			t.Errorf("%s: %s%s", text, lines(errors), lines(warnings))
			continue
		}
		got := Definition{Cron: def.Cron, Timezone: def.Timezone, Catchup: def.Catchup, CatchupWindow: def.CatchupWindow, Overlap: def.Overlap, MaxActiveRuns: def.MaxActiveRuns}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %s", text, asJSON(t, def))
		}
	}
}

func TestScheduleKeysWithoutCronAreDoubtful(t *testing.T) {
	for text, want := range map[string]string{
		"timezone: UTC\nstart_time: 2026-01-01T00:00:00Z\ncatchup: all\ncatchup_window: 1h": `w.yml:1:11: timezone is for cron; there is no cron here
w.yml:2:13: start_time is for cron; there is no cron here
w.yml:3:10: catchup is for cron; there is no cron here
w.yml:4:17: catchup_window is for cron; there is no cron here`,
		"cron: '@daily'\ncatchup_window: 1h": "w.yml:2:17: catchup_window is for catchup: latest or all; there is none here",
	} {
		def, errors, warnings := Parse("w", "w.yml", []byte(text+"\ntasks: {a: {run: x}}"))
		if def == nil || lines(warnings) != want {
			t.Errorf("%s:\n got %s%s\nwant %s", text, lines(errors), lines(warnings), want)
		}
	}
}

func TestHashIsOfIDAndContent(t *testing.T) {
	const text = "tasks: {a: {run: x}}"
	hashes := map[string]bool{}
	for _, in := range [][2]string{{"w", text}, {"v", text}, {"w", text + "\n"}, {"w", text}} {
		def, _, _ := Parse(in[0], "w.yml", []byte(in[1]))
		if len(def.Hash) != 32 {
			t.Fatalf("hash %q", def.Hash)
		}
		hashes[def.Hash] = true
	}
	if len(hashes) != 3 {
		t.Errorf("%d different hashes, want 3", len(hashes))
	}
}

func TestByteOrderMarkAndCRLFAreHarmless(t *testing.T) {
	def := mustParse(t, "\uFEFFtasks:\r\n  a:\r\n    run: |\r\n      one\r\n      two\r\n")
	if got := def.Tasks[0].Action.Script.Text; got != "one\ntwo\n" {
		t.Errorf("%q", got)
	}
}

func TestWarningsDoNotStopAFile(t *testing.T) {
	def, _, warnings := Parse("w", "w.yml", []byte(`tasks:
  a: {run: x}
  b: {run: x, depends: [a, a]}
  c: {config: !UvPython {script_path: c.py, is_uv_project: true, packages: [x]}}
`))
	want := `w.yml:3:28: task "b" names "a" twice in depends
w.yml:4:76: packages is not used in a uv project, which has its own`
	if def == nil || lines(warnings) != want {
		t.Errorf("got\n%s\nwant\n%s", lines(warnings), want)
	}
	if len(def.Tasks[1].Depends) != 1 {
		t.Errorf("depends %v, want each once", def.Tasks[1].Depends)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func lines(problems []Problem) string {
	var texts []string
	for _, p := range problems {
		texts = append(texts, p.String())
	}
	return strings.Join(texts, "\n")
}
