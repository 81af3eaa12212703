package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

// An agent's key is good for one's own agents: not for the id, the name or the
// incarnation of those of another key.
func TestHostileAgentCannotBeAnother(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("slow.yml", "tasks: {a: {run: 'until [ -e go ]; do sleep 0.01; done'}}")
	in.StartPrincipalAlone()
	in.StartAgent("web1")
	run := in.Must("cdktr-run", "-d", "slow")
	harness.Eventually(t, "the task runs", func() bool { return statuses(show(t, in, run)) == "a RUNNING" })

	victim := newFakeAgent(t, in, granted(t, in, "victim", "agent"), "victim", "victim-id")
	if got := code(victim.hello(1)); got != "ok" {
		t.Fatal(got)
	}
	thief := newFakeAgent(t, in, granted(t, in, "thief", "agent"), "thief", "victim-id")
	result := fmt.Sprintf(`"result":{"run":%q,"task":"a","attempt":1,"outcome":"exited","exit_code":0,"ended":"2026-01-02T03:04:05Z"}`, run)
	for _, incarnation := range []int64{0, 1, 2, 1 << 62} {
		for name, reply := range map[string]wire.Reply{
			"hello":  thief.hello(incarnation),
			"pull":   thief.ask("agent.pull", incarnation, `"seq":1`),
			"renew":  thief.ask("agent.renew", incarnation, ""),
			"report": thief.ask("agent.report", incarnation, result),
			"leave":  thief.ask("agent.leave", incarnation, ""),
		} {
			if code(reply) != wire.NotAllowed {
				t.Errorf("%s as incarnation %d: %s", name, incarnation, code(reply))
			}
		}
	}
	if r := say(t, thief.api, `{"v":1,"id":"x","op":"agent.drain","name":"victim"}`); code(r) != wire.NotAllowed {
		t.Errorf("drain: %s", code(r))
	}
	// Its own id, the other's name.
	thief.id, thief.name = "thief-id", "victim"
	if got := code(thief.hello(1)); got != wire.Unavailable {
		t.Errorf("hello under a name in use: %s", got)
	}
	// Its own id and name, another's task.
	thief.name = "thief"
	if got := code(thief.hello(1)); got != "ok" {
		t.Fatal(got)
	}
	if got := code(thief.ask("agent.report", 1, result)); got != wire.Fenced {
		t.Errorf("the report of another's task: %s", got)
	}
	if got := code(victim.ask("agent.renew", 1, "")); got != "ok" {
		t.Errorf("the victim: %s", got)
	}
	touch(t, in, "go")
	in.Must("cdktr-run", "-q", "--wait", run)
	if r := show(t, in, run); r.Tasks[0].Attempt != 1 || r.Tasks[0].Agent == nil || *r.Tasks[0].Agent != "web1" {
		t.Errorf("the task is %+v", r.Tasks[0])
	}
}

// What an agent sent comes again, late, or in another order: one result counts,
// each line is there once.
func TestReplayedAndReorderedMessagesCountOnce(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("two.yml", "tasks: {a: {run: ':'}, b: {depends: a, run: ':'}}")
	in.StartPrincipalAlone()
	a, _ := in.Address()
	agent := newFakeAgent(t, in, granted(t, in, "web1", "agent"), "web1", "web1-id")
	agent.hello(1)
	run := in.Must("cdktr-run", "-d", "two")

	lines := raw(t, in, a.Logs, agent.pair)
	batch := func(first int, texts ...string) string {
		var all []string
		for _, text := range texts {
			all = append(all, fmt.Sprintf(`{"t":1767323040123,"m":%q}`, text))
		}
		return fmt.Sprintf(`{"v":1,"id":"x","op":"logs.append","agent":"web1","batches":[{"run":%q,"task":"a","attempt":1,"stream":"stdout","first":%d,"lines":[%s]}]}`, run, first, strings.Join(all, ","))
	}
	result := func(task string, attempt, exit, last int) string {
		return fmt.Sprintf(`"result":{"run":%q,"task":%q,"attempt":%d,"outcome":"exited","exit_code":%d,"ended":"2026-01-02T03:04:05Z","lines":{"stdout":%d}}`, run, task, attempt, exit, last)
	}

	pull := agent.pull(t, 5)
	if len(pull.Leases) != 1 || pull.Leases[0].Task != "a" {
		t.Fatalf("pull 5 brings %+v", pull)
	}
	if got := agent.pull(t, 3); len(got.Leases) > 0 {
		t.Errorf("an older pull brings %+v", got)
	}
	if got := agent.pull(t, -1); len(got.Leases) > 0 {
		t.Errorf("a negative pull brings %+v", got)
	}

	for _, b := range []string{batch(1, "one"), batch(3, "three"), batch(1, "one"), batch(2, "two", "three"), batch(1, "1", "2", "3"), batch(2, "two")} {
		if r := say(t, lines, b); code(r) != "ok" {
			t.Errorf("%s: %s", b, code(r))
		}
	}
	for _, wrong := range []string{result("a", 2, 0, 0), result("a", 0, 0, 0), result("a", -1, 0, 0), result("b", 1, 0, 0), result("nobody", 1, 0, 0), strings.Replace(result("a", 1, 0, 0), run, "aaaaaaaaaaaa", 1)} {
		if got := code(agent.ask("agent.report", 1, wrong)); got != wire.Fenced {
			t.Errorf("%s: %s", wrong, got)
		}
	}
	for range 3 {
		if got := code(agent.ask("agent.report", 1, result("a", 1, 0, 3))); got != "ok" {
			t.Errorf("the report: %s", got)
		}
	}
	// The same attempt cannot end in another way afterwards.
	_ = agent.ask("agent.report", 1, result("a", 1, 7, 3))
	if got := agent.pull(t, 6); len(got.Leases) != 1 || got.Leases[0].Task != "b" {
		t.Fatalf("pull 6 brings %+v", got)
	}
	if got := code(agent.ask("agent.report", 1, result("b", 1, 0, 0))); got != "ok" {
		t.Errorf("the report: %s", got)
	}
	in.Must("cdktr-run", "-q", "--wait", run)
	for range 2 { // after the end
		_ = agent.ask("agent.report", 1, result("a", 1, 7, 3))
		if r := say(t, lines, batch(2, "two")); code(r) != "ok" {
			t.Errorf("a line again: %s", code(r))
		}
	}
	if r := show(t, in, run); r.Status != "COMPLETED" || statuses(r) != "a COMPLETED, b COMPLETED" || *r.Tasks[0].ExitCode != 0 {
		t.Errorf("the run is %s: %s", r.Status, statuses(r))
	}
	if got := bare(t, in, run, "stdout"); got != "one\ntwo\nthree\n" {
		t.Errorf("stdout is %q", got)
	}
	ends := slices.DeleteFunc(events(t, in, run), func(e wire.Event) bool { return e.Status != "COMPLETED" })
	if len(ends) != 3 {
		t.Errorf("%d things completed, not two tasks and a run", len(ends))
	}
}

// fakeAgent is an agent in the test's own hands.
type fakeAgent struct {
	t        *testing.T
	api      *bus.Client
	pair     bus.Pair
	name, id string
}

func newFakeAgent(t *testing.T, in *harness.Installation, pair bus.Pair, name, id string) *fakeAgent {
	a, _ := in.Address()
	return &fakeAgent{t, raw(t, in, a.API, pair), pair, name, id}
}

func (f *fakeAgent) ask(op string, incarnation int64, rest string) wire.Reply {
	f.t.Helper()
	if rest != "" {
		rest = "," + rest
	}
	return say(f.t, f.api, fmt.Sprintf(`{"v":1,"id":"x","op":%q,"agent":%q,"incarnation":%d%s}`, op, f.id, incarnation, rest))
}

func (f *fakeAgent) hello(incarnation int64) wire.Reply {
	f.t.Helper()
	return f.ask("agent.hello", incarnation, fmt.Sprintf(`"name":%q,"slots":1,"version":"1"`, f.name))
}

// pull asks for work and tells that it has none.
func (f *fakeAgent) pull(t *testing.T, seq int) wire.AgentWork {
	t.Helper()
	r := f.ask("agent.pull", 1, fmt.Sprintf(`"seq":%d`, seq))
	if !r.OK {
		t.Fatalf("pull: %s", code(r))
	}
	return one[wire.AgentWork](t, string(r.Result))
}
