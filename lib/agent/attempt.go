package agent

import (
	"context"
	"slices"
	"strings"

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
	id        wire.Attempt
	workflow  string
	exclusive bool
	state     string
	spool     *spool
	process   *task.Process // nil: not started yet, or ended

	wanted context.Context // ends when it is not to be started any more
	unwant context.CancelFunc

	killed   bool   // end it at once
	dropping string // the agent itself ends it: why
	unwanted bool   // nobody waits for its result

	result    wire.Result // when done
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
	at.unwant()
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
	at.unwant()
	at.spool.unbound()
	if at.process != nil {
		at.process.Kill()
	}
}

// drop is kill for a reason that is the agent's own.
func (at *attempt) drop(why string) {
	if at.state == stateRunning {
		at.dropping = why
	}
	at.kill()
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
