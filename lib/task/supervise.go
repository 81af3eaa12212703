package task

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cdktr/cdktr/lib/wire"
)

// supervise owns the process from its start to its end. Nobody else sends it
// signals, so none can reach a stranger who got the number later.
func (p *Process) supervise() {
	defer close(p.done)
	defer p.cleanUp()
	told := make(chan struct{})
	go func() {
		defer close(told)
		for line := range p.words {
			p.o.Sink(wire.System, []wire.Line{line})
		}
	}()
	defer func() {
		close(p.words)
		<-told
	}()

	// The main process is not reaped yet: as a zombie it keeps its number,
	// and so the group's, from being given to anybody else.
	killAt := p.untilExit()
	p.exit.Started, p.exit.Ended = p.started, time.Now()
	p.signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
	p.exit.Code, p.exit.Reason = status(p.cmd.ProcessState)
	how := fmt.Sprintf("exit %d", p.exit.Code)
	if p.exit.Reason != "" {
		how = p.exit.Reason
	}
	if p.exit.TimedOut {
		p.exit.Reason = "timeout after " + spoken(p.o.Timeout)
	}

	p.clearGroup(killAt)
	if p.exit.Stopped || p.exit.TimedOut {
		p.endStrays()
	}
	for _, r := range p.pipes {
		_ = r.SetReadDeadline(time.Now().Add(p.o.Drain))
	}
	p.readers.Wait()
	p.takeOutputs()
	p.say("%s after %s", how, short(p.exit.Ended.Sub(p.exit.Started)))
}

// untilExit waits for the main process to end, stopping it where that is
// asked. It returns when the rest of the group is to be killed.
func (p *Process) untilExit() (killAt time.Time) {
	exited := make(chan struct{})
	go func() {
		awaitExit(p.id.PID)
		close(exited)
	}()
	var (
		stopping, killing = p.stopping, p.killing
		patience          <-chan time.Time
	)
	late := newAlarm(p.o.Timeout)
	defer late.stop()
	terminate := func(why string) {
		stopping = nil
		late.stop()
		p.signal(syscall.SIGTERM)
		p.say("%s: SIGTERM to the process group", why)
		killAt = time.Now().Add(p.o.Grace)
		patience = time.After(p.o.Grace)
	}
	for {
		select {
		case <-exited:
			if killAt.IsZero() {
				killAt = time.Now().Add(p.o.Linger)
			}
			return killAt
		case <-stopping:
			p.exit.Stopped = true
			terminate("told to stop")
		case <-late.rings():
			// Of two that came at once, this one gives way.
			if late.due() && !closed(exited) && !closed(p.stopping) && !closed(p.killing) {
				p.exit.TimedOut = true
				terminate("timeout after " + spoken(p.o.Timeout))
			}
		case <-patience:
			patience = nil
			p.signal(syscall.SIGKILL)
			p.say("still running %s after SIGTERM: SIGKILL to the process group", short(p.o.Grace))
		case <-killing:
			killing, stopping = nil, nil
			late.stop()
			p.exit.Stopped = !p.exit.TimedOut
			p.signal(syscall.SIGKILL)
			p.say("told to end at once: SIGKILL to the process group")
			killAt = time.Now()
		}
	}
}

// endStrays ends what has left the group.
func (p *Process) endStrays() {
	if p.attempt == (wire.Attempt{}) {
		return
	}
	found, err := p.o.Strays.end(p.attempt)
	if found {
		p.say("SIGKILL to what has left the process group")
	}
	if found && err != nil {
		p.say("%s", err)
	}
}

// takeOutputs reads what the task hands on. Nobody is left who writes it.
func (p *Process) takeOutputs() {
	outputs, err := readOutputs(p.outputs)
	if err == nil {
		err = p.leaked(outputs)
	}
	if err == nil {
		p.exit.Outputs = outputs
		return
	}
	p.exit.Spoilt = true
	if p.exit.Outcome() == "unable" {
		p.exit.Reason = p.reason(err.Error())
	}
	p.say("its outputs are not taken: %s", err)
}

// leaked says which output holds a secret: in the history it would be in clear.
func (p *Process) leaked(outputs map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(outputs)) {
		for _, text := range []string{name, outputs[name]} {
			if secret := p.mask.within(text); secret != "" {
				return fmt.Errorf("output %s holds the secret %s", name, secret)
			}
		}
	}
	return nil
}

// clearGroup returns when no process of the group lives. SIGTERM is out
// already; at killAt comes SIGKILL.
func (p *Process) clearGroup(killAt time.Time) {
	if syscall.Kill(-p.id.PID, 0) == syscall.ESRCH {
		return
	}
	killing := p.killing
	told, killed := false, false
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		left := members(p.id)
		if len(left) == 0 {
			return
		}
		if !told && pause > 4*time.Millisecond {
			told = true
			p.say("the main process has ended; ending what it left running: %d in its process group", len(left))
		}
		if time.Now().After(killAt) {
			if !killed {
				killed = true
				p.say("SIGKILL to what is left of the process group: %d", len(left))
			}
			p.signal(syscall.SIGKILL)
		}
		select {
		case <-time.After(pause):
		case <-killing:
			killing, killAt = nil, time.Now()
		}
	}
}

// signal reaches every process of the group. A stopped one is woken up, to
// see a SIGTERM.
func (p *Process) signal(sig syscall.Signal) {
	_ = syscall.Kill(-p.id.PID, sig)
	if sig == syscall.SIGTERM {
		_ = syscall.Kill(-p.id.PID, syscall.SIGCONT)
	}
}

func status(s *os.ProcessState) (code int, reason string) {
	if s == nil {
		return 1, "its exit status was lost"
	}
	ws, ok := s.Sys().(syscall.WaitStatus)
	if !ok || !ws.Signaled() {
		return s.ExitCode(), ""
	}
	name := unix.SignalName(ws.Signal())
	if name == "" {
		name = ws.Signal().String()
	}
	return 128 + int(ws.Signal()), fmt.Sprintf("killed by signal %d (%s)", int(ws.Signal()), name)
}

// short is a duration as a person would say it.
func short(d time.Duration) time.Duration {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second)
	case d >= time.Second:
		return d.Round(100 * time.Millisecond)
	default:
		return d.Round(time.Millisecond)
	}
}
