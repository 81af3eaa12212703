package agent

import (
	"errors"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

func TestShutdownLetsTasksEndAndDeliversThem(t *testing.T) {
	p := newPrincipal(t)
	r := run(t, p, Options{Slots: 1})
	dir := t.TempDir()
	spec := script("echo up; until [ -e go ]; do sleep 0.01; done; seq 3000")
	spec.Dir = dir
	id, next := p.give("t", spec), p.give("next", script("exit 0"))
	p.awaitLine(id, "stdout", "up")
	r.stop()
	p.await("the principal knows", func() bool { return p.drained })
	write(t, dir, "go", "")
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
	if got := p.results[id]; got.Outcome != "exited" || got.Lines["stdout"] != 3001 {
		t.Errorf("%+v", got)
	}
	if _, ran := p.results[next]; ran || !p.left {
		t.Errorf("took one more: %v, said goodbye: %v", ran, p.left)
	}
}

func TestShutdownDropsWhatDoesNotEndInTime(t *testing.T) {
	t.Parallel()
	p := newPrincipal(t)
	r := run(t, p, Options{Slots: 1, Grace: 50 * time.Millisecond})
	id := p.give("t", script("trap '' TERM; echo up; while :; do sleep 0.02; done"))
	p.awaitLine(id, "stdout", "up")
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
	if got := p.results[id]; got.Outcome != "dropped" || got.Reason != "the agent was shut down" {
		t.Errorf("%+v", got)
	}
}

func TestSecondSignalKillsAtOnce(t *testing.T) {
	p := newPrincipal(t)
	r := run(t, p, Options{Slots: 1, Grace: time.Hour, TaskGrace: time.Hour})
	id := p.give("t", script("trap '' TERM; echo up; while :; do sleep 0.02; done"))
	p.awaitLine(id, "stdout", "up")
	r.stop()
	r.Kill()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
	if got := p.results[id]; got.Outcome != "dropped" || *got.ExitCode != 137 {
		t.Errorf("%+v", got)
	}
}

// A run that stays with the agent to its end goes on while the agent drains.
func TestDrainedAgentStaysUntilThePrincipalReleasesIt(t *testing.T) {
	t.Parallel()
	p := newPrincipal(t)
	p.bound = true
	r := run(t, p, Options{Slots: 1})
	p.awaitResult(p.give("first", script("exit 0")))
	r.Drain()
	p.await("the principal knows", func() bool { return p.drained })
	if got := p.awaitResult(p.give("second", script("exit 0"))); got.Outcome != "exited" {
		t.Errorf("%+v", got)
	}
	before := p.pulls
	p.await("another pull", func() bool { return p.pulls > before })
	select {
	case err := <-r.done:
		t.Fatalf("the agent has left: %v", err)
	default:
	}
	p.locked(func() { p.bound = false })
	if err := r.wait(t); err != nil || !p.left {
		t.Errorf("%v, said goodbye: %v", err, p.left)
	}
}

func TestShutdownAsksNobody(t *testing.T) {
	p := newPrincipal(t)
	p.bound = true
	r := run(t, p, Options{Slots: 1})
	p.awaitResult(p.give("t", script("exit 0")))
	r.Drain()
	p.await("the principal knows", func() bool { return p.drained })
	r.stop()
	if err := r.wait(t); err != nil || !p.left {
		t.Errorf("%v, said goodbye: %v", err, p.left)
	}
}

func TestLonelyAgentLeavesWhenNothingRuns(t *testing.T) {
	t.Parallel()
	p := newPrincipal(t)
	dir := t.TempDir()
	r := run(t, p, Options{Dir: dir, Slots: 1, Alone: 200 * time.Millisecond})
	spec := script("echo up; until [ -e go ]; do sleep 0.01; done")
	spec.Dir = dir
	id := p.give("t", spec)
	p.awaitLine(id, "stdout", "up")
	p.locked(func() { p.away = true })
	time.Sleep(600 * time.Millisecond) // nothing tells that it has not happened
	write(t, dir, "go", "")
	if err := r.wait(t); !errors.Is(err, ErrAlone) {
		t.Error(err)
	}
	if left := kept(t, dir); len(left) != 1 {
		t.Errorf("kept for the next start: %v", left)
	}
	p.locked(func() { p.away = false })
	run(t, p, Options{Dir: dir})
	if got := p.awaitResult(id); got.Outcome != "exited" {
		t.Errorf("%+v", got)
	}
}

func TestAgentThatHearsItsPrincipalIsNotAlone(t *testing.T) {
	t.Parallel()
	p := newPrincipal(t)
	p.timeout = 300 * time.Millisecond
	run(t, p, Options{Alone: 400 * time.Millisecond})
	begun := time.Now()
	p.await("a second without a task", func() bool { return time.Since(begun) > time.Second })
	if r := p.awaitResult(p.give("t", script("exit 0"))); r.Outcome != "exited" {
		t.Errorf("%+v", r)
	}
}

func TestDrainedAgentFinishesAndLeaves(t *testing.T) {
	for _, who := range []string{"principal", "signal"} {
		p := newPrincipal(t)
		r := run(t, p, Options{Slots: 1})
		dir := t.TempDir()
		spec := script("echo up; until [ -e go ]; do sleep 0.01; done")
		spec.Dir = dir
		id := p.give("t", spec)
		p.awaitLine(id, "stdout", "up")
		if who == "principal" {
			p.locked(func() { p.drained = true; p.stops = []wire.Attempt{{Run: "wakes", Task: "the pull", Attempt: 1}} })
		} else {
			r.Drain()
			p.await("the principal knows", func() bool { return p.drained })
		}
		write(t, dir, "go", "")
		if err := r.wait(t); err != nil {
			t.Errorf("%s: %v", who, err)
		}
		if p.results[id].Outcome != "exited" || !p.left {
			t.Errorf("%s: %+v, said goodbye: %v", who, p.results[id], p.left)
		}
	}
}

// Nobody may be told to drain: then the agent asks for nothing more.
func TestShutdownTakesNoMoreWhereDrainIsNotAllowed(t *testing.T) {
	t.Parallel()
	p := newPrincipal(t)
	p.refuse[wire.OpAgentDrain] = &wire.Error{Code: wire.NotAllowed, Message: "no"}
	r := run(t, p, Options{Slots: 1})
	id := p.give("t", script("echo up; sleep 0.2"))
	p.awaitLine(id, "stdout", "up")
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
	if p.results[id].Outcome != "exited" || !p.left {
		t.Errorf("%+v", p.results[id])
	}
}

func TestAgentThatNeverMetItsPrincipalLeavesAtOnce(t *testing.T) {
	p := newPrincipal(t)
	p.away = true
	r := run(t, p, Options{})
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
}

// The principal does not answer, for how long nobody knows yet, and the buffer
// is full, so the task's output waits:
// the second signal ends it all the same.
func TestSecondSignalEndsATaskThatWaitsForThePrincipal(t *testing.T) {
	p := newPrincipal(t)
	r := run(t, p, Options{Slots: 1, SpoolBytes: testBounds.attempt})
	id := p.give("t", script("echo up; exec yes 'a line of output that fills the buffer before long'"))
	p.awaitLine(id, "stdout", "up")
	p.locked(func() { p.away = true })
	before, same := int64(0), 0
	until(t, "the buffer is full and nothing moves", func() bool {
		r.ship.mu.Lock()
		defer r.ship.mu.Unlock()
		for _, sp := range r.ship.spools {
			sp.mu.Lock()
			held := sp.unsent()
			sp.mu.Unlock()
			if same++; held != before || held < testBounds.attempt/2 {
				before, same = held, 0
			}
			if same > 20 {
				return true
			}
		}
		return false
	})
	r.stop()
	r.Kill()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
}
