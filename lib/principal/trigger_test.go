package principal

import (
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

func TestSameKeyGivesTheSameRun(t *testing.T) {
	s := newSite(t)
	keyed := func(workflow, date string) (wire.Triggered, error) {
		return try[wire.Triggered](s.admin, wire.OpRunTrigger, &wire.Trigger{TriggerItem: wire.TriggerItem{
			Workflow: workflow, Key: "k", Params: wire.Params{"date": date},
		}})
	}
	first, err := keyed("declared", "monday")
	if err != nil || first.Existing {
		t.Fatalf("%+v, %v", first, err)
	}
	if again, err := keyed("declared", "monday"); err != nil || again.Run != first.Run || !again.Existing {
		t.Errorf("again: %+v, %v", again, err)
	}
	_, err = keyed("declared", "tuesday")
	wantRefusal(t, err, wire.Conflict, first.Run)
	if other, err := keyed("hello", "monday"); err != nil || other.Existing {
		t.Errorf("the same key for another workflow: %+v, %v", other, err)
	}
}

func TestBatchIsAnsweredInOrderWithErrorsPerItem(t *testing.T) {
	s := newSite(t)
	req := &wire.Trigger{Batch: []wire.TriggerItem{
		{Workflow: "hello"},
		{Workflow: "helo"},
		{Workflow: "pair", Key: "k"},
		{Workflow: "pair", Key: "k"},
		{Workflow: "pair", Key: "k", Params: wire.Params{"x": "1"}},
		{Workflow: "declared", Params: wire.Params{"dat": "1"}},
		{Workflow: "broken"},
		{Workflow: "helo"},
		{Workflow: "hello", Source: "cron"},
	}}
	got := ask[wire.Triggered](t, s.admin, wire.OpRunTrigger, req).Batch
	codes := []wire.Code{"", wire.NotFound, "", "", wire.Conflict, wire.BadRequest, wire.BadRequest, wire.NotFound, ""}
	if len(got) != len(codes) {
		t.Fatalf("%d answers for %d items", len(got), len(codes))
	}
	for i, code := range codes {
		switch {
		case code == "" && (got[i].Error != nil || len(got[i].Run) != runIDLen):
			t.Errorf("item %d: %+v", i, got[i])
		case code != "" && (got[i].Error == nil || got[i].Error.Code != code || got[i].Run != ""):
			t.Errorf("item %d: %+v, want %s", i, got[i], code)
		}
	}
	if got[2].Run != got[3].Run || got[2].Existing || !got[3].Existing {
		t.Errorf("one key in one batch: %+v and %+v", got[2], got[3])
	}
	if c := s.store.commits(); len(c) != 1 {
		t.Errorf("%d commits for one batch", len(c))
	}
	none := ask[wire.Triggered](t, s.admin, wire.OpRunTrigger, &wire.Trigger{Batch: []wire.TriggerItem{{Workflow: "nix"}}})
	if len(none.Batch) != 1 || none.Batch[0].Error == nil {
		t.Errorf("a batch of nothing good: %+v", none)
	}
}

func TestTriggerThatCannotBeIsRefused(t *testing.T) {
	s := newSite(t)
	big := func(n int) string { return strings.Repeat("x", n) }
	for name, c := range map[string]struct {
		req  wire.Trigger
		code wire.Code
		says string
	}{
		"unknown":     {wire.Trigger{TriggerItem: wire.TriggerItem{Workflow: "helo"}}, wire.NotFound, `did you mean "hello"?`},
		"missing":     {wire.Trigger{}, wire.BadRequest, "workflow is missing"},
		"broken":      {wire.Trigger{TriggerItem: wire.TriggerItem{Workflow: "broken"}}, wire.BadRequest, "broken.yml:1:"},
		"source":      {wire.Trigger{TriggerItem: wire.TriggerItem{Workflow: "hello", Source: "me"}}, wire.BadRequest, `"me"`},
		"key":         {wire.Trigger{TriggerItem: wire.TriggerItem{Workflow: "hello", Key: big(1025)}}, wire.TooLarge, "1025"},
		"batch and 1": {wire.Trigger{TriggerItem: wire.TriggerItem{Workflow: "hello"}, Batch: []wire.TriggerItem{{Workflow: "hello"}}}, wire.BadRequest, "batch"},
		"large batch": {wire.Trigger{Batch: make([]wire.TriggerItem, maxTriggers+1)}, wire.TooLarge, "10001"},
	} {
		_, err := try[wire.Triggered](s.admin, wire.OpRunTrigger, &c.req)
		t.Log(name)
		wantRefusal(t, err, c.code, c.says)
	}
	if c := s.store.commits(); len(c) != 0 {
		t.Errorf("%d commits", len(c))
	}
}

func TestParamsAreBounded(t *testing.T) {
	free := &workflow.Definition{ID: "w"}
	closed := &workflow.Definition{ID: "w", Params: map[string]string{"date": "today"}}
	none := &workflow.Definition{ID: "w", Params: map[string]string{}}
	value := func(n int) string { return strings.Repeat("v", n) }
	many := wire.Params{}
	for _, c := range "abcdefghi" {
		many[string(c)] = value(maxParam)
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
		{"longest value", free, wire.Params{"x": value(maxParam)}, ""},
		{"longer value", free, wire.Params{"x": value(maxParam + 1)}, wire.TooLarge},
		{"longest name", free, wire.Params{value(maxParamName): "1"}, ""},
		{"longer name", free, wire.Params{value(maxParamName + 1): "1"}, wire.TooLarge},
		{"too much together", free, many, wire.TooLarge},
		{"much as JSON", free, wire.Params{"a": strings.Repeat("\x01", maxParam), "b": strings.Repeat("\x01", maxParam)}, wire.TooLarge},
	} {
		got, _, refused := fillParams(c.def, c.given)
		switch {
		case c.want == "" && refused != nil, c.want != "" && (refused == nil || refused.Code != c.want):
			t.Errorf("%s: %v, want %q", c.name, refused, c.want)
		case c.want == "" && len(got) == 0:
			t.Errorf("%s: nothing came out", c.name)
		}
	}
	if got, _, _ := fillParams(closed, nil); got["date"] != "today" {
		t.Errorf("the default is not filled in: %v", got)
	}
	if got, _, _ := fillParams(closed, wire.Params{"date": ""}); got["date"] != "" {
		t.Errorf("an empty value became the default: %v", got)
	}
}

func TestRunIDsAreEvenlyDrawn(t *testing.T) {
	const draws = 30_000
	seen := map[string]bool{}
	var count [128]int
	for range draws {
		id := newRunID()
		if len(id) != runIDLen || seen[id] {
			t.Fatalf("id %q is not of %d characters, or came twice", id, runIDLen)
		}
		seen[id] = true
		for _, c := range []byte(id) {
			count[c]++
		}
	}
	// Each character is expected 10,000 times; 600 is six standard deviations.
	const expected = draws * runIDLen / 36
	for c, n := range count {
		wanted := strings.ContainsRune("0123456789abcdefghijklmnopqrstuvwxyz", rune(c))
		if !wanted && n > 0 || wanted && (n < expected-600 || n > expected+600) {
			t.Errorf("%q came %d times", rune(c), n)
		}
	}
}
