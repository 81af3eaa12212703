package run

import (
	"fmt"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/workflow"
)

// hand is a hand that drives a machine with one agent.
type hand struct {
	m   *Machine
	now Now
	ref AgentRef
	seq int64
	log []Event
}

func newHand(labels map[string]string) *hand {
	h := &hand{m: New(Config{}), now: Now{Wall: day}, ref: AgentRef{ID: "a", Incarnation: 1}}
	h.apply(Hello{Token: 1, Agent: h.ref, Name: "a", Slots: 4, Labels: labels})
	return h
}

func (h *hand) apply(cmd Command) []Effect {
	events, effects := h.m.Apply(h.now, cmd)
	h.log = append(h.log, events...)
	return effects
}

func (h *hand) pull() []Lease {
	h.seq++
	for _, e := range h.apply(Pull{Token: 2, Agent: h.ref, Seq: h.seq}) {
		if w, ok := e.(Work); ok && len(w.Leases) > 0 {
			return w.Leases
		}
	}
	return nil
}

func (h *hand) result(id AttemptID, code int) {
	h.apply(Report{Token: 3, Agent: h.ref, Result: Result{AttemptID: id, Outcome: Exited, ExitCode: &code}})
}

func (h *hand) wait(d time.Duration) {
	h.now.Wall, h.now.Mono = h.now.Wall.Add(d), h.now.Mono+d
	h.apply(Renew{Agent: h.ref})
	h.apply(Tick{})
}

// A machine is as small after runs with all that a file can say as before them.
func TestRunsWithRetriesAndHandlersLeaveNothingBehind(t *testing.T) {
	gpu := map[string]string{"gpu": "true"}
	retries := workflow.Retries{Limit: 1, Delay: workflow.Duration(time.Second)}
	d := &workflow.Definition{
		ID: "w", Hash: "w", Agents: gpu, Timeout: workflow.Duration(time.Hour),
		Tasks: []workflow.Task{{ID: "a", Retries: retries}, {ID: "b", Depends: []string{"a"}}},
		OnEnd: &workflow.Task{ID: workflow.OnEndID},
	}
	h := newHand(gpu)
	for i := range 10 {
		id := fmt.Sprint("r", i)
		h.log = nil
		h.apply(Trigger{Token: 1, Run: id, Workflow: d})
		for range 2 { // lives
			for range 3 { // both attempts of a, and the handler
				for _, l := range h.pull() {
					h.result(l.AttemptID, 1)
				}
				h.wait(time.Second)
			}
			if h.m.Open(id) {
				t.Fatalf("still open:\n%s", h.m)
			}
			h.apply(Retry{Token: 1, Run: id, Story: h.log})
		}
		h.apply(Cancel{Token: 1, Run: id})
		h.apply(Cancel{Token: 1, Run: id}) // its handler too
	}
	m := h.m
	if c := m.Counts(); c != (Counts{Agents: 1}) {
		t.Errorf("left: %+v", c)
	}
	for i, n := range []int{len(m.runs), len(m.ended), len(m.graphs), m.alarms.len(), len(m.queue.pools) - 1, len(m.queue.byKey) - 1, m.queue.waiting.len() - 1} {
		if n > 0 {
			t.Errorf("left in place %d: %d", i, n)
		}
	}
}

// What asks for labels that no agent has is not looked at again and again.
func TestTasksThatNobodyCanTakeCostTheOthersNothing(t *testing.T) {
	cost := func(stuck int) time.Duration {
		h := newHand(nil)
		gpu := &workflow.Definition{ID: "gpu", Hash: "gpu", Agents: map[string]string{"gpu": "true"}, Tasks: []workflow.Task{{ID: "a"}}}
		for i := range stuck {
			h.apply(Trigger{Run: fmt.Sprint("s", i), Workflow: gpu})
		}
		best := time.Hour
		for i := range 5 {
			began := time.Now()
			for j := range 100 {
				h.apply(Trigger{Run: fmt.Sprint("r", i, "-", j), Workflow: oneTask("one")})
				for _, l := range h.pull() {
					h.result(l.AttemptID, 0)
				}
			}
			best = min(best, time.Since(began))
		}
		return best
	}
	if few, many := cost(10), cost(20_000); many > 20*few {
		t.Errorf("beside 10 tasks that wait for a label 100 runs take %v, beside 20,000 of them %v", few, many)
	}
}

func TestDelaysGrowToTheirBound(t *testing.T) {
	s := func(n float64) workflow.Duration { return workflow.Duration(n * float64(time.Second)) }
	for _, c := range []struct {
		name string
		r    workflow.Retries
		nth  int
		want time.Duration
	}{
		{"none", workflow.Retries{}, 1, 0},
		{"none grows to none", workflow.Retries{Backoff: 3}, 9, 0},
		{"the first", workflow.Retries{Delay: s(10), Backoff: 2}, 1, 10 * time.Second},
		{"the third", workflow.Retries{Delay: s(10), Backoff: 2}, 3, 40 * time.Second},
		{"always the same", workflow.Retries{Delay: s(10)}, 1_000_000_000, 10 * time.Second},
		{"bounded", workflow.Retries{Delay: s(10), Backoff: 2, MaxDelay: s(30)}, 3, 30 * time.Second},
		{"bounded from the first", workflow.Retries{Delay: s(10), MaxDelay: s(5)}, 1, 5 * time.Second},
		{"a day at most", workflow.Retries{Delay: s(10), Backoff: 10}, 1_000_000_000, 24 * time.Hour},
		{"ever shorter", workflow.Retries{Delay: s(1), Backoff: 0.5}, 3, time.Second / 4},
	} {
		if got := delay(c.r, c.nth); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestDurationsInWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		2 * time.Hour: "2h", 90 * time.Minute: "1h30m", time.Minute: "1m", 61 * time.Second: "1m1s",
		20 * time.Minute: "20m", 10 * time.Hour: "10h", time.Hour + time.Second: "1h0m1s", 0: "0s", 1500 * time.Millisecond: "1.5s", 10 * time.Second: "10s",
	} {
		if got := words(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
