package e2e

import (
	"path/filepath"
	"strconv"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
)

// talkative prints until the file go is there. It notes its process and, at the
// end, how many lines it printed.
const talkative = `
tasks:
  a:
    run: |
      echo $$ >>pids
      i=0
      until [ -e go ]; do i=$((i+1)); echo "line $i"; sleep 0.02; done
      echo $i >count
`

// What runs, runs on while the principal is dead: the same process, the same
// attempt, and every line, also those of that time.
func TestRunningTaskSurvivesKillOfThePrincipal(t *testing.T) {
	t.Parallel()
	needsProc(t)
	for name, start := range map[string]func(*harness.Installation){
		"on an agent of its own":     func(in *harness.Installation) { in.StartPrincipalAlone(); in.StartAgent("web1") },
		"on the principal's own one": func(in *harness.Installation) { in.StartPrincipal() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := harness.New(t)
			in.Workflow("talk.yml", talkative)
			start(in)
			run := in.Must("cdktr-run", "-d", "talk")
			lines := func() int { return numbered(t, bare(t, in, run, "stdout")) }
			harness.Eventually(t, "lines are in the history", func() bool { return lines() > 3 })
			pid := number(t, filepath.Join(in.Dir, "pids"))
			companion, beside := in.Companion()

			in.KillPrincipal()
			if !harness.Living(pid) {
				t.Error("the task died with the principal")
			}
			in.RestartPrincipal()
			before := lines()
			harness.Eventually(t, "lines come on", func() bool { return lines() > before })
			if !harness.Living(pid) {
				t.Error("the task died of the new principal")
			}
			touch(t, in, "go")
			ended, _ := finish(t, in, run)

			if task := ended.Tasks[0]; task.Status != "COMPLETED" || task.Attempt != 1 {
				t.Errorf("the task is %s in attempt %d, want COMPLETED in the first", task.Status, task.Attempt)
			}
			if got := read(t, filepath.Join(in.Dir, "pids")); got != strconv.Itoa(pid)+"\n" {
				t.Errorf("the task ran as processes\n%s", got)
			}
			if got, want := lines(), number(t, filepath.Join(in.Dir, "count")); got != want {
				t.Errorf("the history has %d lines, the task printed %d", got, want)
			}
			if now, _ := in.Companion(); beside && now != companion {
				t.Errorf("the agent beside the principal is process %d, it was %d", now, companion)
			}
		})
	}
}
