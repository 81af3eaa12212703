package e2e

import (
	"syscall"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
)

func TestRunKeepsTheDefinitionItStartedWith(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("w.yml", `
name: Old
tasks:
  a: {run: "until [ -e go ]; do sleep 0.01; done"}
  b: {depends: a, run: "echo old"}
`)
	principal := in.StartPrincipal()
	first := in.Must("cdktr-run", "-d", "w")
	in.Workflow("w.yml", `
name: New
tasks:
  b: {run: "echo new"}
`)
	if err := principal.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the new file is loaded", func() bool {
		return harness.LineField(t, in.Must("cdktr-run", "--list", "-o", "json"), "[workflow=w].name") == "New"
	})
	second := in.Must("cdktr-run", "w")
	// A restart does not change that: the definition is in the history.
	in.KillPrincipal()
	in.RestartPrincipal()
	touch(t, in, "go")
	in.Must("cdktr-run", "--wait", first)
	if got := bare(t, in, first, "stdout"); got != "old\n" || statuses(show(t, in, first)) != "a COMPLETED, b COMPLETED" {
		t.Errorf("the run of the old file printed %q, tasks %s", got, statuses(show(t, in, first)))
	}
	if got := bare(t, in, second, "stdout"); got != "new\n" {
		t.Errorf("the run of the new file printed %q", got)
	}
}
