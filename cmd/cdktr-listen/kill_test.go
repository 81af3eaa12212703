package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/harness"
)

// workflow needs no agent: nobody runs its tasks here.
const workflow = "tasks: {a: {config: !Subprocess {cmd: 'true'}}}"

// process is cdktr-listen with open pipes.
type process struct {
	in     io.WriteCloser
	out    *bufio.Scanner
	err    string // the file of stderr
	wait   func() error
	signal func(syscall.Signal) error
}

func start(t *testing.T, in *harness.Installation, args ...string) *process {
	t.Helper()
	var p process
	cmd := in.Command("cdktr-listen", args...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := os.Create(filepath.Join(in.Dir, ".stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.err = stderr.Name()
	hangs := time.AfterFunc(2*harness.Patience, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() { hangs.Stop() })
	p.in, p.out, p.wait = stdin, bufio.NewScanner(stdout), cmd.Wait
	p.signal = func(s syscall.Signal) error { return cmd.Process.Signal(s) }
	return &p
}

// said is what it wrote to stderr so far.
func (p *process) said() string {
	text, err := os.ReadFile(p.err)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// next is the next acknowledgement.
func (p *process) next(t *testing.T) (a accepted) {
	t.Helper()
	if !p.out.Scan() {
		t.Fatalf("no more acknowledgements: %v", p.out.Err())
	}
	if err := json.Unmarshal(p.out.Bytes(), &a); err != nil {
		t.Fatalf("%s: %v", p.out.Text(), err)
	}
	return a
}

// The lines flow, at most 300 of them not told yet, while the principal is
// killed: from outside, and by itself between a commit and its answer.
func TestEveryLineIsOneRunOverAKillOfThePrincipal(t *testing.T) {
	t.Run("anywhere", func(t *testing.T) {
		in := installation(t)
		in.StartPrincipalAlone()
		pour(t, in, func(told int64) {
			if told == 700 {
				in.KillPrincipal()
				in.RestartPrincipal()
			}
		})
	})
	t.Run("between commit and answer", func(t *testing.T) {
		in := installation(t)
		in.StartPrincipalAlone()
		in.KillPrincipal()
		doomed := in.StartPrincipalToFail("principal.before-acknowledge:4")
		again := make(chan struct{})
		go func() {
			defer close(again)
			<-doomed.Exited()
			in.RestartPrincipal()
		}()
		pour(t, in, func(int64) {})
		<-again
	})
}

func installation(t *testing.T) *harness.Installation {
	in := harness.New(t, "CDKTR_DEFAULT_ZMQ_TIMEOUT_MS=500")
	in.Workflow("job.yml", workflow)
	return in
}

// pour sends 2,000 lines, calls seen with each that is told, and checks that
// they are told in order and that each has a run of its own.
func pour(t *testing.T, in *harness.Installation, seen func(line int64)) {
	const lines = 2000
	p := start(t, in, "-w", "job")
	under := make(chan struct{}, 300)
	written := make(chan struct{})
	go func() {
		defer close(written)
		defer p.in.Close()
		for i := range lines {
			under <- struct{}{}
			fmt.Fprintln(p.in, i+1)
		}
	}()
	runs := map[string]int64{}
	for i := range int64(lines) {
		a := p.next(t)
		if a.Line != i+1 || a.Workflow != "job" || runs[a.Run] != 0 {
			t.Fatalf("acknowledgement %d is %+v; the run was told for line %d before", i+1, a, runs[a.Run])
		}
		runs[a.Run] = a.Line
		seen(a.Line)
		<-under
	}
	<-written
	if p.out.Scan() {
		t.Errorf("one more acknowledgement: %s", p.out.Text())
	}
	if err := p.wait(); err != nil {
		t.Errorf("%v\n%s", err, p.said())
	}
	there := strings.Split(in.Must("cdktr-logs", "--runs", "-o", "json"), "\n")
	for _, line := range there {
		var r struct {
			Run, Trigger string
			Params       map[string]string
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if r.Params["event"] != fmt.Sprint(runs[r.Run]) || r.Trigger != "listen" {
			t.Errorf("%s; it was told for line %d", line, runs[r.Run])
		}
	}
	if len(there) != lines {
		t.Errorf("%d lines have %d runs", lines, len(there))
	}
	if said := p.said(); strings.Count(said, "waiting for the principal") != 1 {
		t.Errorf("it should say once that it waits: %q", said)
	}
}

func TestSigtermFinishesWhatWasReadThoughTheInputStaysOpen(t *testing.T) {
	in := installation(t)
	in.StartPrincipalAlone()
	p := start(t, in)
	tell := func(want int64) {
		t.Helper()
		if a := p.next(t); a.Line != want {
			t.Errorf("acknowledgement %+v, want line %d", a, want)
		}
	}
	for i := range int64(3) {
		fmt.Fprintln(p.in, "job") // alone: told though nothing follows
		tell(i + 1)
	}
	in.KillPrincipal()
	fmt.Fprint(p.in, "job\njob\nj")
	harness.Eventually(t, "it waits for the principal", func() bool { return strings.Contains(p.said(), "waiting for the principal") })
	if err := p.signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	in.RestartPrincipal()
	tell(4)
	tell(5)
	err := p.wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 65 || !strings.Contains(p.said(), `{"line":6,"error":"the line was broken off: interrupted"}`) {
		t.Errorf("%v\n%s", err, p.said())
	}
}

func TestAReaderThatHasEnoughEndsItQuietly(t *testing.T) {
	in := installation(t)
	in.StartPrincipalAlone()
	r := in.Run("bash", "-c", "yes job | cdktr-listen | head -3; echo ${PIPESTATUS[1]}")
	lines := strings.Split(r.Stdout, "\n")
	if len(lines) != 5 || !strings.HasPrefix(lines[2], `{"line":3,"workflow":"job","run":"`) || lines[3] != "141" || r.Stderr != "" {
		t.Errorf("%+v", r)
	}
}
