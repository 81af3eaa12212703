package principal

import (
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

// worker is an agent's side of the protocol, done by hand.
type worker struct {
	t    *testing.T
	s    *site
	c    *client.Client
	logs *client.Client
	ref  wire.AgentRef
	seq  int64
	held []wire.Held
}

func (s *site) worker(id string, slots int) *worker {
	s.t.Helper()
	w := &worker{t: s.t, s: s, c: s.client("agent"), ref: wire.AgentRef{Agent: id, Incarnation: 1}}
	w.logs = client.New(client.Options{Address: s.p.logs.Endpoint(), Data: s.data, Identity: "agent", Try: 5 * time.Second})
	s.t.Cleanup(func() { w.logs.Close() })
	ask[wire.AgentWelcome](s.t, w.c, wire.OpAgentHello, &wire.AgentHello{AgentRef: w.ref, Name: "name-of-" + id, Slots: slots, Version: "test"})
	return w
}

func (w *worker) pull() *answer[wire.AgentWork] {
	w.seq++
	return later[wire.AgentWork](w.c, wire.OpAgentPull, &wire.AgentPull{AgentRef: w.ref, Seq: w.seq, Held: w.held})
}

// parked pulls and returns when the principal keeps the pull waiting.
func (w *worker) parked() *answer[wire.AgentWork] {
	w.t.Helper()
	before := 0
	w.s.inLoop(func(l *loop) { before = int(l.token) })
	a := w.pull()
	harness.Eventually(w.t, "the pull is there", func() bool {
		there := false
		w.s.inLoop(func(l *loop) { there = int(l.token) > before })
		return there
	})
	return a
}

// take pulls until there are leases, and holds them from then on.
func (w *worker) take() []wire.Lease {
	w.t.Helper()
	work := w.pull().get(w.t)
	if len(work.Leases) == 0 {
		w.t.Fatal("no lease came")
	}
	for _, l := range work.Leases {
		w.held = append(w.held, wire.Held{Attempt: l.Attempt, State: "running"})
	}
	return work.Leases
}

func (w *worker) report(at wire.Attempt, exit int, lines map[string]int64) *answer[wire.Nothing] {
	w.held = nil
	return later[wire.Nothing](w.c, wire.OpAgentReport, &wire.AgentReport{
		AgentRef: w.ref,
		Result:   wire.Result{Attempt: at, Outcome: "exited", ExitCode: &exit, Ended: wire.At(time.Now()), Lines: lines},
	})
}

// batch is lines of an attempt's stdout from a number on.
func batch(at wire.Attempt, first int64, texts ...string) wire.LogBatch {
	b := wire.LogBatch{Workflow: "claimed", Run: at.Run, Task: at.Task, Attempt: at.Attempt, Stream: wire.Stdout, First: first}
	for _, text := range texts {
		b.Lines = append(b.Lines, wire.Line{Time: 1, Text: text})
	}
	return b
}

func (w *worker) send(batches ...wire.LogBatch) *answer[wire.LogAppended] {
	return later[wire.LogAppended](w.logs, wire.OpLogsAppend, &wire.LogAppend{Agent: "me", Batches: batches})
}

// durable sends a batch and returns up to where its stream is acknowledged.
func (w *worker) durable(b wire.LogBatch) int64 {
	w.t.Helper()
	return w.send(b).get(w.t).Batches[0].Durable
}
