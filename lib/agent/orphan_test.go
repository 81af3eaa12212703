package agent

import (
	"fmt"
	"net/http/httptest"
	"os"
	"slices"
	"syscall"
	"testing"

	"github.com/cdktr/cdktr/lib/wire"
)

// The agent and its watchdog die together, and the agent is back at once: what
// its hello calls gone must be.
func TestRestartedAgentEndsWhatOutlivedItsWatchdogBeforeItsHello(t *testing.T) {
	p := newPrincipal(t)
	server := httptest.NewServer(p)
	defer server.Close()
	defer server.CloseClientConnections()
	dir := t.TempDir()
	kill := process(t, server.URL, dir)
	id := wire.Attempt{Run: fmt.Sprintf("r%d", os.Getpid()), Task: "outlives", Attempt: 1}
	p.lease(wire.Lease{Attempt: id, Workflow: "w", Spec: marked(id, script(stubborn)), Exclusive: true})
	pids := p.pidsFrom(id, 2)

	agent := agentProcess(t)
	dog := theWatchdogOf(t, agent)
	if err := syscall.Kill(agent, syscall.SIGSTOP); err != nil { // or it would start another
		t.Fatal(err)
	}
	if err := syscall.Kill(dog, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	until(t, "the watchdog is gone", allGone(t, dog))
	kill()
	gone := allGone(t, pids...)
	if gone() {
		t.Fatal("nothing has outlived the watchdog")
	}
	early := false
	p.locked(func() {
		delete(p.leased, id)
		p.onHello = func() { early = !gone() }
	})
	process(t, server.URL, dir)
	p.await("the second hello", func() bool { return p.hellos == 2 })
	p.locked(func() {
		if early {
			t.Error("the agent says hello while a task of the start before lives")
		}
	})
}

// An agent that dies just after the fork has left no line of the attempt.
func TestAttemptIsOnDiskBeforeItsFirstLine(t *testing.T) {
	s := testSpool(t)
	woken := 0
	s.wake = func() { woken++ }
	s.mark()
	left, err := s.shelf.left(func() {})
	if err != nil || left[s.attempt] == nil {
		t.Fatalf("%v, %v", left, err)
	}
	if s.pending() {
		t.Error("to be sent without a line")
	}
	s.put(wire.Stdout, lines("a", "b"))
	if woken != 1 {
		t.Errorf("the first line has woken the shipper %d times", woken)
	}
	h := history{}
	h.deliver(t, reopen(t, s))
	if !slices.Equal(h[wire.Stdout], []string{"a", "b"}) {
		t.Errorf("%q", h[wire.Stdout])
	}
}
