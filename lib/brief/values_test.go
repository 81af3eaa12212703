package brief

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

// lease parses a file and leases one of its tasks.
func lease(t *testing.T, file, task string, params map[string]string) run.Lease {
	t.Helper()
	def, errors, _ := workflow.Parse("w", "w.yml", []byte(file))
	if def == nil {
		t.Fatal(errors)
	}
	checked, _, refused := Params(def, params)
	if refused != nil {
		t.Fatal(refused)
	}
	return run.Lease{AttemptID: run.AttemptID{Run: "r1", Task: task, Attempt: 2}, Definition: def, Task: def.Task(task), Params: checked}
}

func TestExpressionsOfALease(t *testing.T) {
	l := lease(t, `
params: {date: today, n: 1}
env: {HOST: "db.${{ params.date }}", ID: "${{ run.id }}/${{ run.attempt }}"}
tasks:
  extract: {run: x}
  load:
    depends: extract
    working_directory: /srv/${{ params.date }}
    env: {URL: "pg://${{ env.HOST }}", HOST: mine, TEXT: "$${{ run.id }}"}
    config: !Subprocess
      cmd: ./${{ params.date }}
      args: ["${{ tasks.extract.outputs.rows }}", "a${{ params.n }}b${{ params.n }}", "$HOME", ""]
`, "load", map[string]string{"date": "monday"})
	l.Outputs = map[string]map[string]string{"extract": {"rows": "7 rows"}}
	l.Ended = map[string]run.Status{"extract": run.Completed}
	got := mustLease(t, l).Spec
	if want := "./monday|7 rows|a1b1|$HOME|"; strings.Join(got.Argv, "|") != want || got.Dir != "/srv/monday" {
		t.Errorf("argv %q in %s", got.Argv, got.Dir)
	}
	for name, want := range map[string]string{"URL": "pg://db.monday", "HOST": "mine", "ID": "r1/2", "TEXT": "${{ run.id }}", "CDKTR_PARAM_DATE": "monday"} {
		if got.Env[name] != want {
			t.Errorf("%s is %q, want %q", name, got.Env[name], want)
		}
	}
}

func TestScriptGetsVariables(t *testing.T) {
	l := lease(t, `
params: {a: 1, b: 2}
env: {CDKTR_EXPR_1: file}
tasks: {x: {run: 'echo "${{ params.b }}" "${{params.a}}" "${{ params.b }}" "$${{ x }}" "$HOME"', env: {CDKTR_EXPR_2: task}}}
`, "x", nil)
	got := mustLease(t, l).Spec
	if want := `echo "${CDKTR_EXPR_1}" "${CDKTR_EXPR_2}" "${CDKTR_EXPR_1}" "${{ x }}" "$HOME"`; *got.Script != want {
		t.Errorf("script %s", *got.Script)
	}
	if got.Env["CDKTR_EXPR_1"] != "2" || got.Env["CDKTR_EXPR_2"] != "1" || got.Env["CDKTR_EXPR_3"] != "" {
		t.Errorf("env %v", got.Env)
	}
	if l.Definition.Tasks[0].Action.Script.Text[:9] != `echo "${{` || len(l.Definition.Env) != 1 {
		t.Error("the definition was changed")
	}
}

func TestMissingOutputIsAMistakeOfACompletedTaskOnly(t *testing.T) {
	const file = `
on_end: {run: "echo ${{ tasks.a.outputs.rows }}"}
tasks:
  a: {run: x}
  b: {depends: a, if: always, config: !Subprocess {cmd: "echo", args: ["rows: ${{ tasks.a.outputs.rows }}"]}}
`
	for _, c := range []struct {
		task    string
		ended   run.Status
		outputs map[string]string
		want    string
	}{
		{"b", run.Completed, map[string]string{"rows": "3"}, "rows: 3"},
		{"b", run.Completed, map[string]string{"rows": ""}, "rows: "},
		{"b", run.Completed, map[string]string{"row": "3"}, `error: args: task "a" has completed without the output "rows"`},
		{"b", run.Completed, nil, `error: args: task "a" has completed without the output "rows"`},
		{"b", run.Failed, nil, "rows: "},
		{"b", run.Failed, map[string]string{"rows": "3"}, "rows: 3"},
		{"b", run.Skipped, nil, "rows: "},
		{"b", run.Crashed, nil, "rows: "},
		{"on_end", run.Completed, nil, ""},
		{"on_end", run.Failed, nil, ""},
		{"on_end", run.Completed, map[string]string{"rows": "3"}, "3"},
	} {
		l := lease(t, file, c.task, nil)
		l.Outputs = map[string]map[string]string{"a": c.outputs}
		l.Ended = map[string]run.Status{"a": c.ended}
		if c.task == "on_end" {
			l.Outcome = run.Failed
		}
		out, err := Lease(l)
		got := ""
		switch {
		case err != nil:
			got = "error: " + err.Error()
		case c.task == "on_end":
			got = out.Spec.Env["CDKTR_EXPR_1"]
			if out.Spec.Env["CDKTR_STATUS"] != "FAILED" {
				t.Errorf("CDKTR_STATUS is %q", out.Spec.Env["CDKTR_STATUS"])
			}
		default:
			got = out.Spec.Argv[1]
		}
		if got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestLeaseSaysWhatItsAgentMustKnow(t *testing.T) {
	l := lease(t, "secrets: [A, B]\nexclusive: true\ntasks: {x: {run: x, timeout: 1m30s}}", "x", nil)
	l.Again = "retry 1 of 3: exit 1"
	got := mustLease(t, l)
	if got.TimeoutMS != 90_000 || strings.Join(got.Secrets, " ") != "A B" || got.Again != l.Again || !got.Exclusive || got.Workflow != "w" || got.Attempt != (wire.Attempt{Run: "r1", Task: "x", Attempt: 2}) {
		t.Errorf("%+v", got)
	}
	if _, handler := got.Spec.Env["CDKTR_STATUS"]; handler {
		t.Error("a task that is no handler has CDKTR_STATUS")
	}
}

// hostile are values that would do something if they were ever read as code.
// Each would make the file "harmed".
var hostile = []string{
	"a; touch harmed",
	"$(touch harmed)",
	"`touch harmed`",
	"a\ntouch harmed\n",
	"'; touch harmed; '",
	`"; touch harmed; "`,
	`\"; touch harmed; #`,
	"a && touch harmed | touch harmed & touch harmed",
	"${HOME}$HOME~ * ? [a-z] {a,b} !! %s \\n",
	"> harmed",
	"$((1+1)) ${CDKTR_EXPR_1} ${{ run.id }} $${{ x }}",
	"}; touch harmed; {",
	"--help",
	"\ttab and  spaces ",
	"ä\u2028€\x01\x7f",
}

// Wherever a value goes, the program that was meant is started, and gets the
// value as it is.
func TestValueNeverBecomesCode(t *testing.T) {
	const file = `
params: {v: ""}
env: {FILE: "${{ params.v }}"}
tasks:
  first: {run: x}
  script:
    depends: first
    env: {OWN: "<${{ tasks.first.outputs.v }}>"}
    run: |
      printf '%s\0' "${{ params.v }}" "<${{ tasks.first.outputs.v }}>" "$FILE" "$OWN" "$CDKTR_PARAM_V"
      cat <<END
      ${{ params.v }}
      END
  program:
    depends: first
    working_directory: "dir/${{ params.v }}"
    config: !Subprocess {cmd: "${{ params.v }}", args: ["${{ params.v }}", "x${{ tasks.first.outputs.v }}"]}
`
	for _, shell := range []string{"bash", "sh"} {
		if _, err := exec.LookPath(shell); err != nil {
			t.Skip(err)
		}
		for _, v := range hostile {
			l := lease(t, file, "script", map[string]string{"v": v})
			l.Outputs = map[string]map[string]string{"first": {"v": v}}
			spec := mustLease(t, l).Spec
			dir := t.TempDir()
			name := filepath.Join(dir, "script")
			if err := os.WriteFile(name, []byte(*spec.Script), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(shell, "-eu", name)
			cmd.Dir = dir
			cmd.Env = os.Environ()
			for k, v := range spec.Env {
				cmd.Env = append(cmd.Env, k+"="+v)
			}
			out, err := cmd.CombinedOutput()
			if want := strings.Join([]string{v, "<" + v + ">", v, "<" + v + ">", v, v + "\n"}, "\x00"); err != nil || string(out) != want {
				t.Errorf("%s, %q: %v\n got %q\nwant %q", shell, v, err, out, want)
			}
			if left, _ := os.ReadDir(dir); len(left) != 1 {
				t.Errorf("%s, %q: it made a file: %v", shell, v, left)
			}
		}
	}
	for _, v := range hostile {
		l := lease(t, file, "program", map[string]string{"v": v})
		l.Outputs = map[string]map[string]string{"first": {"v": v}}
		spec := mustLease(t, l).Spec
		if len(spec.Argv) != 3 || spec.Argv[0] != v || spec.Argv[1] != v || spec.Argv[2] != "x"+v || spec.Dir != "dir/"+v || spec.Script != nil {
			t.Errorf("%q: %q in %q", v, spec.Argv, spec.Dir)
		}
	}
}

// What a few expressions make of large values is refused before it is built.
func TestLeaseIsBounded(t *testing.T) {
	long := map[string]string{"v": strings.Repeat("v", MaxParam)}
	many := strings.Repeat(`"${{ params.v }}", `, 20_000)
	for name, c := range map[string]struct{ task, want string }{
		"one argument":   {`config: !Subprocess {cmd: x, args: ["${{ params.v }}${{ params.v }}"]}`, "args: with its values it has 131072 bytes"},
		"one variable":   {`run: x, env: {A: "${{ params.v }} ${{ params.v }}"}`, "env of the task: A: with its values it has 131073 bytes"},
		"all arguments":  {"config: !Subprocess {cmd: x, args: [" + many + "]}", "args: the values of its expressions have more than"},
		"one long text":  {`config: !Subprocess {cmd: x, args: ["` + strings.Repeat("${{params.v}}", 8000) + `"]}`, "args: the values of its expressions have more than"},
		"an empty cmd":   {`config: !Subprocess {cmd: "${{ params.e }}"}`, "cmd: ${{ params.e }} is empty in this run"},
		"a long script":  {`run: "` + strings.Repeat("${{ params.v }}", 10_000) + `"`, ""},
		"the most there": {`config: !Subprocess {cmd: x, args: ["${{ params.v }}${{ params.e }}", "${{ params.v }}"]}`, ""},
	} {
		_, err := Lease(lease(t, "params: {v: '', e: ''}\ntasks: {x: {"+c.task+"}}", "x", long))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// A definition that was loaded before expressions were checked fails when its
// task is to run, with words.
func TestUncheckedDefinitionFailsInWords(t *testing.T) {
	for text, want := range map[string]string{
		"${{ params.x }}": "cmd: there is no params.x in this run",
		"${{ env.X }}":    "cmd: there is no env.X in this run",
		"${{ x }}":        `cmd: unknown name "x"`,
		"${{ run.id":      `cmd: "${{" has no end`,
	} {
		l := leaseOf(workflow.Task{ID: "a", Action: workflow.Action{Subprocess: &workflow.Subprocess{Cmd: text}}}, nil, nil)
		if _, err := Lease(l); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	l := leaseOf(workflow.Task{ID: "a", Env: map[string]string{"A": "${{ env.B }}"}}, map[string]string{"B": "b"}, nil)
	if got := mustLease(t, l).Spec.Env; !maps.Equal(got, map[string]string{
		"A": "b", "B": "b", "CDKTR_RUN_ID": "r1", "CDKTR_WORKFLOW": "etl.daily", "CDKTR_TASK": "a", "CDKTR_ATTEMPT": "2",
		"CDKTR_SCHEDULED_TIME": "2026-01-02T02:04:05.006Z",
	}) {
		t.Errorf("%v", got)
	}
}
