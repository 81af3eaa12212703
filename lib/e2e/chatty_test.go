package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/sim"
	"github.com/cdktr/cdktr/lib/wire"
)

// chatty prints numbered lines in its first attempt, and notes each when it is
// printed. It pauses after the 3000th until it may go on.
const chatty = `
tasks:
  a:
    run: |
      if [ $CDKTR_ATTEMPT = 1 ]; then
        exec 3>>written
        for ((i = 1; ; i++)); do
          echo "line $i"
          echo $i >&3
          [ $((i % 100)) != 0 ] || sleep 0.01
          [ $i != 3000 ] || until [ -e more ]; do sleep 0.02; done
        done
      fi
      echo second | tee -a second
`

// stdoutOf are the texts of an attempt's lines, after a check that there is no
// gap, hole or double, and that those of the second attempt are whole.
func stdoutOf(t *testing.T, in *harness.Installation, run string, attempt int) string {
	t.Helper()
	lines := sim.Lines{MayGap: sim.NoGap}
	var text strings.Builder
	for _, r := range records(t, in, run) {
		if err := lines.Add(&r); err != nil {
			t.Fatal(err)
		}
		if r.Stream == wire.Stdout && r.Attempt == attempt && r.Message != nil {
			text.WriteString(*r.Message + "\n")
		}
	}
	second := wire.StreamID{Run: run, Task: "a", Attempt: 2, Stream: wire.Stdout}
	for _, err := range lines.Ends(map[wire.StreamID]int64{second: int64(len(noted(t, in, "second")))}) {
		t.Error(err)
	}
	return text.String()
}

// written is how many lines the chatty task has printed.
func written(t *testing.T, in *harness.Installation) int {
	t.Helper()
	all := noted(t, in, "written")
	if len(all) == 0 {
		return 0
	}
	n := 0
	if _, err := fmt.Sscan(all[len(all)-1], &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// The agent dies in the middle of a flow of lines: what it had read is in the
// history, without a hole. Missing at the end is at most what it had not read.
func TestLinesThatAKilledAgentHadReadAreKept(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("chatty.yml", chatty)
	in.StartPrincipalAlone()
	agent := in.StartAgent("web1")
	run := in.Must("cdktr-run", "-d", "chatty")
	harness.Eventually(t, "it is in the middle", func() bool { return written(t, in) > 500 })
	if err := agent.Kill(); err != nil {
		t.Fatal(err)
	}
	in.StartAgent("web1")
	finish(t, in, run)
	n := written(t, in)
	text := stdoutOf(t, in, run, 1)
	got := numbered(t, text)
	missing := 0
	for i := got + 1; i <= n; i++ {
		missing += len(fmt.Sprintf("line %d\n", i))
	}
	t.Logf("%d lines were written, %d are in the history", n, got)
	if missing > 64<<10 || got < 400 {
		t.Errorf("%d lines were written and %d are in the history: more is missing than a pipe holds", n, got)
	}
	if got := stdoutOf(t, in, run, 2); got != "second\n" {
		t.Errorf("the second attempt printed %q", got)
	}
}

// The same while there is no principal to take the lines: they are on the
// agent's disk alone, and come from there.
func TestLinesThatAKilledAgentHadReadAreKeptWithoutAPrincipal(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("chatty.yml", chatty)
	in.StartPrincipalAlone()
	agent := in.StartAgent("web1")
	run := in.Must("cdktr-run", "-d", "chatty")
	harness.Eventually(t, "it prints", func() bool { return written(t, in) > 0 })
	in.KillPrincipal()
	harness.Eventually(t, "it pauses", func() bool { return written(t, in) == 3000 })
	harness.Eventually(t, "the last line is on the agent's disk", func() bool { return onDisk(t, in, "line 3000") })
	if err := agent.Kill(); err != nil {
		t.Fatal(err)
	}
	in.RestartPrincipal()
	in.StartAgent("web1")
	finish(t, in, run)
	if got := numbered(t, stdoutOf(t, in, run, 1)); got != 3000 {
		t.Errorf("3000 lines were read before the kill, %d are in the history", got)
	}
}

// onDisk says whether a file of the agents' has the text.
func onDisk(t *testing.T, in *harness.Installation, text string) bool {
	t.Helper()
	found := false
	err := filepath.WalkDir(filepath.Join(in.Data, "agents"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || filepath.Ext(path) == ".log" {
			return nil // files come and go
		}
		b, _ := os.ReadFile(path)
		found = found || strings.Contains(string(b), text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
