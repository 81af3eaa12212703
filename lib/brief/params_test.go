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
