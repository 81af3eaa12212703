package brief

import (
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

func TestParamsAreBounded(t *testing.T) {
	free := &workflow.Definition{ID: "w"}
	closed := &workflow.Definition{ID: "w", Params: map[string]string{"date": "today"}}
	none := &workflow.Definition{ID: "w", Params: map[string]string{}}
	typed := &workflow.Definition{ID: "w", Params: map[string]string{"full": "false", "n": "1", "day": "1", "who": "", "whom": ""}, ParamRules: map[string]workflow.ParamRule{
		"full": {Type: workflow.Boolean}, "n": {Type: workflow.Integer}, "day": {Pattern: `^\d+$`}, "who": {Required: true}, "whom": {Required: true, Pattern: "x"},
	}}
	who := func(name, value string) wire.Params { return wire.Params{"who": "", "whom": "x", name: value} }
	value := func(n int) string { return strings.Repeat("v", n) }
	many := wire.Params{}
	for _, c := range "abcdefghi" {
		many[string(c)] = value(MaxParam)
	}
	for _, c := range []struct {
		name  string
		def   *workflow.Definition
		given wire.Params
		want  wire.Code
	}{
		{"any name without params", free, wire.Params{"x": ""}, ""},
		{"declared", closed, wire.Params{"date": "monday"}, ""},
		{"undeclared", closed, wire.Params{"dat": "1"}, wire.BadRequest},
		{"params: {}", none, wire.Params{"x": "1"}, wire.BadRequest},
		{"no name", free, wire.Params{"": "1"}, wire.BadRequest},
		{"NUL in a value", free, wire.Params{"x": "a\x00b"}, wire.BadRequest},
		{"NUL in a name", free, wire.Params{"a\x00b": "1"}, wire.BadRequest},
		{"longest value", free, wire.Params{"x": value(MaxParam)}, ""},
		{"longer value", free, wire.Params{"x": value(MaxParam + 1)}, wire.TooLarge},
		{"longest name", free, wire.Params{value(maxParamName): "1"}, ""},
		{"longer name", free, wire.Params{value(maxParamName + 1): "1"}, wire.TooLarge},
		{"too much together", free, many, wire.TooLarge},
		{"a boolean", typed, who("full", "true"), ""},
		{"no boolean", typed, who("full", "yes"), wire.BadRequest},
		{"an integer", typed, who("n", "-7"), ""},
		{"no integer", typed, who("n", "1; rm -rf x"), wire.BadRequest},
		{"a pattern", typed, who("day", "12"), ""},
		{"beside the pattern", typed, who("day", "12\n"), wire.BadRequest},
		{"nothing where something is needed", typed, nil, wire.BadRequest},
		{"one of two that are needed", typed, wire.Params{"who": "x"}, wire.BadRequest},
		{"needed, beside the pattern", typed, wire.Params{"who": "", "whom": ""}, wire.BadRequest},
		{"much as JSON", free, wire.Params{"a": strings.Repeat("\x01", MaxParam), "b": strings.Repeat("\x01", MaxParam)}, wire.TooLarge},
	} {
		got, _, refused := Params(c.def, c.given)
		switch {
		case c.want == "" && refused != nil, c.want != "" && (refused == nil || refused.Code != c.want):
			t.Errorf("%s: %v, want %q", c.name, refused, c.want)
		case c.want == "" && len(got) == 0:
			t.Errorf("%s: nothing came out", c.name)
		}
	}
	if got, _, _ := Params(closed, nil); got["date"] != "today" {
		t.Errorf("the default is not filled in: %v", got)
	}
	if got, _, _ := Params(closed, wire.Params{"date": ""}); got["date"] != "" {
		t.Errorf("an empty value became the default: %v", got)
	}
}

func TestRefusalsOfParametersSayWhatToDo(t *testing.T) {
	def, errors, _ := workflow.Parse("etl", "etl.yml", []byte("params: {date: {pattern: '^x$'}, who: {}, full: false, n: 1, x: 0.5}\ntasks: {a: {run: x}}"))
	if def == nil {
		t.Fatal(errors)
	}
	for _, c := range []struct {
		given wire.Params
		want  string
	}{
		{wire.Params{}, `workflow "etl" needs a value for date, who`},
		{wire.Params{"date": "x"}, `workflow "etl" needs a value for who`},
		{wire.Params{"date": "y", "who": ""}, `parameter "date" must match ^x$, which "y" does not`},
		{wire.Params{"dat": "x"}, `workflow "etl" has no parameter "dat" (did you mean "date"?)`},
		{wire.Params{"full": "yes"}, `parameter "full" must be true or false, not "yes"`},
		{wire.Params{"n": "1.5"}, `parameter "n" must be a whole number, not "1.5"`},
		{wire.Params{"x": "a"}, `parameter "x" must be a number, not "a"`},
	} {
		if _, _, refused := Params(def, c.given); refused == nil || refused.Message != c.want || refused.Code != wire.BadRequest {
			t.Errorf("%v: %+v, want %s", c.given, refused, c.want)
		}
	}
	got, defaults, refused := Params(def, wire.Params{"date": "x", "who": ""})
	if refused != nil || len(got) != 5 || len(defaults) != 3 || defaults[0] != "full" {
		t.Errorf("%v, defaults %v, %v", got, defaults, refused)
	}
}
