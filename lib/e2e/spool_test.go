package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/sim"
	"github.com/cdktr/cdktr/lib/wire"
)

// talkWithoutPrincipal runs a task that prints numbered lines and ends, all
// while the principal is down. Then its agent is killed too, and both start
// again. The answer is the records of stdout.
func talkWithoutPrincipal(t *testing.T, n int, mayGap bool, env ...string) (all []wire.LogRecord) {
	t.Helper()
	in := harness.New(t, env...)
	in.Workflow("talk.yml", fmt.Sprintf(`
tasks:
  a:
    run: |
      echo up
      touch up; until [ -e go ]; do sleep 0.02; done
      seq -f 'line %%08.0f of a task that talks a lot' %d
      echo over >&2
      touch ended
`, n))
	in.StartPrincipalAlone()
	agent := in.StartAgent("web1")
	run := in.Must("cdktr-run", "-d", "talk")
	there := func(pattern string) func() bool {
		return func() bool {
			found, err := filepath.Glob(pattern)
			return err == nil && len(found) == 1
		}
	}
	harness.Eventually(t, "the task is up", there(filepath.Join(in.Dir, "up")))
	in.KillPrincipal()
	if err := os.WriteFile(filepath.Join(in.Dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the task ends without a principal", there(filepath.Join(in.Dir, "ended")))
	harness.Eventually(t, "its result is kept", there(filepath.Join(in.Data, "agents", "web1", "results", "*.json")))
	if err := agent.Kill(); err != nil {
		t.Fatal(err)
	}
	in.RestartPrincipal()
	in.StartAgent("web1")
	finish(t, in, run)

	lines := sim.Lines{MayGap: sim.NoGap}
	if mayGap {
		lines.MayGap = nil
	}
	for _, r := range records(t, in, run) {
		if err := lines.Add(&r); err != nil {
			t.Fatal(err)
		}
		if r.Stream == wire.Stdout {
			all = append(all, r)
		}
		if r.Stream == wire.System && r.Gap == nil {
			t.Log(*r.Message)
		}
	}
	return all
}

func TestEveryLineOfATaskIsThereAfterAPrincipalThatWasDown(t *testing.T) {
	t.Parallel()
	const n = 20_000
	all := talkWithoutPrincipal(t, n, false)
	if len(all) != n+1 || *all[n].Message != fmt.Sprintf("line %08d of a task that talks a lot", n) {
		t.Errorf("%d records, want %d", len(all), n+1)
	}
}

// A task that prints several times what its agent keeps is not slowed down by a
// principal that is down; its first lines and its last are in the history, and
// between them how much is missing.
func TestFullSpoolBecomesAGapWithTheRightCounts(t *testing.T) {
	t.Parallel()
	const n = 60_000
	all := talkWithoutPrincipal(t, n, true, "CDKTR_AGENT_SPOOL_MB=1")
	next, gaps, missing := int64(1), 0, int64(0)
	for _, r := range all {
		switch {
		case r.Gap != nil:
			gaps++
			if size := int64(len("line 00000000 of a task that talks a lot")); r.Gap.Bytes != r.Gap.Lines*size {
				t.Errorf("a gap of %d lines says %d bytes, they had %d each", r.Gap.Lines, r.Gap.Bytes, size)
			}
			if next < 2000 {
				t.Errorf("a gap of %d lines after %d", r.Gap.Lines, next)
			}
			next += r.Gap.Lines
			missing += r.Gap.Lines
		case next > 1 && !strings.HasPrefix(*r.Message, fmt.Sprintf("line %08d ", next-1)):
			t.Fatalf("record %d is %q", next, *r.Message)
		default:
			next++
		}
	}
	// One gap, and another where the agent knocked at the principal's door while
	// lines were given up: what it has tried to send stays.
	if gaps < 1 || gaps > 3 || missing < n/2 || next != n+2 || all[len(all)-1].Gap != nil || len(all) < 8000 {
		t.Errorf("%d gaps, %d missing, %d of %d lines are accounted for in %d records", gaps, missing, next-1, n+1, len(all))
	}
}
