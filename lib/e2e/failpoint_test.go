package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
)

// principalPlaces are where a principal may be built to die.
var principalPlaces = []string{
	"principal.after-receive",
	"principal.before-commit",
	"store.events.between-flushes", // of the tables that a long parameter fills
	"store.events.before-commit",
	"store.events.after-commit",
	"store.events.after-side-file",
	"principal.before-acknowledge",
	"store.lines.before-commit",
	"store.lines.after-commit",
	"store.lines.after-side-file",
	"principal.before-acknowledge-lines",
}

// The principal dies at a named place, between what it received and what it
// acknowledged. The client tries again by itself, and there is one run.
func TestRetryAfterADeathAtAnyPlaceGivesOneRun(t *testing.T) {
	t.Parallel()
	for _, place := range principalPlaces {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			in := harness.New(t, "CDKTR_DEFAULT_ZMQ_TIMEOUT_MS=500", "CDKTR_RETRY_ATTEMPTS=200")
			in.Workflow("job.yml", "tasks: {a: {run: 'echo $CDKTR_PARAM_N | tee -a ran'}}")
			in.StartPrincipalAlone()
			in.StartAgent("web1")
			n := 0
			for _, hit := range []int{1, 2, 4} {
				in.KillPrincipal()
				doomed := in.StartPrincipalToFail(fmt.Sprintf("%s:%d", place, hit))
				n = runUntilItDies(t, in, doomed, n)
				if doomed.Code() != 137 {
					t.Fatalf("hit %d: the principal ended with %d, not by the failpoint\n%s", hit, doomed.Code(), doomed.Said())
				}
			}
			checkOnce(t, in, n)
		})
	}
}

// runUntilItDies starts one run after the other until the principal is dead,
// and starts another in its place. Each client must come to its end with 0. It
// returns the number of the last run.
func runUntilItDies(t *testing.T, in *harness.Installation, doomed *harness.Process, n int) int {
	t.Helper()
	for {
		n++
		cmd := in.Command("cdktr-run", "-q", "job", fmt.Sprintf("n=%d", n), "long="+strings.Repeat("x", 5000))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		dead := false
		select {
		case err := <-ended:
			ended <- err
		case <-doomed.Exited():
			dead = true
			in.RestartPrincipal()
		}
		if err := <-ended; err != nil {
			t.Fatalf("cdktr-run job n=%d: %v", n, err)
		}
		if !dead {
			select {
			case <-doomed.Exited():
				in.RestartPrincipal()
			default:
				continue
			}
		}
		return n
	}
}

// checkOnce checks that there is one run of each number, that it was run once,
// and that its line is in the history once.
func checkOnce(t *testing.T, in *harness.Installation, last int) {
	t.Helper()
	there, ran := map[string]int{}, map[string]int{}
	for _, r := range runs(t, in) {
		n := r.Params["n"]
		there[n]++
		if r.Status != "COMPLETED" {
			t.Errorf("run %s of n=%s is %s", r.Run, n, r.Status)
		}
		if got := bare(t, in, r.Run, "stdout"); got != n+"\n" {
			t.Errorf("run %s of n=%s printed %q", r.Run, n, got)
		}
	}
	for _, n := range noted(t, in, "ran") {
		ran[n]++
	}
	for i := range last {
		if n := fmt.Sprint(i + 1); there[n] != 1 || ran[n] != 1 {
			t.Errorf("n=%s has %d runs, its task ran %d times", n, there[n], ran[n])
		}
	}
}
