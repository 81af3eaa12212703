package agent

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// A chunk of a task's output on its way: put, taken, encoded, acknowledged.
func BenchmarkSpool1000Lines(b *testing.B) {
	s := testSpool(b)
	var chunk []wire.Line
	for range 1000 {
		chunk = append(chunk, wire.Line{Time: 1_767_323_045_678, Text: strings.Repeat("an ordinary line", 4)})
	}
	b.ReportAllocs()
	n := int64(0)
	for b.Loop() {
		n += 1000
		s.put(wire.Stdout, append([]wire.Line(nil), chunk...))
		batches, _ := s.take(callSize, true)
		if _, err := wire.EncodeRequest(&wire.LogAppend{Agent: "box", Batches: batches}); err != nil {
			b.Fatal(err)
		}
		s.settle(batches, []wire.LogAck{{Durable: n}}, nil)
	}
}

// A task that does not buffer: each line comes alone.
func BenchmarkSpoolLineByLine(b *testing.B) {
	s := testSpool(b)
	b.ReportAllocs()
	n := int64(0)
	for b.Loop() {
		n++
		s.put(wire.Stdout, []wire.Line{{Time: 1_767_323_045_678, Text: "an ordinary line"}})
		if n%1000 != 0 {
			continue
		}
		batches, _ := s.take(callSize, true)
		if _, err := wire.EncodeRequest(&wire.LogAppend{Agent: "box", Batches: batches}); err != nil {
			b.Fatal(err)
		}
		s.settle(batches, []wire.LogAck{{Durable: n}}, nil)
	}
}

// One task that prints 1,000,000 lines, until all are acknowledged by a
// principal that costs nothing.
func BenchmarkMillionLines(b *testing.B) {
	p := benchPrincipal{make(chan wire.Lease), make(chan wire.Result)}
	logs := encodingLink{p}
	a, err := New(Options{Name: "box", Dir: b.TempDir(), API: p, Logs: func(string) Link { return logs }})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	n := 0
	for b.Loop() {
		n++
		p.leases <- wire.Lease{Attempt: wire.Attempt{Run: fmt.Sprint("r", n), Task: "t", Attempt: 1}, Spec: wire.Spec{Argv: []string{"sh", "-c", "yes 'an ordinary line of output, as long as they are on the average of all tasks' | head -n 1000000"}}}
		<-p.results
		for !a.ship.idle() {
			time.Sleep(time.Millisecond)
		}
	}
	cancel()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.Sys)/(1<<20), "MB-of-memory")
}

// encodingLink does with lines what a real one does.
type encodingLink struct{ benchPrincipal }

func (l encodingLink) Call(ctx context.Context, op wire.Op, req, result any) error {
	if _, err := wire.EncodeRequest(req); err != nil {
		return err
	}
	return l.benchPrincipal.Call(ctx, op, req, result)
}

// What a task that prints nothing costs: two lines of CDKTR's own.
func BenchmarkSpoolOfAQuietTask(b *testing.B) {
	f := testShelf(b)
	for n := 0; b.Loop(); n++ {
		s := newSpool(f, "w", wire.Attempt{Run: fmt.Sprint("r", n), Task: "t", Attempt: 1}, func() {})
		s.put(wire.System, []wire.Line{{Time: 1_767_323_045_678, Text: "started"}})
		s.put(wire.System, []wire.Line{{Time: 1_767_323_045_678, Text: "exit 0"}})
		s.finish()
		batches, _ := s.take(callSize, true)
		s.settle(batches, []wire.LogAck{{Durable: 2}}, nil)
		s.remove()
	}
}
