package agent

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/wire"
)

// Another agent on this machine runs the attempt before still, and does not
// know that it was given away.
func TestNextAttemptStartsWhenTheOneBeforeIsGone(t *testing.T) {
	first, second := newPrincipal(t), newPrincipal(t)
	run(t, first, Options{Name: "one"})
	run(t, second, Options{Name: "two"})
	dir := t.TempDir()
	id := wire.Attempt{Run: fmt.Sprintf("r%d", os.Getpid()), Task: "t", Attempt: 1}
	spec := script(`echo $$; exec sleep 1000`)
	pids := first.pidsFrom(first.lease(wire.Lease{Attempt: id, Spec: marked(id, spec)}), 1)

	id.Attempt = 2
	spec = script(fmt.Sprintf("if [ -e /proc/%d/fd/0 ]; then echo beside; else echo alone; fi", pids[0]))
	spec.Dir = dir
	second.lease(wire.Lease{Attempt: id, Spec: marked(id, spec)})
	if r := second.awaitResult(id); r.Outcome != outcomeExited {
		t.Errorf("%+v", r)
	}
	if got := second.texts(id, "stdout"); len(got) != 1 || got[0] != "alone" {
		t.Errorf("the second attempt ran %q", got)
	}
	if got := second.texts(id, "system"); len(got) < 2 || got[0] != "attempt 2" || !strings.HasPrefix(got[1], "an earlier attempt was still running on this machine: ") {
		t.Errorf("system: %q", got)
	}
}
