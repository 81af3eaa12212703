package principal

import (
	"slices"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/brief"
	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

// What a message says of its sender counts only with the key that said hello.
func TestNobodySpeaksForAnotherAgent(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	s.trigger("hello", "")
	at := w.take()[0].Attempt
	zero := 0
	as := func(id string) map[wire.Op]client.Request {
		ref := wire.AgentRef{Agent: id, Incarnation: 1}
		return map[wire.Op]client.Request{
			wire.OpAgentHello:  &wire.AgentHello{AgentRef: wire.AgentRef{Agent: id, Incarnation: 9}, Name: "thief", Slots: 1, Version: "x"},
			wire.OpAgentPull:   &wire.AgentPull{AgentRef: ref, Seq: 99},
			wire.OpAgentRenew:  &wire.AgentRenew{AgentRef: ref},
			wire.OpAgentReport: &wire.AgentReport{AgentRef: ref, Result: wire.Result{Attempt: at, Outcome: "exited", ExitCode: &zero}},
			wire.OpAgentLeave:  &wire.AgentLeave{AgentRef: ref},
		}
	}
	for op, req := range as("a1") {
		_, err := try[wire.Nothing](s.admin, op, req)
		t.Log(op)
		wantRefusal(t, err, wire.NotAllowed, "another key")
	}
	w.report(at, 0, nil).get(t) // unharmed

	ask[wire.Nothing](t, w.c, wire.OpAgentLeave, &wire.AgentLeave{AgentRef: w.ref})
	ask[wire.AgentWelcome](t, s.admin, wire.OpAgentHello, as("a1")[wire.OpAgentHello]) // the id is free now
	s.inLoop(func(l *loop) {
		if len(l.agentKeys) != 1 {
			t.Errorf("%d keys are remembered for one agent", len(l.agentKeys))
		}
	})
}

// An agent may drain itself; any other is an admin's to drain.
func TestAgentDrainsOnlyThoseOfItsKey(t *testing.T) {
	s := newSite(t)
	mine := s.worker("a1", 1)
	theirs := &wire.AgentHello{AgentRef: wire.AgentRef{Agent: "a2", Incarnation: 1}, Name: "theirs", Slots: 1, Version: "x"}
	ask[wire.AgentWelcome](t, s.admin, wire.OpAgentHello, theirs)
	for _, name := range []string{"theirs", "nobody"} {
		_, err := try[wire.Nothing](mine.c, wire.OpAgentDrain, &wire.AgentDrain{Name: name})
		wantRefusal(t, err, wire.NotAllowed)
	}
	ask[wire.Nothing](t, mine.c, wire.OpAgentDrain, &wire.AgentDrain{Name: "name-of-a1"})
	for _, a := range ask[wire.Agents](t, s.admin, wire.OpAgentList, &wire.AgentList{}).Agents {
		if drains := a.Status == "DRAINING"; drains != (a.Agent == "name-of-a1") {
			t.Errorf("%+v", a)
		}
	}
}

func TestKeyOfAnAgentThatIsGoneIsForgotten(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	ask[wire.Nothing](t, w.c, wire.OpAgentLeave, &wire.AgentLeave{AgentRef: w.ref})
	s.inLoop(func(l *loop) {
		if len(l.agentKeys) != 0 {
			t.Errorf("remembered: %v", l.agentKeys)
		}
	})
}

func TestPullIsAnsweredWithNothingAfterAWhile(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	first := w.parked()
	unanswered(t, "the pull", first)
	s.pass(parkTime)
	if work := first.get(t); len(work.Leases)+len(work.Stop) != 0 || work.Drain {
		t.Errorf("%+v", work)
	}
	second := w.parked()
	third := w.parked()
	second.get(t) // the newer one takes its place
	s.trigger("hello", "")
	if work := third.get(t); len(work.Leases) != 1 {
		t.Errorf("%+v", work)
	}
	s.inLoop(func(l *loop) {
		if len(l.answers) != 0 {
			t.Errorf("%d answers are still owed", len(l.answers))
		}
	})
}

func TestPullIsAnsweredWhenThePrincipalStops(t *testing.T) {
	s := newSite(t)
	pull := s.worker("a1", 1).parked()
	s.stop()
	if work := pull.get(t); len(work.Leases)+len(work.Stop) != 0 {
		t.Errorf("%+v", work)
	}
}

func TestDrainReachesAParkedPull(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	pull := w.parked()
	_, err := try[wire.Nothing](s.admin, wire.OpAgentDrain, &wire.AgentDrain{Name: "nobody"})
	wantRefusal(t, err, wire.NotFound)
	ask[wire.Nothing](t, s.admin, wire.OpAgentDrain, &wire.AgentDrain{Name: "name-of-a1"})
	if !pull.get(t).Drain {
		t.Error("not told to drain")
	}
	list := ask[wire.Agents](t, s.admin, wire.OpAgentList, &wire.AgentList{}).Agents
	if len(list) != 1 || list[0].Status != "DRAINING" || list[0].Agent != "name-of-a1" || list[0].LastSeen == nil {
		t.Errorf("%+v", list)
	}
}

// Leases that are too much for one message come with the next pull.
func TestLeasesAreSpreadOverMessages(t *testing.T) {
	s := newSite(t)
	text := "tasks:\n"
	const tasks = 12
	for i := range tasks {
		text += "  t" + string(rune('a'+i)) + ": {run: x}\n"
	}
	put(t, s.p.cfg.Workflows, "wide.yml", text)
	ask[wire.Reloaded](t, s.admin, wire.OpReload, &wire.Plain{})
	params := wire.Params{}
	for _, c := range "abcdefg" {
		params[string(c)] = strings.Repeat("x", brief.MaxParam)
	}
	w := s.worker("a1", tasks)
	trigger := &wire.Trigger{TriggerItem: wire.TriggerItem{Workflow: "wide", Params: params}}
	ask[wire.Triggered](t, s.admin, wire.OpRunTrigger, trigger)
	seen := map[string]int{}
	pulls := 0
	for ; len(seen) < tasks && pulls < 5; pulls++ {
		for _, l := range w.take() {
			seen[l.Task]++
		}
	}
	if len(seen) != tasks || pulls != 2 {
		t.Errorf("%d of %d tasks after %d pulls: %v", len(seen), tasks, pulls, seen)
	}
	for task, n := range seen {
		if n != 1 {
			t.Errorf("task %s was leased %d times", task, n)
		}
	}
}

// A definition from an older history may be larger than what loads now.
func TestTaskThatFitsIntoNoMessageFailsAloneAndTheOthersGoOn(t *testing.T) {
	s := newSite(t)
	def := &workflow.Definition{ID: "old", Tasks: []workflow.Task{
		{ID: "huge", Action: workflow.Action{Script: &workflow.Script{Text: strings.Repeat("\x1b", 1<<20)}}},
		{ID: "small", Action: workflow.Action{Script: &workflow.Script{Text: "x"}}},
	}}
	w := s.worker("a1", 2)
	id := "aaaaaaaaaaaa"
	s.inLoop(func(l *loop) { l.apply(run.Trigger{Run: id, Workflow: def}) })
	leases := w.take()
	if len(leases) != 1 || leases[0].Task != "small" {
		t.Fatalf("%d leases", len(leases))
	}
	w.report(leases[0].Attempt, 0, nil).get(t)
	s.waitFor(id).get(t)
	r := ask[wire.Run](t, s.admin, wire.OpRunGet, &wire.RunRef{Run: id})
	if r.Status != "FAILED" || len(r.Tasks) != 2 || r.Tasks[1].Status != "COMPLETED" {
		t.Fatalf("%+v", r)
	}
	s.store.mu.Lock()
	told := slices.ContainsFunc(s.store.events, func(e run.Event) bool {
		return e.Task == "huge" && e.Status == run.Failed && strings.Contains(e.Reason, "bytes; a message holds at most")
	})
	s.store.mu.Unlock()
	if !told {
		t.Error("the history does not say why")
	}
	s.trigger("hello", "")
	w.take() // the agent works on
}

func TestHelloAndResultsAreChecked(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	long := strings.Repeat("x", 5000)
	hello := func(change func(*wire.AgentHello)) *wire.AgentHello {
		h := &wire.AgentHello{AgentRef: wire.AgentRef{Agent: "a2", Incarnation: 1}, Name: "n", Slots: 1}
		change(h)
		return h
	}
	for name, req := range map[string]*wire.AgentHello{
		"no id":      hello(func(h *wire.AgentHello) { h.Agent = "" }),
		"long id":    hello(func(h *wire.AgentHello) { h.Agent = long }),
		"no name":    hello(func(h *wire.AgentHello) { h.Name = "" }),
		"long name":  hello(func(h *wire.AgentHello) { h.Name = long }),
		"no slots":   hello(func(h *wire.AgentHello) { h.Slots = 0 }),
		"many slots": hello(func(h *wire.AgentHello) { h.Slots = wire.MaxSlots + 1 }),
		"version":    hello(func(h *wire.AgentHello) { h.Version = long }),
		"label":      hello(func(h *wire.AgentHello) { h.Labels = map[string]string{long: ""} }),
		"its value":  hello(func(h *wire.AgentHello) { h.Labels = map[string]string{"a": long} }),
		"held state": hello(func(h *wire.AgentHello) { h.Held = []wire.Held{{State: "lying"}} }),
	} {
		_, err := try[wire.AgentWelcome](w.c, wire.OpAgentHello, req)
		t.Log(name)
		wantRefusal(t, err, wire.BadRequest)
	}
	_, err := try[wire.AgentWelcome](w.c, wire.OpAgentHello, hello(func(h *wire.AgentHello) { h.Name = "name-of-a1" }))
	wantRefusal(t, err, wire.Unavailable, "name-of-a1")

	zero := 0
	for name, c := range map[string]struct {
		result wire.Result
		code   wire.Code
	}{
		"outcome":       {wire.Result{Outcome: "vanished"}, wire.BadRequest},
		"no exit code":  {wire.Result{Outcome: "exited"}, wire.BadRequest},
		"long reason":   {wire.Result{Outcome: "unable", Reason: long}, wire.TooLarge},
		"stream":        {wire.Result{Outcome: "exited", ExitCode: &zero, Lines: map[string]int64{"stdin": 1}}, wire.BadRequest},
		"negative line": {wire.Result{Outcome: "exited", ExitCode: &zero, Lines: map[string]int64{"stdout": -1}}, wire.BadRequest},
	} {
		_, err := try[wire.Nothing](w.c, wire.OpAgentReport, &wire.AgentReport{AgentRef: w.ref, Result: c.result})
		t.Log(name)
		wantRefusal(t, err, c.code)
	}
	_, err = try[wire.AgentWork](w.c, wire.OpAgentPull, &wire.AgentPull{AgentRef: w.ref, Seq: 1, Held: []wire.Held{{State: ""}}})
	wantRefusal(t, err, wire.BadRequest)
}

func TestSupersededResultIsFenced(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	id := s.trigger("hello", "").Run
	at := w.take()[0].Attempt
	ask[wire.Nothing](t, w.c, wire.OpAgentLeave, &wire.AgentLeave{AgentRef: w.ref}) // crashes the attempt
	w2 := s.worker("a2", 1)
	second := w2.take()[0].Attempt
	if second.Attempt != 2 || second.Run != id {
		t.Fatalf("leased %+v", second)
	}
	if got := w2.report(at, 0, nil).refusal(t); got != wire.Fenced {
		t.Errorf("the first attempt's result: %s", got)
	}
	w2.report(second, 0, nil).get(t)
	w2.report(second, 0, nil).get(t) // its answer may have been lost
	if got := s.waitFor(id).get(t); got.Status != "COMPLETED" {
		t.Errorf("the run is %s", got.Status)
	}
}
