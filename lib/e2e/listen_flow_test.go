package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/harness"
)

// noAgentNeeded is a workflow whose runs nobody works on here.
const noAgentNeeded = "tasks: {a: {run: 'true'}}"

// acknowledgement is a line of cdktr-listen's output.
type acknowledgement struct {
	Line          int64
	Workflow, Run string
}

// listener is cdktr-listen with the other ends of its pipes.
type listener struct {
	*exec.Cmd
	in  *os.File
	out *bufio.Scanner
	err string // the file of stderr
}

func startListening(t *testing.T, in *harness.Installation, args ...string) *listener {
	t.Helper()
	l := &listener{Cmd: in.Command("cdktr-listen", args...), err: filepath.Join(t.TempDir(), "stderr")}
	theirs, ours, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	stdout, err := l.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := os.Create(l.err)
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	l.Stdin, l.Stderr = theirs, stderr
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	hangs := time.AfterFunc(2*harness.Patience, func() { _ = l.Process.Kill() })
	t.Cleanup(func() { hangs.Stop(); _ = ours.Close() })
	l.in, l.out = ours, bufio.NewScanner(stdout)
	return l
}

// next is the next acknowledgement; ok is false at the end.
func (l *listener) next(t *testing.T) (a acknowledgement, ok bool) {
	t.Helper()
	if !l.out.Scan() {
		return a, false
	}
	if err := json.Unmarshal(l.out.Bytes(), &a); err != nil {
		t.Errorf("%s: %v", l.out.Text(), err)
		return a, false
	}
	return a, true
}

func TestLinesOfABurstShareARunOverAKillOfThePrincipal(t *testing.T) {
	t.Parallel()
	in := harness.New(t, "CDKTR_DEFAULT_ZMQ_TIMEOUT_MS=500")
	in.Workflow("job.yml", noAgentNeeded)
	rules := filepath.Join(in.Dir, "rules.yml")
	write(t, rules, "rules:\n- {match: '^(?P<n>\\d+)$', workflow: job, params: {n: '${{ match.n }}'}, debounce: 1h}\n- {match: now, workflow: job}\n")
	in.StartPrincipalAlone()
	l := startListening(t, in, "--rules", rules)
	fmt.Fprint(l.in, "now\n1\n2\nnow\n")
	// The second one is told after the lines that wait; its run is there.
	first, _ := l.next(t)
	harness.Eventually(t, "the run of line 4", func() bool { return strings.Count(in.Must("cdktr-logs", "--runs", "-o", "json"), "\n") == 1 })
	in.KillPrincipal()
	fmt.Fprint(l.in, "3\n")
	if err := l.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "it waits for the principal", func() bool { return strings.Contains(read(t, l.err), "waiting for the principal") })
	in.RestartPrincipal()
	told := []acknowledgement{first}
	for a, ok := l.next(t); ok; a, ok = l.next(t) {
		told = append(told, a)
	}
	if err := l.Wait(); err != nil {
		t.Errorf("%v: %s", err, read(t, l.err))
	}
	if len(told) < 4 {
		t.Fatalf("told %v", told)
	}
	burst := told[1].Run
	for i, a := range told {
		waits := i != 0 && i != 3
		if a.Line != int64(i+1) || (a.Run == burst) != waits {
			t.Errorf("acknowledgement %d is %+v; the burst is %s", i+1, a, burst)
		}
	}
	// Whether line 5 was read before the signal came is a matter of luck.
	show := in.Must("cdktr-run", "--show", burst, "-o", "json")
	if n := harness.Field(t, show, "params.n"); n != map[int]string{4: "2", 5: "3"}[len(told)] {
		t.Errorf("%d lines are told, and the parameter is %s", len(told), n)
	}
	if runs := strings.Count(in.Must("cdktr-logs", "--runs", "-o", "json"), "\n") + 1; runs != 3 {
		t.Errorf("%d runs", runs)
	}
}

func TestTwoListenersAtOnceDoNotMeet(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("job.yml", noAgentNeeded)
	in.StartPrincipalAlone()
	const lines = 500
	var mu sync.Mutex
	runs := map[string]bool{}
	var both sync.WaitGroup
	for range 2 {
		l := startListening(t, in, "-w", "job")
		both.Go(func() {
			for i := range lines {
				fmt.Fprintln(l.in, i)
			}
			_ = l.in.Close()
		})
		both.Go(func() {
			line := int64(0)
			for a, ok := l.next(t); ok; a, ok = l.next(t) {
				if line++; a.Line != line {
					t.Errorf("line %d is told as number %d", a.Line, line)
				}
				mu.Lock()
				runs[a.Run] = true
				mu.Unlock()
			}
			if err := l.Wait(); err != nil || line != lines {
				t.Errorf("%d lines are told: %v", line, err)
			}
		})
	}
	both.Wait()
	if len(runs) != 2*lines {
		t.Errorf("%d lines have %d runs", 2*lines, len(runs))
	}
}

// Whose output nobody reads takes no more input, whatever there is of it.
func TestReaderThatRestsHoldsBackTheInput(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("job.yml", noAgentNeeded)
	in.StartPrincipalAlone()
	l := startListening(t, in, "-w", "job")
	line := []byte(strings.Repeat("x", 1023) + "\n")
	written := 0
	for {
		if err := l.in.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := l.in.Write(line)
		written += n
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil || written > 50<<20 {
			t.Fatalf("after %d bytes that nobody heard of: %v", written, err)
		}
	}
	peak := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindStringSubmatch(read(t, fmt.Sprintf("/proc/%d/status", l.Process.Pid)))
	if kib, err := strconv.Atoi(peak[1]); err != nil || kib > 100<<10 {
		t.Errorf("%s KiB of memory (%v)", peak[1], err)
	}
	_ = l.in.Close()
	told := 0
	for _, ok := l.next(t); ok; _, ok = l.next(t) {
		told++
	}
	if want := (written + len(line) - 1) / len(line); told != want {
		t.Errorf("%d lines were written, and %d are told", want, told)
	}
	if err := l.Wait(); err != nil {
		t.Error(err)
	}
}

// Not parallel: it has the machine to itself, as far as this package goes.
func TestEventsAreQuick(t *testing.T) {
	in := harness.New(t)
	in.Workflow("job.yml", noAgentNeeded)
	in.StartPrincipalAlone()
	const lines = 20_000
	var events strings.Builder
	for i := range lines {
		fmt.Fprintln(&events, i)
	}
	write(t, filepath.Join(in.Dir, "events"), events.String())
	file, err := os.Open(filepath.Join(in.Dir, "events"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	flood := in.Command("cdktr-listen", "-w", "job")
	flood.Stdin = file
	begun := time.Now()
	told, err := flood.Output()
	took := time.Since(begun)
	if n := strings.Count(string(told), "\n"); err != nil || n != lines {
		t.Fatalf("%d lines are told: %v", n, err)
	}

	l := startListening(t, in, "-w", "job")
	var alone []time.Duration
	for i := range 101 {
		begun := time.Now()
		fmt.Fprintln(l.in, i)
		if _, ok := l.next(t); !ok {
			t.Fatal("it has ended")
		}
		alone = append(alone, time.Since(begun))
	}
	_ = l.in.Close()
	if err := l.Wait(); err != nil {
		t.Error(err)
	}
	alone = alone[1:] // the first one has to find the principal
	slices.Sort(alone)
	t.Logf("%d events from a file: %v, %.0f a second; one alone: median %v, p99 %v, at most %v; the budgets are 20,000 a second and 10ms",
		lines, took.Round(time.Millisecond), lines/took.Seconds(), alone[50], alone[98], alone[99])
	if took > 20*time.Second || alone[50] > 250*time.Millisecond {
		t.Errorf("%d events took %v, and one alone %v", lines, took, alone[50])
	}
}
