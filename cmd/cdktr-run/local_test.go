package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/harness"
)

// here is a cdktr-run --local under way, and the tasks of its run that have
// written their number into a file.
type here struct {
	*exec.Cmd
	dir      string
	out, err bytes.Buffer
}

// startLocal starts the command on a workflow with these tasks and waits until
// each of the named ones has said that it runs.
func startLocal(t *testing.T, stdout io.Writer, tasks string, started []string, flags ...string) *here {
	t.Helper()
	h := &here{dir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(h.dir, "w.yml"), []byte("tasks:\n"+tasks), 0o600); err != nil {
		t.Fatal(err)
	}
	h.Cmd = exec.Command("cdktr-run", append([]string{"--local", "w.yml"}, flags...)...)
	h.Dir, h.Env = h.dir, append(os.Environ(), "HOME="+h.dir)
	if h.Stdout, h.Stderr = stdout, &h.err; stdout == nil {
		h.Stdout = &h.out
	}
	if err := h.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = h.Process.Kill()
		for _, name := range started {
			if pid := h.pid(name); pid > 1 {
				_ = syscall.Kill(-pid, syscall.SIGKILL) // it leads its group
			}
		}
	})
	for _, name := range started {
		harness.Eventually(t, name+" runs", func() bool { return h.pid(name) > 1 })
	}
	return h
}

// pid is the process that has put its number into a file; 0: none yet.
func (h *here) pid(name string) int {
	text, _ := os.ReadFile(filepath.Join(h.dir, name)) // not there yet: empty
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}

// ends waits for the command, which must exit with the code and leave none of
// the processes behind.
func (h *here) ends(t *testing.T, code int, gone ...string) {
	t.Helper()
	hangs := time.AfterFunc(harness.Patience, func() { _ = h.Process.Kill() })
	defer hangs.Stop()
	_ = h.Wait() // the state says it all
	if got := h.ProcessState.ExitCode(); got != code {
		t.Errorf("exit code %d (%v), want %d; stderr %q", got, h.ProcessState, code, &h.err)
	}
	for _, name := range gone {
		if alive(h.pid(name)) {
			t.Errorf("%s lives on", name)
		}
	}
}

// alive tells whether the process runs; one that has ended and that nobody has
// waited for yet does not.
func alive(pid int) bool {
	status, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status") // not everywhere there is one
	return syscall.Kill(pid, 0) == nil && !bytes.Contains(status, []byte("State:\tZ"))
}

func (h *here) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := h.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// polite ends in order when it is told to, stubborn does not; each has a child.
const (
	polite   = `  polite: {run: "trap 'sleep 0.1; echo bye; exit 0' TERM; sleep 600 & echo $! >child; echo $$ >polite; while :; do sleep 0.02; done"}` + "\n"
	stubborn = `  stubborn: {run: "trap '' TERM; sleep 600 & echo $! >child; echo $$ >stubborn; while :; do sleep 0.02; done"}` + "\n"
)

func TestInterruptCancelsALocalRunAndPrintsItsLastLines(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		for _, flags := range []string{"-l", "-l --cancel-on-interrupt"} {
			t.Run(sig.String()+" "+flags, func(t *testing.T) {
				h := startLocal(t, nil, polite+"  after: {depends: polite, run: echo never}\n", []string{"polite"}, strings.Fields(flags)...)
				h.signal(t, sig)
				h.ends(t, 130, "polite", "child")
				if h.out.String() != "polite | bye\n" || !strings.HasSuffix(h.err.String(), "cdktr-run: interrupted; the run was cancelled\n") {
					t.Errorf("stdout %q, stderr %q", &h.out, &h.err)
				}
			})
		}
	}
}

func TestSecondInterruptKillsALocalRun(t *testing.T) {
	h := startLocal(t, nil, stubborn, []string{"stubborn"}, "-l", "-q")
	began := time.Now()
	h.signal(t, syscall.SIGINT)
	time.Sleep(2 * cli.OneWish) // it must not end
	if !alive(h.pid("stubborn")) {
		t.Fatal("the first one killed it")
	}
	h.signal(t, syscall.SIGINT)
	h.ends(t, 130, "stubborn", "child")
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("it took %v: the second one was not heard", took)
	}
}

// A reader that neither reads nor goes must not keep the tasks alive.
func TestSecondInterruptEndsALocalRunWhoseOutputIsStuck(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	h := startLocal(t, w, `  flood: {run: "echo $$ >flood; yes 0123456789012345678901234567890123456789"}`+"\n", []string{"flood"}, "-l")
	w.Close()
	time.Sleep(200 * time.Millisecond) // for all buffers to be full; it holds with less, too
	h.signal(t, syscall.SIGINT)
	time.Sleep(2 * cli.OneWish)
	h.signal(t, syscall.SIGTERM)
	h.ends(t, 130, "flood")
	if h.err.Len() > 0 {
		t.Errorf("stderr %q", &h.err)
	}
}

// timeout(1) signals the process, and then the group that it is in.
func TestTwoSignalsAtOnceAreOneWish(t *testing.T) {
	h := startLocal(t, nil, polite, []string{"polite"}, "-l")
	for range 5 {
		h.signal(t, syscall.SIGTERM)
		time.Sleep(2 * time.Millisecond)
	}
	h.ends(t, 130, "polite", "child")
	if h.out.String() != "bye\n" {
		t.Errorf("stdout %q", &h.out)
	}
}

func TestClosedStdoutEndsALocalRunWithoutAWord(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	h := startLocal(t, w, `  say: {run: "sleep 600 & echo $! >child; echo $$ >say; while echo x; do sleep 0.01; done"}`+"\n", []string{"say"}, "-l")
	w.Close()
	if _, err := r.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	r.Close()
	h.ends(t, 128+int(syscall.SIGPIPE), "say", "child")
	if h.err.Len() > 0 {
		t.Errorf("stderr %q", &h.err)
	}
}
