package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/harness"
)

// A pipe for -p is waited for, as the shell's <(...) is one; the first signal
// ends the waiting.
func TestSignalEndsTheWaitForParameters(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	stdin, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	defer write.Close()
	for _, args := range [][]string{{"-p", pipe, "hello"}, {"-p", "-", "hello"}, {"--join", "-"}} {
		for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
			state, said := signalled(t, dir, stdin, sig, args)
			if code := state.ExitCode(); code != 130 || said != "cdktr-run: interrupted\n" {
				t.Errorf("%v, %s: exit code %d (%v), stderr %q", args, sig, code, state, said)
			}
		}
	}
}

// signalled starts the command and signals it some time later: when it is so
// early that the command has not asked for signals yet and dies of it, another
// is started.
func signalled(t *testing.T, dir string, stdin *os.File, sig syscall.Signal, args []string) (*os.ProcessState, string) {
	t.Helper()
	for pause := 50 * time.Millisecond; ; pause *= 2 {
		cmd := exec.Command("cdktr-run", args...)
		cmd.Env, cmd.Dir, cmd.Stdin = append(os.Environ(), "HOME="+dir), dir, stdin
		var said bytes.Buffer
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(pause)
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		hangs := time.AfterFunc(harness.Patience, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // the state says it all
		hangs.Stop()
		status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if !ok || !status.Signaled() || status.Signal() != sig || pause > 2*time.Second {
			return cmd.ProcessState, said.String()
		}
	}
}

func TestParametersFromAProcessSubstitution(t *testing.T) {
	harness.Need(t, "bash")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "w.yml"), []byte("params: {who: x}\ntasks: {a: {run: 'echo hello $CDKTR_PARAM_WHO'}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", "-c", "cdktr-run -l --local w.yml -p <(sleep 0.1; echo who: Ada)")
	cmd.Env, cmd.Dir = append(os.Environ(), "HOME="+dir), dir
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "hello Ada\n" {
		t.Errorf("%v: %s", err, out)
	}
}
