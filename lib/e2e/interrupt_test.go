package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
)

// interrupted starts a command, sends it SIGINT when it has printed a run's id,
// and returns the id and what became of the command.
func interrupted(t *testing.T, cmd *exec.Cmd) (id string, r harness.Result) {
	t.Helper()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 64)
	n, err := stdout.Read(b)
	if err != nil {
		t.Fatal(err, stderr.String())
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // its exit code is what the test looks at
	return strings.TrimSpace(string(b[:n])), harness.Result{Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode()}
}

func TestInterruptLeavesTheRunAndSaysHowToWaitAgain(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("slow.yml", "tasks: {a: {run: 'until [ -e go ]; do sleep 0.01; done'}}")
	in.StartPrincipal()

	id, r := interrupted(t, in.Command("cdktr-run", "slow"))
	if want := "cdktr-run: interrupted; the run goes on: cdktr-run --wait " + id + "\n"; r.Code != 130 || !strings.HasSuffix(r.Stderr, want) {
		t.Errorf("got exit code %d and %q, want 130 and %q", r.Code, r.Stderr, want)
	}
	if id, r := interrupted(t, in.Command("cdktr-run", "-q", "slow")); r.Code != 130 || r.Stderr != "" {
		t.Errorf("run %s, quiet: exit code %d and %q, want 130 and silence", id, r.Code, r.Stderr)
	}
	touch(t, in, "go")
	in.Must("cdktr-run", "--wait", id)

	if err := os.Remove(in.Dir + "/go"); err != nil {
		t.Fatal(err)
	}
	id, r = interrupted(t, in.Command("cdktr-run", "--cancel-on-interrupt", "slow"))
	if r.Code != 130 {
		t.Errorf("--cancel-on-interrupt: exit code %d, want 130\n%s", r.Code, r.Stderr)
	}
	if r := in.Run("cdktr-run", "--wait", id); r.Code != 3 {
		t.Errorf("run %s was to be cancelled, waiting for it is exit code %d", id, r.Code)
	}
}
