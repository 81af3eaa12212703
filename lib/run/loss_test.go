package run

import (
	"slices"
	"testing"

	"github.com/cdktr/cdktr/lib/workflow"
)

// A store may give back the events of one instant in another order than they
// were made in.
func TestTasksOfARunStartOverInAnyOrder(t *testing.T) {
	d := &workflow.Definition{ID: "w", Placement: workflow.Together, Tasks: []workflow.Task{
		{ID: "a"}, {ID: "b", Depends: []string{"a"}}, {ID: "c", Depends: []string{"b"}},
		{ID: "d"}, {ID: "e", Depends: []string{"a", "d"}}, {ID: "f", Depends: []string{"a"}},
	}}
	ref := AgentRef{ID: "x", Incarnation: 1}
	change := func(task string, s Status) Event {
		return Event{Kind: TaskChanged, Run: "r", Task: task, Attempt: 1, Status: s, Agent: "x", AgentRef: ref}
	}
	before := []Event{
		{Kind: RunCreated, Run: "r", Status: Pending, Created: &Created{Definition: d}},
		{Kind: RunChanged, Run: "r", Status: Running},
		change("a", Running), change("d", Running), change("a", Completed), change("b", Running),
		change("d", Failed), change("e", Skipped), change("b", Completed), change("c", Running),
		change("c", Crashed),
	}
	again := func(task string, attempt int) Event {
		return Event{Kind: TaskQueued, Run: "r", Task: task, Attempt: attempt}
	}
	over := []Event{again("a", 2), again("b", 2), again("c", 2), again("d", 2), again("e", 1)}
	tell := func(order []Event) string {
		m := New(Config{})
		for _, ev := range slices.Concat(before, order) {
			if err := m.Restore(ev); err != nil {
				t.Fatal(err)
			}
		}
		if c := m.Counts(); c != (Counts{OpenRuns: 1, ReadyTasks: 2}) {
			t.Errorf("after %v: %+v", order, c)
		}
		return m.String()
	}
	const want = `r w RUNNING
  a#2 PENDING missing=0 losses=0 ready
  b#2 PENDING missing=1 losses=0
  c#2 PENDING missing=1 losses=1
  d#2 PENDING missing=0 losses=0 ready
  e#1 PENDING missing=2 losses=0
  f#0 PENDING missing=1 losses=0
`
	permute(over, func(order []Event) {
		if got := tell(order); got != want {
			t.Fatalf("want\n%s\ngot\n%s", want, got)
		}
	})
}

func permute(events []Event, do func([]Event)) {
	var from func(i int)
	from = func(i int) {
		if i == len(events) {
			do(events)
			return
		}
		for j := i; j < len(events); j++ {
			events[i], events[j] = events[j], events[i]
			from(i + 1)
			events[i], events[j] = events[j], events[i]
		}
	}
	from(0)
}
