package agent

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// benchPrincipal gives out a task, takes its result at once, and notes when
// that came.
type benchPrincipal struct {
	leases  chan wire.Lease
	results chan wire.Result
}

func (p benchPrincipal) Call(ctx context.Context, op wire.Op, req, result any) error {
	switch op {
	case wire.OpAgentHello:
		result.(*wire.AgentWelcome).Logs = "tcp://logs"
	case wire.OpAgentPull:
		select {
		case lease := <-p.leases:
			*result.(*wire.AgentWork) = wire.AgentWork{Leases: []wire.Lease{lease}}
		case <-ctx.Done():
			return ctx.Err()
		}
	case wire.OpAgentReport:
		p.results <- req.(*wire.AgentReport).Result
	case wire.OpLogsAppend:
		answer := result.(*wire.LogAppended)
		for _, b := range req.(*wire.LogAppend).Batches {
			answer.Batches = append(answer.Batches, wire.LogAck{Durable: b.Last()})
		}
	}
	return nil
}

// One task after the other: from the lease to the report.
func BenchmarkOneTask(b *testing.B) {
	p := benchPrincipal{make(chan wire.Lease), make(chan wire.Result)}
	a, err := New(Options{Name: "box", Dir: b.TempDir(), API: p, Logs: func(string) Link { return p }})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	var after time.Duration
	n := 0
	for b.Loop() {
		n++
		p.leases <- wire.Lease{Attempt: wire.Attempt{Run: fmt.Sprint("r", n), Task: "t", Attempt: 1}, Spec: wire.Spec{Argv: []string{"true"}}}
		r := <-p.results
		after += time.Since(r.Ended.Time)
	}
	b.ReportMetric(float64(after.Microseconds())/float64(n)-500, "µs-from-exit-to-report") // Ended is cut to the millisecond
	cancel()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}
