package run

import (
	"fmt"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/workflow"
)

var day = time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)

func oneTask(id string) *workflow.Definition {
	return &workflow.Definition{ID: id, Hash: id, Tasks: []workflow.Task{{ID: "a"}}}
}

func trigger(m *Machine, now Now, d *workflow.Definition, id, key string) ([]Event, []Effect) {
	return m.Apply(now, Trigger{Token: 1, Run: id, Workflow: d, Key: key, Source: "run"})
}

func TestOldestKeysAreForgottenBeyondTheLimit(t *testing.T) {
	m := New(Config{KeyLimit: 3})
	d := oneTask("one")
	for i := range 5 {
		trigger(m, Now{Wall: day}, d, fmt.Sprintf("r%d", i), fmt.Sprintf("k%d", i))
	}
	trigger(m, Now{Wall: day}, oneTask("other"), "x", "k0")
	for i, want := range []bool{false, false, true, true, true} {
		if _, ok := m.keys.find("one", fmt.Sprintf("k%d", i)); ok != want {
			t.Errorf("key k%d is remembered: %v", i, ok)
		}
	}
	if _, ok := m.keys.find("other", "k0"); !ok {
		t.Error("the limit of one workflow took the key of another")
	}
}

func TestKeyIsForgottenAfterItsAgeThoughNobodyTriggers(t *testing.T) {
	m := New(Config{KeyAge: 24 * time.Hour})
	trigger(m, Now{Wall: day}, oneTask("one"), "r1", "k")
	for hour := range 24 {
		due, ok := m.Deadline()
		if !ok {
			t.Fatal("nobody looks at the age of the key")
		}
		if want := time.Duration(hour+1) * time.Hour; due != want {
			t.Fatalf("the next look is at %v, want %v", due, want)
		}
		m.Apply(Now{Wall: day.Add(due), Mono: due}, Tick{})
		if m.keys.size == 0 && hour < 23 {
			t.Fatalf("forgotten after %d hours", hour+1)
		}
	}
	if m.keys.size != 0 || len(m.keys.byWork) != 0 {
		t.Errorf("%d keys are left", m.keys.size)
	}
	if due, ok := m.Deadline(); ok {
		t.Errorf("a machine with nothing to do wants to wake at %v", due)
	}
}

func TestKeysComeBackInAnyOrder(t *testing.T) {
	m := New(Config{KeyAge: 24 * time.Hour})
	for _, hours := range []int{5, 1, 3} {
		m.RestoreKey(Key{Workflow: "one", Key: fmt.Sprint(hours), Run: fmt.Sprint("r", hours), Time: day.Add(time.Duration(hours) * time.Hour)})
	}
	m.RestoreKey(Key{Workflow: "one", Key: "3", Run: "r3", Time: day.Add(3 * time.Hour)})
	m.Start(Now{Wall: day.Add(26 * time.Hour)})
	if m.keys.size != 2 {
		t.Errorf("%d keys are left, want those of 3 and 5 o'clock", m.keys.size)
	}
	if _, ok := m.keys.find("one", "1"); ok {
		t.Error("the oldest key is still there")
	}
}

func TestEventTimesNeverGoBack(t *testing.T) {
	m := New(Config{})
	d := oneTask("one")
	first, _ := trigger(m, Now{Wall: day}, d, "r1", "")
	second, _ := trigger(m, Now{Wall: day.Add(-time.Hour), Mono: 1}, d, "r2", "")
	if !second[0].Time.Equal(first[0].Time) {
		t.Errorf("the second event is at %v, the first at %v", second[0].Time, first[0].Time)
	}

	replayed := New(Config{})
	if err := replayed.Restore(first[0]); err != nil {
		t.Fatal(err)
	}
	replayed.Start(Now{Wall: day.Add(-time.Hour)})
	_, _ = replayed.Apply(Now{Wall: day.Add(-time.Hour)}, Hello{Token: 1, Agent: AgentRef{ID: "a", Incarnation: 1}, Name: "a", Slots: 1})
	events, _ := replayed.Apply(Now{Wall: day.Add(-time.Hour)}, Pull{Token: 2, Agent: AgentRef{ID: "a", Incarnation: 1}, Seq: 1})
	for _, ev := range events {
		if ev.Time.Before(first[0].Time) {
			t.Errorf("after a replay %s %s is at %v", ev.Kind, ev.Status, ev.Time)
		}
	}
}

func TestRestoreRefusesALogThatIsNotOne(t *testing.T) {
	created := Event{Kind: RunCreated, Run: "r1", Status: Pending, Created: &Created{Definition: oneTask("one")}}
	for name, log := range map[string][]Event{
		"no definition": {{Kind: RunCreated, Run: "r1"}},
		"created twice": {created, created},
		"unknown run":   {{Kind: RunChanged, Run: "r1", Status: Running}},
		"unknown task":  {created, {Kind: TaskChanged, Run: "r1", Task: "b", Status: Running}},
		"unknown kind":  {{Kind: "run_forgotten", Run: "r1"}},
	} {
		m := New(Config{})
		var err error
		for _, ev := range log {
			err = m.Restore(ev)
		}
		if err == nil {
			t.Errorf("%s: restored without a word", name)
		}
	}
}

// A machine that has worked is as small as one that has not.
func TestEndedRunsLeaveNothingBehind(t *testing.T) {
	m := New(Config{})
	now := Now{Wall: day}
	ref := AgentRef{ID: "a", Incarnation: 1}
	m.Apply(now, Hello{Token: 1, Agent: ref, Name: "a", Slots: 1})
	zero := 0
	for i := range 3 * acceptedSize {
		id := fmt.Sprintf("r%d", i)
		trigger(m, now, oneTask("one"), id, "")
		m.Apply(now, Pull{Token: 2, Agent: ref, Seq: int64(i + 1)})
		m.Apply(now, Report{Token: 3, Agent: ref, Result: Result{AttemptID: AttemptID{id, "a", 1}, Outcome: Exited, ExitCode: &zero}})
	}
	if c := m.Counts(); c != (Counts{Agents: 1}) {
		t.Errorf("left: %+v", c)
	}
	left := []int{len(m.runs), len(m.graphs), len(m.queue.pools[0].lanes), m.queue.pools[0].order.len(), len(m.queue.pools) - 1, len(m.keys.byWork), len(m.parked), m.queue.waiting.len(), m.alarms.len(), len(m.ended)}
	for i, n := range left {
		if n != 0 {
			t.Errorf("left in place %d: %d", i, n)
		}
	}
	if len(m.accepted.by) != acceptedSize || len(m.accepted.ring) != acceptedSize {
		t.Errorf("%d results are remembered, want %d", len(m.accepted.by), acceptedSize)
	}
}

func TestReplayedDefinitionsAreShared(t *testing.T) {
	m := New(Config{})
	for i := range 3 {
		ev := Event{Kind: RunCreated, Run: fmt.Sprint("r", i), Status: Pending, Created: &Created{Definition: oneTask("one")}}
		if err := m.Restore(ev); err != nil {
			t.Fatal(err)
		}
	}
	if m.runs["r0"].definition != m.runs["r2"].definition || len(m.graphs) != 1 {
		t.Error("each run has its own copy of one definition")
	}
}

func TestLostAgentIsForgottenAfterADay(t *testing.T) {
	m := New(Config{})
	m.Apply(Now{Wall: day}, Hello{Token: 1, Agent: AgentRef{ID: "a", Incarnation: 1}, Name: "a", Slots: 1})
	for n := 0; ; n++ {
		due, ok := m.Deadline()
		if !ok {
			break
		}
		if n == 5 { // four until it is lost, one until it is forgotten
			t.Fatalf("another deadline at %v", due)
		}
		m.Apply(Now{Wall: day.Add(due), Mono: due}, Tick{})
	}
	if as := m.Agents(); len(as) != 0 {
		t.Errorf("still listed: %+v", as)
	}
}

func TestHeapKeepsOrderUnderAnyMoves(t *testing.T) {
	type item struct{ key, at int }
	h := heap[*item]{before: func(a, b *item) bool { return a.key < b.key }, at: func(x *item) *int { return &x.at }}
	var items []*item
	for i := range 200 {
		x := &item{key: (i * 7919) % 1009}
		items = append(items, x)
		h.put(x)
	}
	for i := 0; i < len(items); i += 3 {
		h.drop(items[i])
		h.drop(items[i])
	}
	for i := 1; i < len(items); i += 3 {
		items[i].key = (i * 104729) % 997
		h.put(items[i])
	}
	last, n := -1, 0
	for {
		x, ok := h.first()
		if !ok {
			break
		}
		if x.key < last {
			t.Fatalf("%d after %d", x.key, last)
		}
		last = x.key
		h.drop(x)
		n++
	}
	if want := 200 - 67; n != want {
		t.Errorf("%d items came out, want %d", n, want)
	}
}

// A retry of a trigger meets other defaults, or no workflow at all, when the
// file has changed in between. It is the same run.
func TestKeyOutlivesTheFile(t *testing.T) {
	m := New(Config{})
	now := Now{Wall: time.Unix(1, 0)}
	first := Trigger{Token: 1, Run: "r1", Workflow: oneTask("w"), Params: map[string]string{"a": "1", "b": "old"}, Defaults: []string{"b"}, Key: "k"}
	events, _ := m.Apply(now, first)

	again := New(Config{})
	for _, ev := range events {
		if err := again.Restore(ev); err != nil {
			t.Fatal(err)
		}
	}
	again.Start(now)
	for name, m := range map[string]*Machine{"live": m, "replayed": again} {
		changed := first
		changed.Run, changed.Params = "r2", map[string]string{"a": "1", "b": "new"}
		gone := Trigger{Token: 1, Run: "r3", Name: "w", Params: map[string]string{"a": "1"}, Key: "k", Otherwise: &Refused{Code: NotFound, Message: "no workflow"}}
		for _, c := range []Trigger{changed, gone} {
			if _, effects := m.Apply(now, c); len(effects) != 1 || effects[0] != (Triggered{Token: 1, Run: "r1", Existing: true}) {
				t.Errorf("%s: %v", name, effects)
			}
		}
		gone.Key = "other"
		if _, effects := m.Apply(now, gone); len(effects) != 1 || effects[0] != (Refused{Token: 1, Code: NotFound, Message: "no workflow"}) {
			t.Errorf("%s: %v", name, effects)
		}
		changed.Params = map[string]string{"a": "2", "b": "new"}
		if _, effects := m.Apply(now, changed); effects[0].(Refused).Code != Conflict {
			t.Errorf("%s: %v", name, effects)
		}
	}
}
