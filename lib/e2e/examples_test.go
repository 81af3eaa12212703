package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

// The examples run as they are, where the folder above them is the agent's
// working directory, as it is for `make demo`.
func TestExamplesRunAsTheyAre(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	if err := os.CopyFS(in.Workflows, os.DirFS("../../workflows")); err != nil {
		t.Fatal(err)
	}
	if r := in.Run("cdktr-principal", "check"); r.Code != 0 || r.Stdout+r.Stderr != "" {
		t.Errorf("check of the examples: %+v", r)
	}
	in.StartPrincipal()
	tried := map[string]bool{}
	for _, c := range []struct {
		workflow, output, statuses string
		args                       []string
		code                       int
	}{
		{workflow: "hello", output: "Hello, world!\n", statuses: "greet COMPLETED"},
		{workflow: "hello", args: []string{"name=Ada"}, output: "Hello, Ada!\n", statuses: "greet COMPLETED"},
		{workflow: "etl", output: "report | France 205\nreport | Japan 80\n", statuses: "orders COMPLETED, customers COMPLETED, join COMPLETED, report COMPLETED"},
		{workflow: "failure-and-skip", code: 1, output: "archive | archived\n", statuses: "check FAILED, import SKIPPED, publish SKIPPED, heartbeat COMPLETED, archive COMPLETED"},
		{workflow: "pipeline", output: "plain | $HOME and * stay as they are\n", statuses: "count COMPLETED, plain COMPLETED, posix COMPLETED"},
		{workflow: "retry-and-repair", output: "publish | published 3 rows\n", statuses: "download COMPLETED, check COMPLETED, publish COMPLETED, quarantine SKIPPED, tidy COMPLETED, on_end COMPLETED"},
		{workflow: "retry-and-repair", args: []string{"rows=0"}, code: 1, output: "quarantine | put aside\n", statuses: "download COMPLETED, check FAILED, publish SKIPPED, quarantine COMPLETED, tidy COMPLETED, on_end COMPLETED"},
		{workflow: "nightly", output: "closing the books of 2", statuses: "close COMPLETED"},
		{workflow: "python", statuses: "primes COMPLETED"},
	} {
		tried[c.workflow] = true
		t.Run(c.workflow+strings.Join(c.args, " "), func(t *testing.T) {
			if c.workflow == "python" {
				harness.Need(t, "uv")
			}
			r := in.Run("cdktr-run", append([]string{"-l", c.workflow}, c.args...)...)
			if r.Code != c.code || !strings.Contains(r.Stdout, c.output) || r.Stdout == "" {
				t.Errorf("want exit code %d and %q, got %+v", c.code, c.output, r)
			}
			last := one[wire.Run](t, in.Must("cdktr-logs", "--runs", "-w", c.workflow, "-n", "1"))
			if got := statuses(show(t, in, last.Run)); got != c.statuses {
				t.Errorf("tasks are %s, want %s", got, c.statuses)
			}
		})
	}
	if listed := strings.Count(in.Must("cdktr-run", "--list"), "\n") + 1; listed != len(tried) {
		t.Errorf("there are %d examples, %d were run", listed, len(tried))
	}
}
