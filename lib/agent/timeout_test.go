package agent

import (
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

func TestTimeoutOfALeaseEndsItsTask(t *testing.T) {
	t.Parallel()
	p := newPrincipal(t)
	run(t, p, Options{TaskGrace: 100 * time.Millisecond})
	id := p.lease(wire.Lease{
		Attempt:  wire.Attempt{Run: "r1", Task: "t", Attempt: 2},
		Workflow: "w", TimeoutMS: 1500, Again: "retry 1 of 3 in 10s: exit 1",
		Spec: script("trap '' TERM; echo a=1 > $CDKTR_OUTPUT; while :; do sleep 0.02; done"),
	})
	r := p.awaitResult(id)
	if r.Outcome != "timed_out" || r.Reason != "timeout after 1.5s" || *r.ExitCode != 137 || r.Outputs["a"] != "1" {
		t.Errorf("%+v", r)
	}
	got := p.texts(id, "system")
	if len(got) != 5 || got[0] != "retry 1 of 3 in 10s: exit 1" || !strings.HasPrefix(got[1], "started pid ") ||
		got[2] != "timeout after 1.5s: SIGTERM to the process group" {
		t.Errorf("%q", got)
	}
}

// The end of an agent in the middle of it changes nothing: the task was late.
func TestTimedOutTaskStaysSoWhenItsAgentEnds(t *testing.T) {
	p := newPrincipal(t)
	a := run(t, p, Options{})
	id := p.lease(wire.Lease{
		Attempt: wire.Attempt{Run: "r1", Task: "t", Attempt: 1}, Workflow: "w", TimeoutMS: 200,
		Spec: script("trap '' TERM; while :; do sleep 0.02; done"),
	})
	p.await("the timeout", func() bool { return len(p.lines[streamOf(id, "system")]) >= 2 })
	a.Kill()
	if r := p.awaitResult(id); r.Outcome != "timed_out" || r.Reason != "timeout after 200ms" {
		t.Errorf("%+v", r)
	}
}
