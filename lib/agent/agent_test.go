package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

func script(text string) wire.Spec { return wire.Spec{Script: &text} }

// running is an agent under test and the way to end it.
type running struct {
	*Agent
	stop context.CancelFunc
	done chan error
}

func run(t *testing.T, p *principal, o Options) running {
	t.Helper()
	return runAgent(t, p, o, func(*Agent) {})
}

// runAgent is run for an agent that is prepared.
func runAgent(t *testing.T, p *principal, o Options, prepare func(*Agent)) running {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Name == "" {
		o.Name = "box"
	}
	o.API = p
	o.Logs = func(string) Link { return p }
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	prepare(a)
	ctx, cancel := context.WithCancel(context.Background())
	r := running{a, cancel, make(chan error, 1)}
	go func() { r.done <- a.Run(ctx) }()
	t.Cleanup(func() {
		r.Kill()
		r.stop()
		r.wait(t)
	})
	return r
}

func (r running) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.done:
		r.done <- err
		return err
	case <-time.After(30 * time.Second):
		t.Fatal("the agent does not end")
		return nil
	}
}

func TestTaskRunsAndItsLinesAndResultArrive(t *testing.T) {
	p := newPrincipal(t)
	run(t, p, Options{Slots: 1})
	id := p.give("hello", script("echo out; echo err >&2; exit 3"))
	r := p.awaitResult(id)
	if r.Outcome != "exited" || r.ExitCode == nil || *r.ExitCode != 3 || r.Started == nil {
		t.Errorf("%+v", r)
	}
	if r.Lines["stdout"] != 1 || r.Lines["stderr"] != 1 || r.Lines["system"] != 2 {
		t.Errorf("lines: %v", r.Lines)
	}
	if got := p.texts(id, "stdout"); !slices.Equal(got, []string{"out"}) {
		t.Errorf("stdout: %q", got)
	}
	if got := p.texts(id, "system"); len(got) != 2 || !strings.HasPrefix(got[0], "started pid ") || !strings.HasPrefix(got[1], "exit 3 after ") {
		t.Errorf("system: %q", got)
	}
}

func TestTaskThatCannotStartSaysWhy(t *testing.T) {
	p := newPrincipal(t)
	run(t, p, Options{})
	id := p.give("t", wire.Spec{Argv: []string{"no-such-program"}})
	r := p.awaitResult(id)
	if r.Outcome != "unable" || r.ExitCode != nil || r.Started != nil || r.Reason != "no-such-program: not found on PATH" {
		t.Errorf("%+v", r)
	}
	if got := p.texts(id, "system"); !slices.Equal(got, []string{"cannot start: no-such-program: not found on PATH"}) {
		t.Errorf("system: %q", got)
	}
}

func TestThreeTasksOnThreeSlotsRunAtOnce(t *testing.T) {
	p := newPrincipal(t)
	run(t, p, Options{Slots: 3})
	dir := t.TempDir()
	meet := script("touch $NAME; until [ -e a ] && [ -e b ] && [ -e c ]; do sleep 0.01; done")
	meet.Dir = dir
	var ids []wire.Attempt
	for _, name := range []string{"a", "b", "c"} {
		meet.Env = map[string]string{"NAME": name}
		ids = append(ids, p.give(name, meet))
	}
	for _, id := range ids {
		if r := p.awaitResult(id); *r.ExitCode != 0 {
			t.Errorf("%+v", r)
		}
	}
}

func TestFreedSlotIsUsedWithoutANewPull(t *testing.T) {
	p := newPrincipal(t)
	run(t, p, Options{Slots: 1})
	var ids []wire.Attempt
	for _, name := range strings.Split("abcdefghij", "") {
		ids = append(ids, p.give(name, script("exit 0")))
	}
	for _, id := range ids {
		p.awaitResult(id)
	}
}

func TestLostLeaseComesAgainAndRunsOnce(t *testing.T) {
	t.Parallel()
	p := newPrincipal(t)
	run(t, p, Options{})
	dir := t.TempDir()
	p.await("a pull", func() bool { return p.pull > 0 })
	p.locked(func() { p.mute[wire.OpAgentPull] = true })
	spec := script("echo once >> ran")
	spec.Dir = dir
	id := p.give("t", spec)
	p.await("the lease was lost twice", func() bool { return len(p.leased) == 1 && p.pull > 3 })
	p.locked(func() { delete(p.mute, wire.OpAgentPull) })
	p.awaitResult(id)
	if got := read(t, dir, "ran"); got != "once\n" {
		t.Errorf("ran %q", got)
	}
}

func TestRedeliveredLeaseIsNotStartedTwice(t *testing.T) {
	p := newPrincipal(t)
	run(t, p, Options{})
	dir := t.TempDir()
	spec := script("echo once >> ran; echo up; until [ -e go ]; do sleep 0.01; done")
	spec.Dir = dir
	id := p.give("t", spec)
	p.awaitLine(id, "stdout", "up")
	before := p.pulls
	p.locked(func() { p.again[id] = true })
	p.await("another pull", func() bool { return p.pulls > before })
	write(t, dir, "go", "")
	p.awaitResult(id)
	if got := read(t, dir, "ran"); got != "once\n" {
		t.Errorf("ran %q", got)
	}
}

func TestStopOrderEndsTheTask(t *testing.T) {
	p := newPrincipal(t)
	run(t, p, Options{Slots: 1})
	id := p.give("t", script("echo up; exec sleep 1000"))
	p.awaitLine(id, "stdout", "up")
	// There is no free slot: the order comes as the answer to a pull all the same.
	p.locked(func() { p.stops = []wire.Attempt{id} })
	if r := p.awaitResult(id); r.Outcome != "stopped" || *r.ExitCode != 143 {
		t.Errorf("%+v", r)
	}
}

func TestPrincipalThatForgotTheAgentHearsHelloAndTheTaskGoesOn(t *testing.T) {
	t.Parallel()
	p := newPrincipal(t)
	run(t, p, Options{Slots: 2})
	dir := t.TempDir()
	spec := script("echo up; until [ -e go ]; do sleep 0.01; done")
	spec.Dir = dir
	kept, given := p.give("kept", spec), p.give("given", spec)
	p.awaitLine(kept, "stdout", "up")
	p.awaitLine(given, "stdout", "up")
	p.locked(func() { // a principal that was restarted, and gave one away
		p.known = wire.AgentRef{}
		delete(p.leased, given)
	})
	p.await("hello", func() bool { return p.hellos == 2 })
	if len(p.hello.Held) != 2 {
		t.Errorf("held: %v", p.hello.Held)
	}
	p.await("the end of the one given away", func() bool { return p.pulls > 0 && len(p.held) == 1 && p.held[0].Attempt == kept })
	write(t, dir, "go", "")
	if r := p.awaitResult(kept); *r.ExitCode != 0 {
		t.Errorf("%+v", r)
	}
	if _, reported := p.results[given]; reported {
		t.Error("a result that was not wanted was reported")
	}
}

func TestFencedResultIsForgotten(t *testing.T) {
	p := newPrincipal(t)
	dir := t.TempDir()
	r := run(t, p, Options{Dir: dir})
	spec := script("echo up; until [ -e go ]; do sleep 0.01; done")
	spec.Dir = dir
	id := p.give("t", spec)
	p.awaitLine(id, "stdout", "up")
	p.locked(func() { delete(p.leased, id) })
	write(t, dir, "go", "")
	p.await("a report", func() bool { return p.reports > 0 })
	r.Drain()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
	if left := kept(t, dir); len(left) > 0 {
		t.Errorf("kept: %v", left)
	}
}

func TestAwayPrincipalGetsEverythingWhenItIsBack(t *testing.T) {
	t.Parallel()
	p := newPrincipal(t)
	dir := t.TempDir()
	run(t, p, Options{Dir: dir, Slots: 2})
	spec := script("echo up; until [ -e go ]; do sleep 0.01; done; seq 1000")
	spec.Dir = dir
	id := p.give("t", spec)
	p.awaitLine(id, "stdout", "up")
	p.locked(func() { p.away = true })
	write(t, dir, "go", "")
	until(t, "the result is on disk", func() bool { return len(kept(t, dir)) == 1 })
	p.locked(func() { p.away = false })
	if r := p.awaitResult(id); r.Lines["stdout"] != 1001 {
		t.Errorf("%+v", r)
	}
	if got := p.texts(id, "stdout"); len(got) != 1001 || got[1000] != "1000" {
		t.Errorf("%d lines", len(got))
	}
	until(t, "the result is forgotten", func() bool { return len(kept(t, dir)) == 0 })
}

// Whatever is lost, doubled or late on the way: every task runs once, and its
// lines and its result arrive whole.
func TestUnreliableNetworkLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	for _, seed := range []uint64{1, 2, 3} {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			p := newPrincipal(t)
			p.faults = rand.New(rand.NewPCG(seed, 0))
			dir := t.TempDir()
			r := run(t, p, Options{Slots: 4})
			spec := script(`echo $NAME >> ran; for i in 1 2 3 4 5; do seq 500; echo e$i >&2; sleep 0.01; done; printf tail`)
			spec.Dir = dir
			var ids []wire.Attempt
			for n := range 12 {
				spec.Env = map[string]string{"NAME": fmt.Sprint("t", n)}
				ids = append(ids, p.give(spec.Env["NAME"], spec))
			}
			want := strings.Fields(strings.Repeat(sequence(500), 5) + "tail")
			for _, id := range ids {
				if r := p.awaitResult(id); r.Outcome != "exited" || *r.ExitCode != 0 || r.Lines["stdout"] != 2501 {
					t.Errorf("%+v", r)
				}
				if got := p.texts(id, "stdout"); !slices.Equal(got, want) {
					t.Errorf("stdout of %s has %d lines, want %d", id.Task, len(got), len(want))
				}
				if got := p.texts(id, "stderr"); !slices.Equal(got, []string{"e1", "e2", "e3", "e4", "e5"}) {
					t.Errorf("stderr of %s: %q", id.Task, got)
				}
			}
			ran := strings.Fields(read(t, dir, "ran"))
			slices.Sort(ran)
			if len(ran) != 12 || len(slices.Compact(ran)) != 12 {
				t.Errorf("ran %q", ran)
			}
			r.Drain()
			if err := r.wait(t); err != nil {
				t.Error(err)
			}
		})
	}
}

func sequence(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintln(&b, i+1)
	}
	return b.String()
}

// A principal that knows nothing of a run refuses its lines for ever. Those of
// other tasks, which would travel with them, must not suffer.
func TestRefusedLinesDoNotHoldUpOthers(t *testing.T) {
	t.Parallel()
	p := newPrincipal(t)
	p.unknown = "bad"
	run(t, p, Options{Slots: 2})
	p.give("bad", script("while echo x; do sleep 0.005; done"))
	id := p.give("good", script("for i in $(seq 50); do echo $i; sleep 0.005; done"))
	if r := p.awaitResult(id); r.Lines["stdout"] != 50 {
		t.Errorf("%+v", r)
	}
}

func TestNameInUseEndsTheAgent(t *testing.T) {
	p := newPrincipal(t)
	p.refuse[wire.OpAgentHello] = &wire.Error{Code: wire.Unavailable, Message: "the name box is taken"}
	r := run(t, p, Options{})
	if err := r.wait(t); !errors.Is(err, ErrNameTaken) {
		t.Error(err)
	}
}

func TestHelloThatCanNeverSucceedEndsTheAgent(t *testing.T) {
	for _, code := range []wire.Code{wire.BadRequest, wire.TooLarge} {
		p := newPrincipal(t)
		p.refuse[wire.OpAgentHello] = &wire.Error{Code: code, Message: "a label is too long"}
		err := run(t, p, Options{}).wait(t)
		if codeOf(err) != code || !strings.Contains(err.Error(), "a label is too long") {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func TestHelloThatMaySucceedLaterIsTriedAgainAndSaysSoOnce(t *testing.T) {
	t.Parallel()
	for _, code := range []wire.Code{wire.BadVersion, wire.NotAllowed} {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			p := newPrincipal(t)
			p.refuse[wire.OpAgentHello] = &wire.Error{Code: code, Message: "not like this"}
			var log bytes.Buffer
			r := run(t, p, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
			p.await("three tries", func() bool { return p.refused >= 3 })
			p.locked(func() { delete(p.refuse, wire.OpAgentHello) })
			p.await("the welcome", func() bool { return p.hellos == 1 })
			r.Drain()
			if err := r.wait(t); err != nil {
				t.Errorf("%v", err)
			}
			if n := strings.Count(log.String(), "not like this"); n != 1 {
				t.Errorf("said %d times:\n%s", n, &log)
			}
		})
	}
}

func TestSupersededAgentEndsItsTasks(t *testing.T) {
	t.Parallel()
	p := newPrincipal(t)
	r := run(t, p, Options{})
	id := p.give("t", script("echo up; echo $$; exec sleep 1000"))
	p.awaitLine(id, "stdout", "up")
	p.await("the pid", func() bool { return len(p.lines[streamOf(id, "stdout")]) == 2 })
	p.locked(func() { p.known.Incarnation++; p.pull = 0 })
	if err := r.wait(t); !errors.Is(err, ErrSuperseded) {
		t.Error(err)
	}
	if pid := p.texts(id, "stdout")[1]; lives(t, pid) {
		t.Errorf("process %s lives on", pid)
	}
}
