package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
)

func TestBadParametersAreRefusedBeforeAnythingRuns(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("w.yml", `
params: {date: {default: today, pattern: '^\d{4}-\d\d-\d\d$|^today$'}, full: false, n: 3, who: {pattern: '^[a-z]+$'}}
tasks: {a: {run: touch ran}}
`)
	in.StartPrincipal()
	for args, says := range map[string]string{
		"who=ada date=tomorrow": `"date"`,
		"who=ada full=perhaps":  `parameter "full" must be true or false`,
		"who=ada n=3.5":         `"n"`,
		"who=ADA":               `"who"`,
		"":                      `needs a value for who`,
		"who=ada dat=today":     `no parameter "dat" (did you mean "date"?)`,
	} {
		r := in.Run("cdktr-run", append([]string{"w"}, strings.Fields(args)...)...)
		if r.Code != 65 || r.Stdout != "" || !strings.Contains(r.Stderr, says) || strings.Count(r.Stderr, "\n") != 1 {
			t.Errorf("%s: exit code %d, %q, %q", args, r.Code, r.Stdout, r.Stderr)
		}
	}
	if _, err := os.Stat(filepath.Join(in.Dir, "ran")); err == nil || len(runs(t, in)) > 0 {
		t.Errorf("something ran: %v", runs(t, in))
	}
	in.Must("cdktr-run", "w", "who=ada", "full=true", "n=-4", "date=2026-01-02")
}

// A value is data, wherever an expression puts it.
func TestValueNeverBecomesCode(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("w.yml", `
params: {x: ""}
env: {FROM_FILE: "${{ params.x }}"}
tasks:
  give: {run: "printf 'x=%s\n' \"$(printf %s \"${{ params.x }}\" | head -1)\" >>$CDKTR_OUTPUT"}
  script: {run: "printf '[%s][%s][%s]' \"${{ params.x }}\" \"$CDKTR_PARAM_X\" \"$FROM_FILE\""}
  plain: {config: !Subprocess {cmd: printf, args: ["[%s]", "${{ params.x }}"]}}
  taken: {depends: give, run: "printf '[%s]' \"${{ tasks.give.outputs.x }}\""}
`)
	in.StartPrincipal()
	touch(t, in, "x")
	for _, value := range []string{"a; rm -rf x", `"; rm -rf x; "`, "$(rm -rf x)", "`rm -rf x`", "' ; rm -rf x ; '", "a\nrm -rf x\n", `\"; rm x #`, "${IFS}&& rm x", "*"} {
		run := in.Must("cdktr-run", "-q", "w", "x="+value)
		for task, want := range map[string]string{
			"script": "[" + value + "][" + value + "][" + value + "]",
			"plain":  "[" + value + "]",
			"taken":  "[" + strings.SplitN(value, "\n", 2)[0] + "]",
		} {
			if got := in.Must("cdktr-logs", "-r", run, "-t", task, "-s", "stdout", "-o", "cat"); got != want {
				t.Errorf("%q: task %s prints %q, want %q", value, task, got, want)
			}
		}
		if _, err := os.Stat(filepath.Join(in.Dir, "x")); err != nil {
			t.Fatalf("%q was run as code", value)
		}
	}
}

func TestOutputsTravelFromOneAgentToAnother(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	// Each agent has one slot, and the first task waits until the second
	// has begun: they run on different ones.
	in.Workflow("w.yml", `
tasks:
  one: {run: "`+strings.ReplaceAll(strings.TrimSpace(await), `"`, `\"`)+`; await begun; echo rows=7 >>$CDKTR_OUTPUT; echo 'text=a b' >>$CDKTR_OUTPUT; touch done"}
  two: {run: "`+strings.ReplaceAll(strings.TrimSpace(await), `"`, `\"`)+`; touch begun; await done; echo rows=8 >>$CDKTR_OUTPUT"}
  sum: {depends: [one, two], env: {TEXT: "${{ tasks.one.outputs.text }}"}, run: "echo $((${{ tasks.one.outputs.rows }} + ${{ tasks.two.outputs.rows }})) $TEXT"}
  last: {depends: sum, config: !Subprocess {cmd: echo, args: ["${{ tasks.one.outputs.rows }}", "${{ run.id }}", "${{ run.attempt }}"]}}
`)
	in.StartPrincipalAlone()
	in.StartAgent("web1", "--max-concurrent", "1")
	in.StartAgent("web2", "--max-concurrent", "1")
	run := in.Must("cdktr-run", "-q", "w")
	if got := bare(t, in, run, "stdout"); got != "15 a b\n7 "+run+" 1\n" {
		t.Errorf("output %q", got)
	}
	r := show(t, in, run)
	if *r.Tasks[0].Agent == *r.Tasks[1].Agent || r.Tasks[0].Outputs["text"] != "a b" || r.Tasks[1].Outputs["rows"] != "8" {
		t.Errorf("the tasks are %+v", r.Tasks)
	}
}

func TestSecretInTwoHalvesIsMasked(t *testing.T) {
	t.Parallel()
	const secret = "correct-horse-battery"
	in := harness.New(t)
	in.Workflow("w.yml", `
secrets: [PGPASSWORD]
tasks:
  halves: {run: "s=$PGPASSWORD; printf \"<${s%%-*}\"; sleep 0.3; echo \"-${s#*-}>\"; echo to stderr $s >&2"}
  encoded: {run: "printf %s \"$PGPASSWORD\" | base64; echo ${#PGPASSWORD}"}
`)
	in.StartPrincipal()
	write(t, filepath.Join(in.Data, "secrets.env"), "PGPASSWORD="+secret+"\n")
	live := in.Run("cdktr-run", "-l", "w")
	if live.Code != 0 || !strings.Contains(live.Stdout, "halves | <***>\n") || !strings.Contains(live.Stderr, "to stderr ***\n") || !strings.Contains(live.Stdout, "21\n") {
		t.Errorf("exit code %d, %q, %q", live.Code, live.Stdout, live.Stderr)
	}
	all := in.Must("cdktr-logs", "-n", "all", "-o", "json") + live.Stdout + live.Stderr
	for _, clear := range []string{secret, "horse-battery", "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5"} {
		if strings.Contains(all, clear) {
			t.Errorf("%q can be read:\n%s", clear, all)
		}
	}
}
