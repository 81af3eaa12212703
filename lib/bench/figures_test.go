package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

func TestMain(m *testing.M) {
	if os.Getenv(asPacer) != "" {
		pace(os.Stdout)
		return
	}
	harness.Main(m)
}

// asPacer makes this program a task that prints 100,000 lines a second.
const asPacer = "BENCH_PACER"

func pace(to io.Writer) {
	const each, seconds = 10 * time.Millisecond, 5
	lines := []byte(strings.Repeat("a line of a task that talks as fast as it is let\n", 1000))
	begun := time.Now()
	for i := range int(seconds * time.Second / each) {
		time.Sleep(time.Until(begun.Add(time.Duration(i) * each))) // the load's rate
		if _, err := to.Write(lines); err != nil {
			return
		}
	}
}

// figure is one line of the table.
type figure struct{ what, got, limit, budget string }

// TestFigures prints the table when CDKTR_BENCH is set.
func TestFigures(t *testing.T) {
	if os.Getenv("CDKTR_BENCH") == "" {
		t.Skip("set CDKTR_BENCH=1, or run `make bench`")
	}
	b := &bench{T: t, in: harness.New(t)}
	b.limits()
	b.idle()
	b.dueAtOnce()
	b.in.StartPrincipal("--max-concurrent", "16")
	b.wait(b.trigger(b.warm())...)
	b.oneTask()
	b.sequence()
	b.fan()
	b.triggers()
	b.manyRuns()
	b.pacedLines()
	b.millionLines()
	b.print()
}

type bench struct {
	*testing.T
	in      *harness.Installation
	c       *client.Client
	figures []figure

	spawn, commit, trip time.Duration
}

func (b *bench) add(what, got, limit, budget string) {
	b.figures = append(b.figures, figure{what, got, limit, budget})
	b.Logf("%s: %s (machine: %s; budget %s)", what, got, limit, budget)
}

func (b *bench) print() {
	var out strings.Builder
	row := func(f figure) { fmt.Fprintf(&out, "%-58s %-22s %-34s %s\n", f.what, f.got, f.limit, f.budget) }
	row(figure{"what", "measured", "this machine's limit", "budget"})
	for _, f := range b.figures {
		row(f)
	}
	fmt.Print(out.String())
}

// warm makes the workflows and connects.
func (b *bench) warm() int {
	b.in.Workflow("one.yml", "tasks: {a: {config: !Subprocess {cmd: \"true\"}}}")
	var seq, fan strings.Builder
	seq.WriteString("tasks:\n")
	fan.WriteString("tasks:\n  root: {config: !Subprocess {cmd: \"true\"}}\n")
	for i := range 40 {
		depends := ""
		if i > 0 {
			depends = fmt.Sprintf("depends: t%d, ", i-1)
		}
		fmt.Fprintf(&seq, "  t%d: {%sconfig: !Subprocess {cmd: \"true\"}}\n", i, depends)
	}
	for i := range 100 {
		fmt.Fprintf(&fan, "  t%d: {depends: root, config: !Subprocess {cmd: \"true\"}}\n", i)
	}
	b.in.Workflow("seq.yml", seq.String())
	b.in.Workflow("fan.yml", fan.String())
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	b.in.Workflow("paced.yml", fmt.Sprintf("tasks: {a: {env: {%s: '1'}, config: !Subprocess {cmd: %q}}}", asPacer, self))
	b.in.Workflow("lines.yml", "tasks: {a: {config: !Subprocess {cmd: seq, args: [\"1000000\"]}}}")
	b.c = client.New(client.Options{Data: b.in.Data})
	b.Cleanup(func() { b.c.Close() })
	var reloaded wire.Reloaded
	if err := b.c.Call(context.Background(), wire.OpReload, &wire.Plain{}, &reloaded); err != nil {
		b.Fatal(err)
	}
	return 1
}

// trigger starts n runs of a one-task workflow in batches and returns their ids.
func (b *bench) trigger(n int) []string {
	var ids []string
	for left := n; left > 0; {
		size := min(left, 1000)
		left -= size
		req := &wire.Trigger{Batch: make([]wire.TriggerItem, size)}
		for i := range req.Batch {
			req.Batch[i].Workflow = "one"
		}
		var out wire.Triggered
		if err := b.c.Call(context.Background(), wire.OpRunTrigger, req, &out); err != nil {
			b.Fatal(err)
		}
		for _, r := range out.Batch {
			if r.Error != nil {
				b.Fatal(r.Error)
			}
			ids = append(ids, r.Run)
		}
	}
	return ids
}

func (b *bench) wait(ids ...string) {
	for _, id := range ids {
		if _, err := b.c.Wait(context.Background(), id); err != nil {
			b.Fatal(err)
		}
	}
}

// once runs a workflow through the client and returns how long it took.
func (b *bench) once(workflow string) time.Duration {
	begun := time.Now()
	r, err := b.c.Trigger(context.Background(), wire.TriggerItem{Workflow: workflow})
	if err != nil {
		b.Fatal(err)
	}
	b.wait(r.Run)
	return time.Since(begun)
}

func (b *bench) oneTask() {
	took := times(40, func() {
		if err := b.in.Command("cdktr-run", "one").Run(); err != nil {
			b.Fatal(err)
		}
	})
	b.add("cdktr-run of one task, whole process, median", ms(took), "spawn "+ms(b.spawn)+", commit "+ms(b.commit)+", trip "+ms(b.trip), "20 ms")
}

func (b *bench) sequence() {
	took := times(5, func() { b.once("seq") })
	b.add("40 tasks in sequence, one run", ms(took), "40 x (spawn + commit) "+ms(40*(b.spawn+b.commit)), "150 ms")
}

func (b *bench) fan() {
	took := times(5, func() { b.once("fan") })
	b.add("100 parallel tasks after a root, 16 slots", ms(took), "101 spawns "+ms(101*b.spawn), "200 ms")
}

func (b *bench) triggers() {
	const n = 20_000
	b.in.StopPrincipal()
	b.in.StartPrincipalAlone()
	b.trigger(1)
	begun := time.Now()
	b.trigger(n)
	took := time.Since(begun)
	b.add("durable triggers, batches of 1,000, one client", fmt.Sprintf("%.0f/s", n/took.Seconds()), "", "20,000/s")
	b.in.StopPrincipal()
	b.in = harness.New(b.T)
	b.in.StartPrincipal("--max-concurrent", "16")
	b.c.Close()
	b.warm()
}

func (b *bench) manyRuns() {
	begun := time.Now()
	b.trigger(1000)
	// The runs' own ends, not a thousand questions: those would be measured.
	for open := 1; open > 0; {
		var s wire.PrincipalStatus
		if err := b.c.Call(context.Background(), wire.OpStatus, &wire.Plain{}, &s); err != nil {
			b.Fatal(err)
		}
		if open = s.OpenRuns; open > 0 {
			time.Sleep(5 * time.Millisecond) // the precision of the figure
		}
	}
	b.add("1,000 one-task runs, batch trigger to last COMPLETED", ms(time.Since(begun)), "1,000 spawns "+ms(1000*b.spawn), "1.3 s (through cdktr-listen)")
}

func (b *bench) millionLines() {
	run, ended := b.talk("lines")
	acks := b.acknowledged(ended)
	took := <-ended
	b.add("a task that prints 1,000,000 lines, until all are stored", ms(took), "", "8 s")
	b.add("  memory, principal / agent", b.memory("cdktr-principal")+" / "+b.memory("cdktr-agent"), "", "250 MB each")
	b.add("  trigger acknowledgement meanwhile, p50 / p99", acks, "commit "+ms(b.commit), "")

	begun := time.Now()
	out, err := b.in.Command("sh", "-c", "cdktr-logs -r "+run+" -s stdout | wc -l").Output()
	if err != nil || strings.TrimSpace(string(out)) != "1000000" {
		b.Errorf("cdktr-logs printed %s lines: %v", out, err)
	}
	b.add("cdktr-logs of 1,000,000 lines to a pipe", ms(time.Since(begun)), "", "3 s")
}

// talk starts a run and tells how long it took.
func (b *bench) talk(workflow string) (run string, ended <-chan time.Duration) {
	begun := time.Now()
	r, err := b.c.Trigger(context.Background(), wire.TriggerItem{Workflow: workflow})
	if err != nil {
		b.Fatal(err)
	}
	took := make(chan time.Duration, 1)
	go func() {
		b.wait(r.Run)
		took <- time.Since(begun)
	}()
	return r.Run, took
}

// acknowledged triggers runs until something has ended, and returns how long
// the acknowledgements took.
func (b *bench) acknowledged(ended <-chan time.Duration) string {
	var acks []time.Duration
	for len(ended) == 0 {
		at := time.Now()
		b.trigger(1)
		acks = append(acks, time.Since(at))
		time.Sleep(10 * time.Millisecond) // the load's rate, not a wait for something
	}
	slices.Sort(acks)
	return ms(acks[len(acks)/2]) + " / " + ms(acks[len(acks)*99/100])
}

// pacedLines is what the principal does for others while lines come at a rate.
func (b *bench) pacedLines() {
	_, ended := b.talk("paced")
	acks := b.acknowledged(ended)
	b.add("trigger acknowledgement at 100,000 lines/s, p50 / p99", acks, "the lines took "+ms(<-ended), "p99 25 ms")
}
