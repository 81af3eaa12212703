package run

import (
	"fmt"
	"testing"

	"github.com/cdktr/cdktr/lib/workflow"
)

const queued = 50_000

// loaded returns a machine with 50,000 queued runs of one workflow and a
// hundred others.
func loaded(b *testing.B) *Machine {
	m := New(Config{})
	for i := range queued {
		trigger(m, Now{Wall: day}, oneTask("big"), fmt.Sprintf("q%d", i), "")
	}
	for i := range 100 {
		trigger(m, Now{Wall: day}, oneTask(fmt.Sprintf("small%d", i)), fmt.Sprintf("s%d", i), "")
	}
	b.ReportAllocs()
	b.ResetTimer()
	return m
}

func BenchmarkTrigger(b *testing.B) {
	m := loaded(b)
	d := oneTask("one")
	params := map[string]string{"day": "today", "full": "no"}
	for i := 0; b.Loop(); i++ {
		id := fmt.Sprintf("r%d", i)
		m.Apply(Now{Wall: day}, Trigger{Token: 1, Run: id, Workflow: d, Params: params, Key: id, Source: "run"})
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commands/s")
}

// Whole runs of one task: a trigger, a pull and a result each.
func BenchmarkOneTaskRuns(b *testing.B) {
	m := loaded(b)
	big, zero := oneTask("big"), 0
	ref := AgentRef{ID: "a", Incarnation: 1}
	m.Apply(Now{Wall: day}, Hello{Token: 1, Agent: ref, Name: "a", Slots: 1})
	for i := 0; b.Loop(); i++ {
		trigger(m, Now{Wall: day}, big, fmt.Sprintf("r%d", i), "")
		_, effects := m.Apply(Now{Wall: day}, Pull{Token: 2, Agent: ref, Seq: int64(i + 1)})
		work, ok := effects[len(effects)-1].(Work)
		if !ok || len(work.Leases) != 1 {
			b.Fatalf("no lease: %+v", effects)
		}
		m.Apply(Now{Wall: day}, Report{Token: 3, Agent: ref, Result: Result{AttemptID: work.Leases[0].AttemptID, Outcome: Exited, ExitCode: &zero}})
	}
	b.ReportMetric(3*float64(b.N)/b.Elapsed().Seconds(), "commands/s")
}

// Runs of a workflow that holds back 50,000: a trigger, which joins them, a pull,
// and a result, which lets the next in.
func BenchmarkHeldRuns(b *testing.B) {
	d, zero := oneTask("held"), 0
	d.Overlap = workflow.OverlapQueue
	m := New(Config{})
	for i := range queued {
		trigger(m, Now{Wall: day}, d, fmt.Sprintf("q%d", i), "")
	}
	ref := AgentRef{ID: "a", Incarnation: 1}
	m.Apply(Now{Wall: day}, Hello{Token: 1, Agent: ref, Name: "a", Slots: 1})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		trigger(m, Now{Wall: day}, d, fmt.Sprintf("r%d", i), "")
		_, effects := m.Apply(Now{Wall: day}, Pull{Token: 2, Agent: ref, Seq: int64(i + 1)})
		work, ok := effects[len(effects)-1].(Work)
		if !ok || len(work.Leases) != 1 {
			b.Fatalf("no lease: %+v", effects)
		}
		m.Apply(Now{Wall: day}, Report{Token: 3, Agent: ref, Result: Result{AttemptID: work.Leases[0].AttemptID, Outcome: Exited, ExitCode: &zero}})
	}
	b.ReportMetric(3*float64(b.N)/b.Elapsed().Seconds(), "commands/s")
}

// Triggers of a workflow that is active: none has a run.
func BenchmarkSkippedTriggers(b *testing.B) {
	d := oneTask("skipped")
	d.Overlap = workflow.OverlapSkip
	m := New(Config{})
	trigger(m, Now{Wall: day}, d, "r", "")
	for b.Loop() {
		m.Apply(Now{Wall: day}, Trigger{Token: 1, Run: "other", Workflow: d, Key: "k", Source: "run"})
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commands/s")
}
