package e2e

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/sim"
	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

// locked is shell text that notes it where another process of the same task of
// the same run lives. Only the end of all of a task's processes frees its lock.
const locked = `exec 9>>"lock-$CDKTR_RUN_ID-$CDKTR_TASK"; flock -n 9 || echo "$CDKTR_RUN_ID $CDKTR_TASK $CDKTR_ATTEMPT" >>doubles
`

const doomedJob = `
tasks:
  a:
    run: |
      ` + locked + `
      echo begin $CDKTR_PARAM_N
      sleep 0.05
      echo end $CDKTR_PARAM_N
  b:
    depends: a
    run: |
      ` + locked + `
      echo last $CDKTR_PARAM_N
`

// agentPlaces are where an agent may be built to die.
var agentPlaces = []string{
	"agent.after-lease", "agent.after-start", "agent.after-exit", "agent.after-keep", "agent.after-report",
	"agent.spool.after-write",
}

// An agent dies at a named place of its work, and is started again. Every run
// completes, no task runs twice at a time, no result is taken twice, and each
// attempt's lines are what it printed.
func TestDeathOfAnAgentAtAnyPlaceHarmsNoRun(t *testing.T) {
	t.Parallel()
	harness.Need(t, "flock")
	for _, place := range agentPlaces {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			in := harness.New(t, "CDKTR_DEFAULT_ZMQ_TIMEOUT_MS=500", "CDKTR_RETRY_ATTEMPTS=200")
			in.Workflow("job.yml", doomedJob)
			in.StartPrincipalAlone()
			n := 0
			for _, hit := range []int{1, 2, 4} {
				doomed := in.StartAgentToFail("web1", fmt.Sprintf("%s:%d", place, hit))
				n = runUntilTheAgentDies(t, in, doomed, n)
				if doomed.Code() != 137 {
					t.Fatalf("hit %d: the agent ended with %d, not by the failpoint\n%s", hit, doomed.Code(), doomed.Said())
				}
				if err := in.Agent("web1").Kill(); err != nil { // idle, or nearly so
					t.Fatal(err)
				}
			}
			in.StartAgent("web1")
			checkAllCompleted(t, in, n)
		})
	}
}

// runUntilTheAgentDies starts one run after the other until the agent is dead,
// and starts another in its place. Each client must come to its end with 0. It
// returns the number of the last run.
func runUntilTheAgentDies(t *testing.T, in *harness.Installation, doomed *harness.Process, n int) int {
	t.Helper()
	for most := n + 20; n < most; {
		n++
		cmd := in.Command("cdktr-run", "-q", "--timeout", harness.Patience.String(), "job", fmt.Sprintf("n=%d", n))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("cdktr-run job n=%d: %v", n, err)
			}
			continue
		case <-doomed.Exited():
		}
		in.StartAgent("web1")
		if err := <-ended; err != nil {
			t.Fatalf("cdktr-run job n=%d: %v", n, err)
		}
		return n
	}
	t.Fatalf("the agent does not die\n%s", doomed.Said())
	return n
}

func checkAllCompleted(t *testing.T, in *harness.Installation, last int) {
	t.Helper()
	job, _, err := workflow.Parse("job", "job.yml", []byte(doomedJob))
	if err != nil {
		t.Fatal(err)
	}
	shown := harness.Lines[wire.Event](t, in.Must("cdktr-logs", "--events", "-o", "json"))
	history, broken := sim.ReadHistory(shown, job)
	for _, err := range broken {
		t.Error(err)
	}
	all := runs(t, in)
	if len(all) != last {
		t.Errorf("%d runs were started, there are %d", last, len(all))
	}
	lines := sim.Lines{MayGap: sim.NoGap}
	for _, r := range all {
		if r.Status != "COMPLETED" {
			t.Errorf("run %s of n=%s is %s", r.Run, r.Params["n"], r.Status)
		}
		var said []string
		final := show(t, in, r.Run).Tasks[0].Attempt
		for _, record := range records(t, in, r.Run) {
			if err := lines.Add(&record); err != nil {
				t.Error(err)
			}
			if record.Task == "a" && record.Attempt == final && record.Stream == wire.Stdout {
				said = append(said, *record.Message)
			}
		}
		if n := r.Params["n"]; !slices.Equal(said, []string{"begin " + n, "end " + n}) {
			t.Errorf("run %s of n=%s printed %q in attempt %d", r.Run, n, said, final)
		}
	}
	for _, err := range lines.Attempts(history) {
		t.Error(err)
	}
	for _, double := range noted(t, in, "doubles") {
		t.Errorf("there ran twice at a time: %s", double)
	}
}
