package agent

import (
	"slices"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/task"
	"github.com/cdktr/cdktr/lib/wire"
)

// States of an attempt, as wire.Held names them.
const (
	stateRunning  = "running"
	stateStopping = "stopping"
	stateDone     = "done" // the result is not acknowledged yet
)

// Outcomes, as wire.Result names them.
const (
	outcomeExited  = "exited"
	outcomeUnable  = "unable"
	outcomeStopped = "stopped"
	outcomeDropped = "dropped"
)

// attempt is a lease that the agent has, from its arrival until its result is
// acknowledged.
type attempt struct {
	id       wire.Attempt
	workflow string
	state    string
	spool    *spool
	process  *task.Process // nil: not started yet, or ended

	killed   bool   // end it at once, also if it is not started yet
	dropping string // the agent itself ends it: why
	unwanted bool   // nobody waits for its result

	result    wire.Result // when done
	lost      bool        // its last lines died with an earlier incarnation
	saving    bool        // the result is on its way to disk
	kept      bool        // it is there
	reporting bool
	retry     backoff
}

func (a *Agent) held() []wire.Held {
	var all []wire.Held
	for id, at := range a.attempts {
		all = append(all, wire.Held{Attempt: id, State: at.state})
	}
	slices.SortFunc(all, func(x, y wire.Held) int {
		if c := strings.Compare(x.Run, y.Run); c != 0 {
			return c
		}
		return strings.Compare(x.Task, y.Task)
	})
	return all
}

// running is how many attempts have a process, or will have one.
func (a *Agent) running() (n int) {
	for _, at := range a.attempts {
		if at.state != stateDone {
			n++
		}
	}
	return n
}

// start runs a lease.
func (a *Agent) start(lease wire.Lease) {
	at := &attempt{id: lease.Attempt, workflow: lease.Workflow, state: stateRunning}
	at.spool = newSpool(lease.Workflow, lease.Attempt, a.ship.wake)
	a.attempts[at.id] = at
	a.ship.add(at.spool)
	a.work.Go(func() { a.perform(at, lease.Spec) })
}

// perform is the goroutine of one attempt.
func (a *Agent) perform(at *attempt, spec wire.Spec) {
	clock := new(task.Clock)
	result := wire.Result{Attempt: at.id}
	process, err := task.Start(spec, task.Options{
		Sink: at.spool.put, Clock: clock, TempDir: a.home.temp(), Grace: a.o.TaskGrace,
	})
	stopped := false
	if err != nil {
		result.Outcome, result.Reason, result.Ended = outcomeUnable, err.Error(), wire.At(time.Now())
		at.spool.put(wire.System, []wire.Line{{Time: clock.Stamp(), Text: "cannot start: " + strings.ToValidUTF8(err.Error(), "\uFFFD")}})
	} else {
		a.post(func() { a.started(at, process) })
		exit := process.Wait()
		stopped = exit.Stopped
		result.Outcome, result.ExitCode, result.Reason = outcomeExited, &exit.Code, exit.Reason
		result.Started, result.Ended = wire.MaybeAt(exit.Started), wire.At(exit.Ended)
	}
	result.Lines = at.spool.finish()
	a.post(func() { a.ended(at, result, stopped) })
}

// started hands a process the orders that came before it was there.
func (a *Agent) started(at *attempt, process *task.Process) {
	at.process = process
	switch {
	case at.killed:
		process.Kill()
	case at.state == stateStopping:
		process.Stop()
	}
}

// stop has a process end in order.
func (a *Agent) stop(at *attempt) {
	if at.state != stateRunning {
		return
	}
	at.state = stateStopping
	if at.process != nil {
		at.process.Stop()
	}
}

// kill has a process end at once.
func (at *attempt) kill() {
	if at.state == stateDone {
		return
	}
	at.state, at.killed = stateStopping, true
	at.spool.unbound()
	if at.process != nil {
		at.process.Kill()
	}
}

// giveUp ends an attempt that now belongs to somebody else.
func (a *Agent) giveUp(at *attempt, why string) {
	if at.unwanted {
		return
	}
	a.log.Warn("an attempt is not wanted any more", "run", at.id.Run, "task", at.id.Task, "attempt", at.id.Attempt, "reason", why)
	at.unwanted = true
	if at.state == stateDone {
		a.forget(at)
		return
	}
	at.kill()
}

// ended takes the result of an attempt whose processes are gone.
func (a *Agent) ended(at *attempt, result wire.Result, stopped bool) {
	at.state, at.process = stateDone, nil
	if at.unwanted {
		a.forget(at)
		return
	}
	if stopped {
		result.Outcome = outcomeStopped
		if at.dropping != "" {
			result.Outcome, result.Reason = outcomeDropped, at.dropping
		}
	}
	at.result = result
	a.report(at)
}

// hardenAfter is how long a result may be safe from the agent's death only. The
// principal takes most of them sooner, and then has them on its own disk; one
// that power loss takes before that is as if the task had died with it.
const hardenAfter = 100 * time.Millisecond

// report hands a result in until it is answered. It is in a file before it is
// sent for the first time: if the agent dies, its next start reports it.
func (a *Agent) report(at *attempt) {
	if at.state != stateDone || at.saving || at.reporting {
		return
	}
	if !at.kept {
		at.saving = true
		a.calls.Go(func() {
			err := a.home.keep(record{Workflow: at.workflow, Result: at.result})
			a.post(func() {
				at.saving, at.kept = false, true
				if err != nil {
					a.log.Error("a result is not safe from a crash of the agent", "error", err)
				}
				a.after(hardenAfter, func() { a.harden(at) })
				a.report(at)
			})
		})
		return
	}
	if !a.welcomed || a.ctx.Err() != nil {
		return
	}
	at.reporting = true
	if at.lost {
		a.mend(at)
		return
	}
	req := &wire.AgentReport{AgentRef: a.ref(), Result: at.result}
	a.call(wire.OpAgentReport, req, &wire.Nothing{}, func(err error) {
		at.reporting = false
		switch code := codeOf(err); {
		case err == nil:
			a.forget(at)
		case code == wire.Fenced:
			a.giveUp(at, err.Error())
		case code == wire.NotFound:
			a.refused(err)
		default:
			if code != "" {
				a.complain(err)
			}
			a.after(at.retry.next(), func() { a.report(at) })
		}
	})
}

func (a *Agent) harden(at *attempt) {
	if a.attempts[at.id] != at || a.ctx.Err() != nil {
		return
	}
	a.calls.Go(func() {
		if err := a.home.harden(at.id); err != nil {
			a.log.Error("a result is not safe from power loss", "error", err)
		}
	})
}

// forget removes an attempt whose result is settled. Its lines go on to where
// they belong.
func (a *Agent) forget(at *attempt) {
	if a.attempts[at.id] != at {
		return
	}
	delete(a.attempts, at.id)
	if at.kept {
		if err := a.home.forget(at.id); err != nil {
			a.log.Error("an old result cannot be removed", "error", err)
		}
	}
}
