package workflow

import (
	"encoding/json"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestEveryKeyIsRead(t *testing.T) {
	data, err := os.ReadFile("testdata/everything.yml")
	if err != nil {
		t.Fatal(err)
	}
	def := mustParse(t, string(data))
	file := *def
	file.ID, file.Name, file.Description, file.Cron, file.StartTime, file.Tasks, file.Hash = "", "", "", "", nil, nil, ""
	want := Definition{
		Timezone: "Europe/London", Catchup: CatchupLatest, CatchupWindow: Duration(12 * time.Hour), Overlap: OverlapQueue, MaxActiveRuns: 4,
		Params: map[string]string{"date": "today", "customer": "", "factor": "1", "full": "false", "top": "3", "ratio": "0.5", "note": ""},
		ParamRules: map[string]ParamRule{
			"date": {Pattern: `^\d{4}-\d\d-\d\d$|^today$`}, "customer": {Required: true}, "factor": {Type: Number},
			"full": {Type: Boolean}, "top": {Type: Integer}, "ratio": {Type: Number},
		},
		Env:     map[string]string{"PGHOST": "db.internal", "PGPORT": "5432", "RUN": "${{ run.id }} ${{ params.date }}", "NOTHING": ""},
		Secrets: []string{"PGPASSWORD"}, Timeout: Duration(2 * time.Hour), Priority: 5,
		Agents:    map[string]string{"gpu": "true", "zone": "b"},
		Placement: Together, OnAgentLoss: FailOnLoss, Exclusive: true,
		OnSuccess: &Task{ID: "on_success", Name: "on_success", Timeout: Duration(time.Minute), Action: Action{Script: &Script{Text: "echo good"}}},
		OnFailure: &Task{ID: "on_failure", Name: "Tell somebody", Description: "By mail", WorkingDirectory: "/", Env: map[string]string{"A": "b"},
			Retries: Retries{Limit: 2, Delay: Duration(time.Second)},
			Action:  Action{Subprocess: &Subprocess{Cmd: "echo", Args: []string{"${{ tasks.load.outputs.rows }}", "2", "true"}}}},
		OnEnd: &Task{ID: "on_end", Name: "on_end", Action: Action{Script: &Script{Text: "echo end", Shell: "sh"}}},
	}
	if !reflect.DeepEqual(file, want) {
		t.Errorf("got  %s\nwant %s", asJSON(t, file), asJSON(t, want))
	}
	extract, clean := def.Task("extract"), def.Task("clean")
	if extract.Timeout != Duration(90*time.Minute) || extract.Retries != (Retries{3, Duration(10 * time.Second), 2, Duration(5 * time.Minute)}) {
		t.Errorf("extract: %s", asJSON(t, extract))
	}
	if clean.If != "" || !clean.AllowFailure || clean.WorkingDirectory != "./scripts" {
		t.Errorf("clean: %s", asJSON(t, clean))
	}
	if def.Task("tidy").If != IfAlways || def.Task("repair").If != IfFailure || def.Task("tidy").Retries != (Retries{}) {
		t.Errorf("tidy: %s, repair: %s", asJSON(t, def.Task("tidy")), asJSON(t, def.Task("repair")))
	}
	back := new(Definition)
	if err := json.Unmarshal([]byte(asJSON(t, def)), back); err != nil || !reflect.DeepEqual(def, back) {
		t.Errorf("JSON changes it: %v\n%s", err, asJSON(t, back))
	}
}

func TestDefinitionOfAnOlderVersionLoads(t *testing.T) {
	def := new(Definition)
	const old = `{"id":"w","name":"w","params":{"a":"1"},"tasks":[{"id":"a","name":"a","action":{"script":{"text":"x"}}}],"hash":"h"}`
	if err := json.Unmarshal([]byte(old), def); err != nil || def.Tasks[0].Retries.Limit != 0 || def.ParamRules["a"].Check("x") != nil {
		t.Errorf("%v, %+v", err, def)
	}
	if got := asJSON(t, def); got != old {
		t.Errorf("got  %s\nwant %s", got, old)
	}
}

func TestDefaultGivesAParameterItsType(t *testing.T) {
	for value, want := range map[string]ParamRule{
		"true": {Type: Boolean}, "False": {Type: Boolean}, `"true"`: {}, "yes": {},
		"0": {Type: Integer}, "-12": {Type: Integer}, "010": {Type: Integer}, "0x1f": {}, `"5"`: {},
		"0.5": {Type: Number}, "1e3": {Type: Number}, ".inf": {}, "2025-01-20": {}, "today": {}, "": {}, `""`: {},
		"{}": {Required: true}, "{default: }": {Required: true}, "{default: 5}": {Type: Integer}, "{default: 5, type: text}": {},
		"{default: 5, type: number}": {Type: Number}, "{type: integer}": {Type: Integer, Required: true}, "{pattern: x, default: xy}": {Pattern: "x"},
	} {
		def := mustParse(t, "params: {p: "+value+"}\ntasks: {a: {run: x}}")
		if got := def.ParamRules["p"]; got != want {
			t.Errorf("%s: %+v, want %+v", value, got, want)
		}
		if _, declared := def.Params["p"]; !declared || len(def.ParamRules) > 0 && want == (ParamRule{}) {
			t.Errorf("%s: params %v, rules %v", value, def.Params, def.ParamRules)
		}
	}
	if def := mustParse(t, "params: {p: True}\ntasks: {a: {run: x}}"); def.Params["p"] != "true" {
		t.Errorf("True is %q", def.Params["p"])
	}
}

func TestValueFitsItsRule(t *testing.T) {
	for _, c := range []struct {
		rule      ParamRule
		good, bad string
	}{
		{ParamRule{}, " |true|a\nb", ""},
		{ParamRule{Type: Boolean}, "true|false", "|True|yes|1|true "},
		{ParamRule{Type: Integer}, "0|-5|+5|010|99999999999999999999", "|1.0|1e3|0x1|five|1 | 1|1\n"},
		{ParamRule{Type: Number}, "0|-5|.5|5.|1e-3|1.5E+10", "|.|e5|NaN|inf|0x1p-2|1_000|1,5|1\n"},
		{ParamRule{Pattern: `^\d+$`}, "1|12", "|a|1a|1\n"},
		{ParamRule{Pattern: `b`}, "b|abc", "|a"},
		{ParamRule{Type: Integer, Pattern: `^1`}, "1|12", "2|1a"},
	} {
		for _, v := range strings.Split(c.good, "|") {
			if err := c.rule.Check(v); err != nil {
				t.Errorf("%+v: %v", c.rule, err)
			}
		}
		for _, v := range strings.Split(c.bad, "|") {
			if c.bad != "" && c.rule.Check(v) == nil {
				t.Errorf("%+v takes %q", c.rule, v)
			}
		}
	}
}

func TestDurationIsWrittenAsPeopleWriteIt(t *testing.T) {
	for d, want := range map[time.Duration]string{
		2 * time.Hour: "2h", 90 * time.Minute: "1h30m", 10 * time.Minute: "10m", 90 * time.Second: "1m30s",
		500 * time.Millisecond: "500ms", 20 * time.Second: "20s", 0: "0s", time.Hour + time.Second: "1h0m1s",
	} {
		if got := Duration(d).String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestSecretInEnvIsDoubtful(t *testing.T) {
	def, _, warnings := Parse("w", "w.yml", []byte("secrets: [A, B]\nenv: {A: x}\ntasks: {a: {run: x}}"))
	if want := `w.yml:1:10: "A" is a secret and in env; what stands in env is not secret`; def == nil || lines(warnings) != want {
		t.Errorf("%s", lines(warnings))
	}
}

// Who asks what is upstream of each of many tasks must not wait for it.
func TestExpressionsOfManyTasksAreCheckedQuickly(t *testing.T) {
	var b strings.Builder
	b.WriteString("tasks:\n t0: {run: x}\n")
	for i := 1; i < 8000; i++ {
		n := strconv.Itoa(i)
		b.WriteString(" t" + n + ": {run: \"echo ${{ tasks.t0.outputs.a }} ${{ tasks.u.outputs.a }}\", depends: t" + strconv.Itoa(i-1) + "}\n")
	}
	start := time.Now()
	_, errors, _ := Parse("w", "w.yml", []byte(b.String()))
	if len(errors) != maxProblems+1 || errors[0].Message != `there is no task "u"` {
		t.Errorf("%d problems, the first: %s", len(errors), errors[0])
	}
	if took := time.Since(start); took > 20*time.Second { // a hang, not a slow machine
		t.Errorf("took %s", took)
	}
}
