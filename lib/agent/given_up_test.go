package agent

import (
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// The answer to a pull lies unread while its agent stands still. By the time
// it is read, the task may be another agent's.
func TestLeaseThatComesTooLateIsNotStarted(t *testing.T) {
	t.Parallel()
	p := newPrincipal(t)
	p.timeout = 300 * time.Millisecond
	run(t, p, Options{})
	p.locked(func() { p.mute[wire.OpAgentRenew] = true })
	p.await("a pull", func() bool { return p.pulls > 0 })
	p.mu.Lock()
	pulls, sent := p.pulls, time.Now()
	p.mu.Unlock()
	until(t, "no sign has been answered for a timeout", func() bool { return time.Since(sent) > 3*p.timeout })
	id := p.give("late", script("echo started; exec sleep 1000"))
	p.awaitLine(id, "stdout", "started") // brought again by the next pull, and in time
	p.locked(func() {
		if next := p.said[pulls]; len(next) != 0 {
			t.Errorf("the agent holds %+v", next)
		}
	})
}

func TestAgentThatIsNotWantedAnyMoreEndsWhatItRuns(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]*wire.Error{
		"its key was revoked":                 {Code: wire.NotAllowed, Message: "this key is not known here"},
		"its name was given to another since": {Code: wire.Unavailable, Message: "the name is taken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPrincipal(t)
			run(t, p, Options{})
			id := p.give("t", script("echo $$; exec sleep 1000"))
			pids := p.pidsFrom(id, 1)
			p.locked(func() {
				p.known.Agent = "" // it has to say hello
				p.refuse[wire.OpAgentHello] = refusal
				delete(p.leased, id)
			})
			until(t, "the task is gone", allGone(t, pids...))
			p.locked(func() { delete(p.refuse, wire.OpAgentHello) })
			p.await("the agent is back", func() bool { return p.hellos == 2 })
			next := p.give("next", script("true"))
			p.awaitResult(next)
		})
	}
}
