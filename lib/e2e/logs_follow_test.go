package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/harness"
)

// printing is a command that writes into a file.
type printing struct {
	t    *testing.T
	cmd  *exec.Cmd
	name string
	said bytes.Buffer
	done chan struct{}
}

// printTo starts cdktr-logs; what it prints is added to a file.
func printTo(t *testing.T, in *harness.Installation, name string, args ...string) *printing {
	t.Helper()
	p := &printing{t: t, cmd: in.Command("cdktr-logs", args...), name: filepath.Join(in.Dir, name), done: make(chan struct{})}
	out, err := os.OpenFile(p.name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p.cmd.Stdout, p.cmd.Stderr = out, &p.said
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // the state says it all
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
	})
	return p
}

// text is what is in the file.
func (p *printing) text() string { return read(p.t, p.name) }

// until waits until there are so many lines.
func (p *printing) until(n int) {
	p.t.Helper()
	harness.Eventually(p.t, fmt.Sprintf("%d lines", n), func() bool { return strings.Count(p.text(), "\n") >= n })
}

// ends waits for the end and returns the exit code.
func (p *printing) ends() int {
	p.t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(2 * harness.Patience):
		p.t.Fatalf("it does not end; it has printed %d lines and says %q", strings.Count(p.text(), "\n"), &p.said)
		return 0
	}
}

func (p *printing) signal(sig syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
}

// counted are the lines from 1 on.
func counted(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintln(&b, i+1)
	}
	return b.String()
}

// exactly compares what was printed with what was to be printed.
func exactly(t *testing.T, what, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Errorf("%s: line %d is %q, want %q (%d lines, want %d)", what, i+1, g[i], w[i], len(g)-1, len(w)-1)
			return
		}
	}
	t.Errorf("%s: %d lines, want %d", what, len(g)-1, len(w)-1)
}

// The principal is killed while two tasks print and two commands follow, one of
// them from the middle of the run.
func TestFollowerOfARunPrintsEachLineOnceOverAKilledPrincipal(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	const script = `
      for ((i = 1; i <= 4000; i++)); do
        echo $i
        case $i in
        1500) until [ -e middle ]; do sleep 0.01; done;;
        2500) until [ -e killed ]; do sleep 0.01; done;;
        *00) sleep 0.01;;
        esac
      done
`
	in.Workflow("two.yml", "tasks:\n  a:\n    run: |"+script+"  b:\n    run: |"+script)
	in.StartPrincipal()
	run := in.Must("cdktr-run", "-d", "two")
	whole := printTo(t, in, "whole", "-f", "-r", run, "-s", "stdout", "-t", "a", "-o", "cat")
	whole.until(1500)
	late := printTo(t, in, "late", "-f", "-r", run[:8], "-s", "stdout", "-t", "b", "-o", "cat")
	late.until(1000)
	touch(t, in, "middle")
	whole.until(1600)
	in.KillPrincipal()
	touch(t, in, "killed") // the tasks print while nobody takes it
	in.RestartPrincipal()
	for _, p := range []*printing{whole, late} {
		if code := p.ends(); code != 0 {
			t.Errorf("exit code %d, %q", code, &p.said)
		}
		exactly(t, filepath.Base(p.name), p.text(), counted(4000))
	}
	if r, code := finish(t, in, run); code != 0 {
		t.Errorf("the run is %s", r.Status)
	}
}

func TestFollowerKeepsUpWithAFlood(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	const n = 20_000
	in.Workflow("flood.yml", fmt.Sprintf("tasks:\n  a: {run: seq %d}\n  b: {run: seq %d >&2}\n", n, n))
	in.StartPrincipal()
	all := printTo(t, in, "all", "-f", "-n", "all", "-t", "a", "-s", "stdout", "-o", "cat")
	run := in.Must("cdktr-run", "-d", "flood")
	one := printTo(t, in, "one", "-f", "-r", run, "-s", "stderr", "-o", "cat")
	if code := one.ends(); code != 0 {
		t.Errorf("exit code %d, %q", code, &one.said)
	}
	exactly(t, "the follower of the run", one.text(), counted(n))
	all.until(n)
	all.signal(syscall.SIGINT)
	if code := all.ends(); code != 130 || all.said.String() != "" {
		t.Errorf("^C ends it with exit code %d and %q", code, &all.said)
	}
	exactly(t, "the follower of all", all.text(), counted(n))
}

// Call after call, while a task prints: together they print each line once;
// when one of them is killed, a line may come twice, and none is missing.
func TestCallsWithACursorFileFitTogether(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	const n = 6000
	in.Workflow("chatty.yml", fmt.Sprintf("tasks: {a: {run: 'for ((i = 1; i <= %d; i++)); do echo $i; case $i in 4500) until [ -e go ]; do sleep 0.01; done;; *00) sleep 0.01;; esac; done'}}", n))
	in.StartPrincipal()
	run := in.Must("cdktr-run", "-d", "chatty")
	kinds := map[string][]string{"gentle": {"-f"}, "rough": {"-f"}, "calls": nil}
	for name, flags := range kinds {
		kinds[name] = append(flags, "-r", run, "-s", "stdout", "-o", "cat", "--cursor-file", name+".cursor")
	}
	gentle := printTo(t, in, "gentle", kinds["gentle"]...)
	rough := printTo(t, in, "rough", kinds["rough"]...)
	gentle.until(600)
	gentle.signal(syscall.SIGTERM)
	if code := gentle.ends(); code != 130 {
		t.Errorf("SIGTERM ends it with exit code %d, %q", code, &gentle.said)
	}
	harness.Eventually(t, "a cursor is kept", func() bool { return there(in, "rough.cursor") })
	rough.signal(syscall.SIGKILL)
	<-rough.done
	killedAt := strings.Count(rough.text(), "\n")
	touch(t, in, "go")

	calls := printTo(t, in, "calls", kinds["calls"]...)
	for range 3 {
		calls.ends()
		calls = printTo(t, in, "calls", kinds["calls"]...)
	}
	calls.ends()
	gentle = printTo(t, in, "gentle", kinds["gentle"]...)
	rough = printTo(t, in, "rough", kinds["rough"]...)
	for _, p := range []*printing{gentle, rough} {
		if code := p.ends(); code != 0 {
			t.Errorf("exit code %d, %q", code, &p.said)
		}
	}
	calls = printTo(t, in, "calls", kinds["calls"]...)
	calls.ends()

	exactly(t, "follow, SIGTERM, follow", gentle.text(), counted(n))
	exactly(t, "call after call", calls.text(), counted(n))
	again := strings.Split(strings.TrimSuffix(rough.text(), "\n"), "\n")
	twice := len(again) - n
	if twice < 0 || twice > killedAt {
		t.Fatalf("%d lines were printed before the kill, and %d in all", killedAt, len(again))
	}
	exactly(t, "what was printed after the kill", strings.Join(again[killedAt:], "\n"), strings.Join(strings.Split(counted(n), "\n")[killedAt-twice:n], "\n"))
}
