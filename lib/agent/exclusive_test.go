package agent

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/task"
	"github.com/cdktr/cdktr/lib/wire"
)

func exclusive(name string, spec wire.Spec) wire.Lease {
	return wire.Lease{Attempt: wire.Attempt{Run: "r1", Task: name, Attempt: 1}, Workflow: "w", Spec: spec, Exclusive: true}
}

const noAnswer = "no answer from the principal for "

func TestExclusiveTaskEndsWithoutAnAnswerFromThePrincipal(t *testing.T) {
	t.Parallel()
	p := newPrincipal(t)
	p.timeout = 2 * time.Second
	run(t, p, Options{Slots: 2})
	alone, other := p.lease(exclusive("alone", script(stubborn))), p.give("other", script("echo $$; exec sleep 1000"))
	pids, otherPID := p.pidsFrom(alone, 2), p.pidsFrom(other, 1)
	p.locked(func() { p.away = true })
	until(t, "the exclusive task is gone", allGone(t, pids...))
	if allGone(t, otherPID...)() {
		t.Error("a task that is not exclusive was ended")
	}
	p.locked(func() { p.away = false })
	if r := p.awaitResult(alone); r.Outcome != outcomeDropped || !strings.HasPrefix(r.Reason, noAnswer) {
		t.Errorf("%+v", r)
	}
}

func TestExclusiveTaskOfAHealthyAgentGoesOn(t *testing.T) {
	t.Parallel()
	p := newPrincipal(t)
	p.timeout = 2 * time.Second
	run(t, p, Options{})
	if r := p.awaitResult(p.lease(exclusive("t", script("sleep 1.5")))); r.Outcome != outcomeExited || *r.ExitCode != 0 {
		t.Errorf("%+v", r)
	}
}

// One sign of life is lost, and nothing is heard of it for long.
func TestOneLostCallEndsNoExclusiveTask(t *testing.T) {
	t.Parallel()
	p := newPrincipal(t)
	p.timeout = 3 * time.Second
	p.lose = 1
	run(t, p, Options{})
	if r := p.awaitResult(p.lease(exclusive("t", script("sleep 2")))); r.Outcome != outcomeExited {
		t.Errorf("%+v", r)
	}
	p.locked(func() {
		if p.lose != 0 {
			t.Error("no call was lost")
		}
	})
}

// The agent itself stands still: only its watchdog can end the task, and the
// result that the agent has when it wakes is not the task's own.
func TestExclusiveTaskOfAFrozenAgentEnds(t *testing.T) {
	p := newPrincipal(t)
	p.timeout = 2 * time.Second
	server := httptest.NewServer(p)
	defer server.Close()
	defer server.CloseClientConnections()
	process(t, server.URL, t.TempDir())
	id := p.lease(exclusive("t", script(stubborn)))
	pids := p.pidsFrom(id, 2)
	agent := agentProcess(t)
	if err := syscall.Kill(agent, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(agent, syscall.SIGCONT)
	until(t, "the exclusive task is gone", allGone(t, pids...))
	if err := syscall.Kill(agent, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if r := p.awaitResult(id); r.Outcome != outcomeDropped || !strings.HasPrefix(r.Reason, noAnswer) {
		t.Errorf("%+v", r)
	}
}

// What was given away while the agent stood still ends, its result is not
// wanted, and the agent works on.
func TestFrozenAgentThatWakesWorksOn(t *testing.T) {
	p := newPrincipal(t)
	server := httptest.NewServer(p)
	defer server.Close()
	defer server.CloseClientConnections()
	process(t, server.URL, t.TempDir())
	id := p.give("given", script("echo $$; exec sleep 1000"))
	pid := p.pidsFrom(id, 1)
	agent := agentProcess(t)
	if err := syscall.Kill(agent, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(agent, syscall.SIGCONT)
	p.locked(func() { // as a principal does with an agent that is lost
		delete(p.leased, id)
		p.known = wire.AgentRef{}
	})
	if err := syscall.Kill(agent, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	until(t, "its process is gone", allGone(t, pid...))
	if r := p.awaitResult(p.give("next", script("exit 0"))); r.Outcome != outcomeExited {
		t.Errorf("%+v", r)
	}
	p.locked(func() {
		if r, ok := p.results[id]; ok {
			t.Errorf("the late result was taken: %+v", r)
		}
	})
}

// agentProcess is the one agent that this test has started.
func agentProcess(t *testing.T) int {
	t.Helper()
	all := children(t, os.Getpid(), filepath.Base(os.Args[0]))
	all = slices.DeleteFunc(all, func(pid int) bool { return len(children(t, pid, watchdogWord)) == 0 })
	if len(all) != 1 {
		t.Fatalf("agents: %v", all)
	}
	return all[0]
}

func TestExclusiveTaskIsNotStartedTooLate(t *testing.T) {
	g, _ := dogFor(t)
	w := newWatchdog(g, slog.New(slog.DiscardHandler))
	go func() {
		w.listen(g)
		w.lost(g)
		close(w.over)
	}()
	defer w.close()
	id := wire.Attempt{Run: "r", Task: "t", Attempt: 1}
	now := task.Uptime()
	w.heard(contact{Sent: now - 2*time.Second, Limit: time.Second})
	if err := w.begin(t.Context(), id, true); err == nil || !strings.HasPrefix(err.Error(), noAnswer) {
		t.Errorf("after the deadline: %v", err)
	}
	if err := w.begin(t.Context(), id, false); err != nil {
		t.Errorf("not exclusive: %v", err)
	}
	w.end(id)
	w.heard(contact{Sent: now, Limit: time.Hour})
	if err := w.begin(t.Context(), id, true); err != nil {
		t.Errorf("in time: %v", err)
	}
	w.end(id)
	g.kill()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := w.begin(ctx, id, true); err == nil {
		t.Error("started without a watchdog")
	}
}
