package principal

import (
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/brief"
	"github.com/cdktr/cdktr/lib/wire"
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
		case code == "" && (got[i].Error != nil || len(got[i].Run) != brief.RunIDLen):
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
		"half a slot": {wire.Trigger{TriggerItem: wire.TriggerItem{Workflow: "hello", Schedule: "x"}}, wire.BadRequest, "a slot has both"},
		"other half":  {wire.Trigger{TriggerItem: wire.TriggerItem{Workflow: "hello", Scheduled: &wire.Time{Time: time.Unix(1, 0)}}}, wire.BadRequest, "a slot has both"},
		"large slot":  {wire.Trigger{TriggerItem: wire.TriggerItem{Workflow: "hello", Scheduled: &wire.Time{Time: time.Unix(1, 0)}, Schedule: big(maxSchedule + 1)}}, wire.TooLarge, "2049"},
		"batch, slot": {wire.Trigger{TriggerItem: wire.TriggerItem{Schedule: "x"}, Batch: []wire.TriggerItem{{Workflow: "hello"}}}, wire.BadRequest, "batch"},
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
