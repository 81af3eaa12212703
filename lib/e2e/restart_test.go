package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/harness"
)

// The principal comes back on other ports; who waits for a run must find it
// there, and not sit out its patience at the old address.
func TestWaitingCommandsFollowThePrincipalToOtherPorts(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("gated.yml", "tasks: {a: {run: \"echo begun; until [ -e go ]; do sleep 0.01; done; echo done\"}}")
	in.StartPrincipalAlone()
	in.StartAgent("web1")
	waiting := in.Command("cdktr-run", "gated")
	printing := in.Command("cdktr-run", "-l", "gated")
	var lines strings.Builder
	printing.Stdout = &lines
	for _, cmd := range []interface{ Start() error }{waiting, printing} {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	harness.Eventually(t, "both tasks have begun", func() bool {
		return strings.Count(in.Run("cdktr-logs", "-w", "gated", "-s", "stdout", "-o", "cat").Stdout, "begun") == 2
	})
	in.RestartPrincipal() // SIGTERM, then --port 0 again
	if err := os.WriteFile(filepath.Join(in.Dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	for _, cmd := range []interface{ Wait() error }{waiting, printing} {
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v\n%s", err, &lines)
		}
	}
	if took := time.Since(begun); took > 15*time.Second {
		t.Errorf("it took %v to find the principal and the end of the run", took)
	}
	if lines.String() != "begun\ndone\n" {
		t.Errorf("cdktr-run -l printed %q", &lines)
	}
}
