package task

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// overdue runs a task into its timeout, which must come after it has said so many
// lines: a machine that is slow today gets more time.
func overdue(t *testing.T, spec wire.Spec, grace time.Duration, n int) (e Exit, out *output, timeout time.Duration) {
	t.Helper()
	for timeout = 400 * time.Millisecond; ; timeout *= 4 {
		var p *Process
		p, out = start(t, spec, Options{Timeout: timeout, Grace: grace})
		e = p.Wait()
		if len(out.texts(wire.Stdout)) >= n || timeout > 10*time.Second {
			return e, out, timeout
		}
	}
}

func TestTimeoutEndsTheTask(t *testing.T) {
	t.Parallel()
	e, out, timeout := overdue(t, script("trap 'echo bye; exit 0' TERM; while :; do sleep 0.01; done"), 0, 1)
	why := "timeout after " + spoken(timeout)
	if e.Outcome() != "timed_out" || e.Stopped || e.Reason != why || e.Code != 0 {
		t.Errorf("%+v", e)
	}
	if took := e.Ended.Sub(e.Started); took < timeout {
		t.Errorf("ended after %s", took)
	}
	if got := out.texts(wire.Stdout); len(got) != 1 || got[0] != "bye" {
		t.Errorf("no time to end in order: %q", got)
	}
	if got := out.texts(wire.System); len(got) != 3 || got[1] != why+": SIGTERM to the process group" || !strings.HasPrefix(got[2], "exit 0 after ") {
		t.Errorf("system: %q", got)
	}
}

func TestTimeoutLeavesNoProcessBehind(t *testing.T) {
	t.Parallel()
	e, out, timeout := overdue(t, script(`
trap "" TERM
bash -c 'trap "" TERM; echo $BASHPID; while :; do sleep 0.05; done' &
bash -c 'trap "" TERM; echo $BASHPID; (trap "" TERM; echo $BASHPID; while :; do sleep 0.05; done)' &
echo $$
while :; do sleep 0.05; done`), 200*time.Millisecond, 4)
	if e.Outcome() != "timed_out" || e.Reason != "timeout after "+spoken(timeout) || e.Code != 137 {
		t.Errorf("%+v", e)
	}
	for _, text := range out.texts(wire.Stdout) {
		if id := pidOf(t, text); id.Alive() {
			t.Errorf("process %d lives on", id.PID)
		}
	}
	if got := strings.Join(out.texts(wire.System), "\n"); !strings.Contains(got, "still running 200ms after SIGTERM: SIGKILL") {
		t.Errorf("the system lines do not tell: %q", got)
	}
}

// A child that has left the group is known by its environment.
func TestTimeoutReachesWhatHasLeftTheGroup(t *testing.T) {
	t.Parallel()
	own, other := wire.Attempt{Run: "r", Task: "strays", Attempt: 2}, wire.Attempt{Run: "r", Task: "strays", Attempt: 3}
	stranger := sleeper(t, other, syscall.SysProcAttr{Setpgid: true})
	spec := wire.Spec{Argv: []string{"python3", "-c", `
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for leave in os.setsid, os.setpgrp:
    if os.fork() == 0:
        leave()
        os.write(1, b'%d\n' % os.getpid())  # print may write the end of the line by itself
        time.sleep(1000)
time.sleep(1000)
`}, Env: map[string]string{}}
	for _, entry := range variables(own) {
		name, value, _ := strings.Cut(entry, "=")
		spec.Env[name] = value
	}
	e, out, _ := overdue(t, spec, 50*time.Millisecond, 2)
	if e.Outcome() != "timed_out" || e.Code != 137 {
		t.Errorf("%+v", e)
	}
	for _, text := range out.texts(wire.Stdout) {
		if id := pidOf(t, text); id.Alive() {
			t.Errorf("process %d lives on", id.PID)
		}
	}
	if !stranger.Alive() {
		t.Error("another attempt's process was killed")
	}
	if got := strings.Join(out.texts(wire.System), "\n"); !strings.Contains(got, "SIGKILL to what has left the process group") {
		t.Errorf("%q", got)
	}
}

func TestTaskThatIsInTimeIsNotTimedOut(t *testing.T) {
	p, _ := start(t, script("exit 3"), Options{Timeout: time.Minute})
	if e := p.Wait(); e.TimedOut || e.Outcome() != "exited" || e.Reason != "" || e.Code != 3 {
		t.Errorf("%+v", e)
	}
}

// Stop and timeout are what the task's end is called by: the first counts.
func TestFirstOfStopAndTimeoutCounts(t *testing.T) {
	t.Parallel()
	const stubborn = "trap '' TERM; echo up; while :; do sleep 0.01; done"
	t.Run("stop", func(t *testing.T) {
		p, out := start(t, script(stubborn), Options{Timeout: 2 * time.Second, Grace: 2500 * time.Millisecond})
		out.await(t, wire.Stdout, 1)
		p.Stop()
		if e := p.Wait(); e.Outcome() != "stopped" || e.TimedOut || strings.HasPrefix(e.Reason, "timeout") {
			t.Errorf("%+v", e)
		}
	})
	t.Run("timeout", func(t *testing.T) {
		p, out := start(t, script(stubborn), Options{Timeout: 200 * time.Millisecond})
		out.await(t, wire.System, 2)
		p.Stop()
		p.Kill() // ends the wait for Grace all the same
		if e := p.Wait(); e.Outcome() != "timed_out" || e.Stopped || e.Reason != "timeout after 200ms" {
			t.Errorf("%+v", e)
		}
	})
	t.Run("both at once", func(t *testing.T) {
		for range 20 {
			out := newOutput()
			p := &Process{o: Options{Clock: new(Clock), Sink: out.sink, Timeout: time.Nanosecond, Grace: time.Minute}, words: make(chan wire.Line, mostWords)}
			p.stopping, p.stop = trigger()
			p.killing, p.kill = trigger()
			p.id = sleeper(t, wire.Attempt{}, syscall.SysProcAttr{Setpgid: true})
			p.Stop()
			go func() {
				for range p.words {
				}
			}()
			p.untilExit()
			close(p.words)
			if p.exit.TimedOut || !p.exit.Stopped {
				t.Fatalf("%+v", p.exit)
			}
		}
	})
}

func TestDurationsAreSpokenAsPeopleWriteThem(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Second: "1s", 1500 * time.Millisecond: "1.5s", 10 * time.Minute: "10m", 2 * time.Hour: "2h",
		90 * time.Minute: "1h30m", time.Hour + time.Second: "1h0m1s", 20 * time.Second: "20s", 30 * time.Minute: "30m",
	} {
		if got := spoken(d); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
