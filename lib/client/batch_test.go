package client

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/wire"
)

// takeBatches answers batches with a run for each key, and keeps their sizes.
func takeBatches(p *principal, refuseFrom int) *[]int {
	var sizes []int
	p.mu.Lock()
	defer p.mu.Unlock()
	p.also = func(h wire.Header, r *bus.Request) bool {
		var req wire.Trigger
		if h.Op != wire.OpRunTrigger || wire.DecodeRequest(r.Body, &req) != nil {
			return false
		}
		if refuseFrom > 0 && len(sizes) >= refuseFrom {
			r.Reply(wire.EncodeError(h.ID, &wire.Error{Code: wire.NotAllowed, Message: "no"}))
			return true
		}
		sizes = append(sizes, len(req.Batch))
		var out wire.Triggered
		for _, item := range req.Batch {
			out.Batch = append(out.Batch, wire.Triggered{Run: "run of " + item.Key})
		}
		r.Reply(wire.EncodeReply(h.ID, out))
		return true
	}
	return &sizes
}

func TestBatchIsSentInPartsAndAnsweredInOrder(t *testing.T) {
	data := t.TempDir()
	p := start(t, data)
	sizes := takeBatches(p, 0)
	c := open(t, Options{Data: data})
	items := make([]wire.TriggerItem, itemsAtOnce+3)
	for i := range items {
		items[i] = wire.TriggerItem{Workflow: "w", Key: fmt.Sprint(i)}
	}
	// Three of these do not fit into one request.
	for range 3 {
		items = append(items, wire.TriggerItem{Workflow: "w", Key: "large", Params: wire.Params{"x": strings.Repeat("x", bytesAtOnce/2)}})
	}
	// One fits into none: it alone is refused.
	huge := len(items)
	items = append(items, wire.TriggerItem{Workflow: "w", Key: "huge", Params: wire.Params{"x": strings.Repeat("x", wire.MaxMessage)}})
	items = append(items, wire.TriggerItem{Workflow: "w", Key: "last"})
	answers, err := c.TriggerBatch(t.Context(), items)
	if err != nil {
		t.Fatal(err)
	}
	if e := answers[huge].Error; e == nil || e.Code != wire.TooLarge {
		t.Errorf("the item that is too large was answered with %+v", answers[huge])
	}
	for i, a := range answers {
		if want := "run of " + items[i].Key; a.Run != want && i != huge {
			t.Fatalf("answer %d is %+v, want %s", i, a, want)
		}
	}
	if got := fmt.Sprint(*sizes); len(answers) != len(items) || got != fmt.Sprintf("[%d 4 1 1 1]", itemsAtOnce) {
		t.Errorf("%d answers, parts of %s", len(answers), got)
	}
}

func TestBatchThatIsCutShortMayBeSentAgain(t *testing.T) {
	data := t.TempDir()
	p := start(t, data)
	takeBatches(p, 1)
	c := open(t, Options{Data: data})
	items := make([]wire.TriggerItem, itemsAtOnce+1)
	answers, err := c.TriggerBatch(t.Context(), items)
	var refused *wire.Error
	if !errors.As(err, &refused) || len(answers) != itemsAtOnce {
		t.Fatalf("%d answers, error %v", len(answers), err)
	}
	takeBatches(p, 0)
	again, err := c.TriggerBatch(t.Context(), items)
	if err != nil || len(again) != len(items) {
		t.Fatalf("%d answers, error %v", len(again), err)
	}
	seen := map[string]bool{}
	for i, a := range again {
		if i < len(answers) && a.Run != answers[i].Run {
			t.Fatalf("item %d has %s, and had %s", i, a.Run, answers[i].Run)
		}
		seen[a.Run] = true
	}
	if len(seen) != len(items) {
		t.Errorf("%d different runs, want %d", len(seen), len(items))
	}
}

func TestConcurrentIterationsDoNotMix(t *testing.T) {
	data := t.TempDir()
	p := start(t, data)
	p.mu.Lock()
	p.also = func(h wire.Header, r *bus.Request) bool {
		var req wire.RunList
		if h.Op != wire.OpRunList || wire.DecodeRequest(r.Body, &req) != nil {
			return false
		}
		page := wire.Runs{Runs: []wire.Run{{Run: req.Workflow + "1" + req.Cursor}, {Run: req.Workflow + "2" + req.Cursor}}}
		if req.Cursor == "" {
			page.Cursor = "next"
		}
		r.Reply(wire.EncodeReply(h.ID, page))
		return true
	}
	p.mu.Unlock()
	c := open(t, Options{Data: data})
	var all sync.WaitGroup
	for _, w := range []string{"a", "b", "c"} {
		seq := c.Runs(t.Context(), wire.RunList{Filter: wire.Filter{Workflow: w}})
		for range 2 { // a sequence may be iterated over again
			all.Go(func() {
				var got []string
				for run, err := range seq {
					if err != nil {
						t.Error(err)
					}
					if got = append(got, run.Run); len(got) == 4 {
						break
					}
				}
				if want := fmt.Sprintf("[%s1 %[1]s2 %[1]s1next %[1]s2next]", w); fmt.Sprint(got) != want {
					t.Errorf("got %v, want %s", got, want)
				}
			})
		}
	}
	all.Wait()
}

func TestIterationEndsWithItsError(t *testing.T) {
	data := t.TempDir()
	p := start(t, data)
	p.mu.Lock()
	p.also = func(h wire.Header, r *bus.Request) bool {
		if h.Op != wire.OpWorkflowList {
			return false
		}
		if strings.Contains(string(r.Body), "next") {
			r.Reply(wire.EncodeError(h.ID, &wire.Error{Code: wire.NotAllowed, Message: "no more"}))
		} else {
			r.Reply(wire.EncodeReply(h.ID, wire.Workflows{Workflows: []wire.Workflow{{Workflow: "a"}}, Cursor: "next"}))
		}
		return true
	}
	p.mu.Unlock()
	c := open(t, Options{Data: data})
	var got []string
	for w, err := range c.Workflows(t.Context()) {
		got = append(got, fmt.Sprint(w.Workflow, err))
	}
	if want := "[a<nil> no more]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
