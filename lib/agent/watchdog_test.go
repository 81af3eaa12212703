package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/task"
	"github.com/cdktr/cdktr/lib/wire"
)

// marked is a lease's spec as a principal makes it: its environment names the
// attempt.
func marked(id wire.Attempt, spec wire.Spec) wire.Spec {
	spec.Env = map[string]string{
		"CDKTR_RUN_ID": id.Run, "CDKTR_TASK": id.Task, "CDKTR_ATTEMPT": strconv.Itoa(id.Attempt),
	}
	return spec
}

// children are the processes whose parent is pid and whose arguments hold word.
func children(t *testing.T, pid int, word string) (found []int) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		b, _ := os.ReadFile(file)
		f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		if len(f) < 2 || f[0] == "Z" || f[1] != strconv.Itoa(pid) {
			continue
		}
		args, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		if n, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil && bytes.Contains(args, []byte(word)) {
			found = append(found, n)
		}
	}
	return found
}

func theWatchdogOf(t *testing.T, pid int) int {
	t.Helper()
	found := children(t, pid, watchdogWord)
	if len(found) != 1 {
		t.Fatalf("process %d has the watchdogs %v", pid, found)
	}
	return found[0]
}

// pidsFrom are the numbers that a task has printed, after so many lines.
func (p *principal) pidsFrom(id wire.Attempt, n int) []int {
	p.t.Helper()
	p.await("numbers of processes", func() bool { return len(p.lines[streamOf(id, "stdout")]) >= n })
	var pids []int
	for _, text := range p.texts(id, "stdout") {
		pid, err := strconv.Atoi(text)
		if err != nil {
			p.t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

func allGone(t *testing.T, pids ...int) func() bool {
	return func() bool {
		return !slices.ContainsFunc(pids, func(pid int) bool { return lives(t, strconv.Itoa(pid)) })
	}
}

const stubborn = "trap '' TERM; echo $$; (trap '' TERM INT HUP; while :; do sleep 0.05; done) & echo $!; wait"

func TestTasksDieWithTheirAgent(t *testing.T) {
	p := newPrincipal(t)
	server := httptest.NewServer(p)
	defer server.Close()
	defer server.CloseClientConnections()
	kill := process(t, server.URL, t.TempDir())
	pids := append(p.pidsFrom(p.give("a", script(stubborn)), 2), p.pidsFrom(p.give("b", script("echo $$; exec sleep 1000")), 1)...)
	// A child that has left its leader behind is of the group still.
	if allGone(t, pids...)() {
		t.Fatal("nothing runs")
	}
	kill()
	until(t, "the tasks are gone", allGone(t, pids...))
}

func TestNoTaskHoldsThePipesOfTheWatchdog(t *testing.T) {
	p := newPrincipal(t)
	run(t, p, Options{Slots: 2})
	dog := theWatchdogOf(t, os.Getpid())
	pids := append(p.pidsFrom(p.give("a", script("echo $$; exec sleep 1000")), 1), p.pidsFrom(p.give("b", script("echo $$; exec sleep 1000")), 1)...)
	pipes := map[string]bool{}
	for _, fd := range []string{"0", "1"} {
		pipe, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", dog, fd))
		if err != nil || !strings.HasPrefix(pipe, "pipe:") {
			t.Fatalf("the watchdog's %s is %s (%v)", fd, pipe, err)
		}
		pipes[pipe] = true
	}
	for _, pid := range pids {
		fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		if err != nil || len(fds) < 3 {
			t.Fatal(fds, err)
		}
		for _, fd := range fds {
			if at, _ := os.Readlink(fd); pipes[at] {
				t.Errorf("a task holds %s, a pipe of the watchdog", fd)
			}
		}
	}
}

func TestWatchdogOutlivesTheSignalsThatEndItsAgent(t *testing.T) {
	p := newPrincipal(t)
	run(t, p, Options{})
	dog := theWatchdogOf(t, os.Getpid())
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGQUIT} {
		if err := syscall.Kill(dog, s); err != nil {
			t.Fatal(err)
		}
	}
	// It takes notes still: an exclusive task does not start without its word.
	id := p.lease(wire.Lease{Attempt: wire.Attempt{Run: "r1", Task: "t", Attempt: 1}, Spec: script("exit 0"), Exclusive: true})
	if r := p.awaitResult(id); r.Outcome != outcomeExited {
		t.Errorf("%+v", r)
	}
	if now := theWatchdogOf(t, os.Getpid()); now != dog {
		t.Errorf("watchdog %d became %d", dog, now)
	}
	if sid, err := syscall.Getpgid(dog); err != nil || sid != dog {
		t.Errorf("the watchdog's group is %d (%v)", sid, err)
	}
}

func TestWatchdogThatDiesIsReplacedAndTheNextOneKnowsAll(t *testing.T) {
	p := newPrincipal(t)
	server := httptest.NewServer(p)
	defer server.Close()
	defer server.CloseClientConnections()
	kill := process(t, server.URL, t.TempDir())
	before := p.pidsFrom(p.give("a", script("echo $$; exec sleep 1000")), 1)
	agent := agentProcess(t)
	begun := time.Now()
	for range 3 {
		dog := theWatchdogOf(t, agent)
		if err := syscall.Kill(dog, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		until(t, "another watchdog", func() bool {
			now := children(t, agent, watchdogWord)
			if len(now) != 1 || now[0] == dog {
				return false
			}
			name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", now[0]))
			return string(name) == "cdktr-watchdog\n"
		})
	}
	if took := time.Since(begun); took > showTime-time.Second {
		t.Errorf("three watchdogs took %s: the death of one is not seen", took)
	}
	after := p.pidsFrom(p.give("b", script("echo $$; exec sleep 1000")), 1)
	if allGone(t, before[0])() || allGone(t, after[0])() {
		t.Fatal("a task died with its watchdog")
	}
	kill()
	until(t, "the tasks are gone", allGone(t, before[0], after[0]))
}

func TestAgentThatEndsLeavesNoWatchdog(t *testing.T) {
	p := newPrincipal(t)
	r := run(t, p, Options{})
	p.awaitResult(p.give("t", script("exit 0")))
	dog := theWatchdogOf(t, os.Getpid())
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
	if !allGone(t, dog)() {
		t.Error("the watchdog is still there")
	}
}

// bystander starts a process in a group of its own.
func bystander(t *testing.T, env ...string) task.ID {
	t.Helper()
	cmd := exec.Command("sleep", "1000")
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return task.ID{PID: cmd.Process.Pid, Start: startOf(t, cmd.Process.Pid)}
}

func startOf(t *testing.T, pid int) uint64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	start, err := strconv.ParseUint(f[19], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return start
}

// dogFor starts a watchdog process as an agent would, and returns what ends the
// agent for it.
func dogFor(t *testing.T, notes ...note) (g *guard, agentDies func()) {
	t.Helper()
	return dogWith(t, os.Stderr, notes...)
}

func dogWith(t *testing.T, log *os.File, notes ...note) (g *guard, agentDies func()) {
	t.Helper()
	g, err := newGuard(log)
	if err == nil {
		err = g.shown()
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range notes {
		if err := g.write(n); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = g.end() })
	return g, func() {
		g.notes.Close()
		if _, err := g.read(); !errors.Is(err, io.EOF) {
			t.Errorf("at its end the watchdog says: %v", err)
		}
	}
}

// An agent that dies between its fork and its word about it.
func TestAttemptWithoutAKnownProcessIsFoundByItsEnvironment(t *testing.T) {
	t.Parallel()
	id := wire.Attempt{Run: "r-" + t.Name(), Task: "t", Attempt: 2}
	env := func(attempt string) []string {
		return []string{"CDKTR_RUN_ID=" + id.Run, "CDKTR_TASK=t", "CDKTR_ATTEMPT=" + attempt}
	}
	own, other := bystander(t, env("2")...), bystander(t, env("1")...)
	_, agentDies := dogFor(t, note{Kind: noteBegin, Attempt: id})
	agentDies()
	if own.Alive() || !other.Alive() {
		t.Errorf("own lives: %v; another attempt's lives: %v", own.Alive(), other.Alive())
	}
}

// The log of an agent may be a pipe that nobody reads.
func TestWatchdogWaitsForNoReaderOfItsLog(t *testing.T) {
	t.Parallel()
	own := bystander(t)
	id := wire.Attempt{Run: "r", Task: "t", Attempt: 1}
	notes := bytes.NewBuffer(nil)
	for range 10_000 {
		notes.WriteString("what nobody understands, at length\n")
	}
	notes.Write(encodeNote(note{Kind: noteBegin, Attempt: id}))
	notes.Write(encodeNote(note{Kind: noteRuns, Attempt: id, Process: own}))
	unread, log, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	g, agentDies := dogWith(t, log)
	log.Close()
	defer unread.Close()
	if _, err := g.notes.Write(notes.Bytes()); err != nil {
		t.Fatal(err)
	}
	agentDies()
	if own.Alive() {
		t.Error("the watchdog did not do its work")
	}
}

// A process number that was given to somebody else is not the attempt's.
func TestWatchdogKillsNoStranger(t *testing.T) {
	stranger, ended := bystander(t), bystander(t)
	before := task.ID{PID: stranger.PID, Start: stranger.Start - 1}
	a, b := wire.Attempt{Run: "r", Task: "a", Attempt: 1}, wire.Attempt{Run: "r", Task: "b", Attempt: 1}
	_, agentDies := dogFor(t,
		note{Kind: noteBegin, Attempt: a}, note{Kind: noteRuns, Attempt: a, Process: before},
		note{Kind: noteBegin, Attempt: b}, note{Kind: noteRuns, Attempt: b, Process: ended}, note{Kind: noteEnd, Attempt: b})
	agentDies()
	if !stranger.Alive() || !ended.Alive() {
		t.Error("a stranger was killed")
	}
}

func TestBadNoteNeitherEndsTheWatchdogNorConfusesIt(t *testing.T) {
	own := bystander(t)
	id := wire.Attempt{Run: "r", Task: "t", Attempt: 1}
	g, agentDies := dogFor(t, note{Kind: noteBegin, Attempt: id})
	for _, bad := range []string{
		"\n", "x\n", "{}\n", "null\n", `{"kind":"begin"}` + "\n", `{"kind":"runs","run":"r","task":"t","attempt":1,"process":{"PID":-1}}` + "\n",
		`{"kind":"end","run":"r","task":"t","attempt":1} {}` + "\n", `{"kind":"end","run":"r","task":"t","attempt":1,"x":1}` + "\n",
		strings.Repeat("long", maxNote) + "\n", `{"kind":"end","run":"other","task":"t","attempt":1}` + "\n",
	} {
		if _, err := g.notes.WriteString(bad); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.write(note{Kind: noteRuns, Attempt: id, Process: own}); err != nil {
		t.Fatal(err)
	}
	agentDies()
	if own.Alive() {
		t.Error("the watchdog forgot an attempt over bad notes")
	}
}

// The watchdog must take any bytes, and kill only what it was told of.
func FuzzNotes(f *testing.F) {
	id := wire.Attempt{Run: "r", Task: "t", Attempt: 1}
	for _, n := range []note{
		{Kind: noteBegin, Attempt: id, Exclusive: true}, {Kind: noteRuns, Attempt: id, Process: task.ID{PID: 7, Start: 9}},
		{Kind: noteAsk, Attempt: id}, {Kind: noteEnd, Attempt: id}, {Kind: noteHeard, contact: contact{1, 2}},
	} {
		f.Add(encodeNote(n))
	}
	f.Add([]byte("{}\n\n[]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		begun := map[wire.Attempt]bool{}
		for line := range bytes.Lines(b) {
			if n, err := decodeNote(line); err == nil && n.Kind == noteBegin {
				begun[n.Attempt] = true
			}
		}
		w := &watch{verdicts: io.Discard, say: func(string, ...any) {}, tasks: map[wire.Attempt]*watched{}}
		known := true
		w.kill = func(tasks map[wire.Attempt]*watched) int {
			for id, t := range tasks {
				known = known && begun[id] && (t.process.PID == 0 || t.process.PID > 1)
				t.process.Start = 1 // or the search for it would take its time
			}
			return 0
		}
		w.run(bytes.NewReader(b))
		if !known {
			t.Errorf("kills what was not begun: %q", b)
		}
	})
}
