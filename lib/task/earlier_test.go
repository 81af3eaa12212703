package task

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// sleeper starts a process as an agent starts that of an attempt.
func sleeper(t *testing.T, a wire.Attempt, attr syscall.SysProcAttr) ID {
	t.Helper()
	cmd := exec.Command("sleep", "1000")
	cmd.Env = append(os.Environ(), variables(a)...)
	cmd.SysProcAttr = &attr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	return Identify(cmd.Process.Pid)
}

func variables(a wire.Attempt) []string {
	return []string{runVariable + "=" + a.Run, taskVariable + "=" + a.Task, attemptVariable + "=" + strconv.Itoa(a.Attempt)}
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestEarlierAttemptIsEndedAndNothingElse(t *testing.T) {
	run := fmt.Sprintf("r%d", os.Getpid())
	at := func(run, task string, n int) wire.Attempt { return wire.Attempt{Run: run, Task: task, Attempt: n} }
	group := syscall.SysProcAttr{Setpgid: true}
	earlier := []ID{
		sleeper(t, at(run, "t", 1), group),
		sleeper(t, at(run, "t", 2), syscall.SysProcAttr{Setsid: true}),
		sleeper(t, at(run, "t", 2), syscall.SysProcAttr{}), // in this test's own group
	}
	others := []ID{
		sleeper(t, at(run, "t", 3), group),
		sleeper(t, at(run, "t", 4), group),
		sleeper(t, at(run, "u", 1), group),
		sleeper(t, at(run+"x", "t", 1), group),
		sleeper(t, wire.Attempt{}, group),
	}
	n, err := EndEarlier(within(t, 20*time.Second), at(run, "t", 3))
	if n != len(earlier) || err != nil {
		t.Errorf("ended %d, %v", n, err)
	}
	for i, id := range earlier {
		if id.Alive() {
			t.Errorf("earlier process %d lives", i)
		}
	}
	for i, id := range others {
		if !id.Alive() {
			t.Errorf("process %d of others was ended", i)
		}
	}
}

// A process that has given its variables up goes with its group.
func TestGroupOfAnEarlierAttemptGoesWithIt(t *testing.T) {
	a := wire.Attempt{Run: fmt.Sprintf("r%d", os.Getpid()), Task: "group", Attempt: 1}
	env := map[string]string{}
	for _, v := range variables(a) {
		name, value, _ := strings.Cut(v, "=")
		env[name] = value
	}
	spec := script("env -i sleep 1000 & echo $!; wait")
	spec.Env = env
	p, out := start(t, spec, Options{})
	bare := pidOf(t, out.await(t, wire.Stdout, 1)[0])
	if n, err := EndEarlier(within(t, 20*time.Second), wire.Attempt{Run: a.Run, Task: a.Task, Attempt: 2}); n < 1 || err != nil {
		t.Errorf("ended %d, %v", n, err)
	}
	if exit := p.Wait(); exit.Code != 137 || bare.Alive() {
		t.Errorf("%+v; the one without variables lives: %v", exit, bare.Alive())
	}
}

// An agent that runs inside a task has that task's variables: it must not end
// itself, nor what it runs in.
func TestWhoEndsEarlierAttemptsIsSpared(t *testing.T) {
	const inside = "CDKTR_TEST_INSIDE"
	a := wire.Attempt{Run: os.Getenv(runVariable), Task: "inside", Attempt: 2}
	if os.Getenv(inside) != "" {
		n, err := EndEarlier(within(t, 20*time.Second), a)
		fmt.Printf("ended %d %v\n", n, err)
		return
	}
	spec := script(`sleep 1000 & "$TEST" -test.run='^TestWhoEndsEarlierAttemptsIsSpared$'; echo shell goes on`)
	spec.Env = map[string]string{
		runVariable: fmt.Sprintf("r%d", os.Getpid()), taskVariable: "inside", attemptVariable: "1",
		inside: "yes", "TEST": os.Args[0],
	}
	p, out := start(t, spec, Options{})
	exit := p.Wait()
	text := strings.Join(out.texts(wire.Stdout), "\n")
	if exit.Code != 0 || !strings.Contains(text, "ended 1 <nil>") || !strings.Contains(text, "shell goes on") {
		t.Errorf("%+v:\n%s", exit, text)
	}
}

func TestNumberOfAGroupThatSomebodyElseHasIsLeftAlone(t *testing.T) {
	own := sleeper(t, wire.Attempt{}, syscall.SysProcAttr{Setpgid: true})
	for _, id := range []ID{{PID: own.PID, Start: own.Start + 1}, {PID: own.PID}, {}, {PID: 1}, {PID: -1}, {PID: -own.PID, Start: own.Start}} {
		if n := KillGroups([]ID{id}); n != 0 || !own.Alive() {
			t.Fatalf("%+v: killed %d groups; the stranger lives: %v", id, n, own.Alive())
		}
	}
	if n := KillGroups([]ID{own}); n != 1 {
		t.Errorf("killed %d groups", n)
	}
}

func FuzzAttemptIn(f *testing.F) {
	f.Add([]byte(strings.Join(variables(wire.Attempt{Run: "r", Task: "t", Attempt: 1}), "\x00")))
	f.Add([]byte("CDKTR_RUN_ID=\x00CDKTR_TASK\x00CDKTR_ATTEMPT=x\x00=\x00"))
	f.Fuzz(func(t *testing.T, env []byte) {
		if a, ok := attemptIn(env); ok && (a.Run == "" || a.Task == "" || a.Attempt < 1) {
			t.Errorf("%q: %+v", env, a)
		}
	})
}
