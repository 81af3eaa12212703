package agent

import (
	"context"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// How long the agent tries, when its last task has ended, to deliver what it
// has; and how long a task that it ends itself has from SIGTERM to SIGKILL.
const (
	deliveryTime = 10 * time.Second
	hastyTime    = time.Second
	dropTime     = time.Second
)

// leaving is the way out of an agent: it is wanted, tasks end or are ended,
// results and lines are delivered, and then it is gone.
type leaving struct {
	wanted   bool
	released bool // the principal has said that nothing is bound to this agent
	urgent   bool // a signal came: nobody is asked
	quiet    bool // no more pulls: the principal would answer with work
	hasty    bool // a second signal came
	why      string
	gone     bool

	alarm     <-chan time.Time // the running tasks are out of time
	dropped   bool             // they have had their SIGTERM
	deliverBy time.Time        // set when nothing runs any more
}

// drain lets the agent finish what it has and leave.
func (a *Agent) drain() {
	if a.leaving.wanted {
		return
	}
	a.log.Info("draining: finishing what is begun, taking nothing new", "running", a.running())
	a.leaving.wanted = true
	if a.welcomed {
		a.announce()
	}
}

// shutdown is drain with an end to patience.
func (a *Agent) shutdown() {
	a.drain()
	a.leaving.urgent = true
	a.leaving.why = "the agent was shut down"
	a.leaving.alarm = time.After(a.o.Grace)
}

// announce tells the principal that this agent takes no more. Pulls go on, for
// orders to stop; unless the principal would give it work all the same.
func (a *Agent) announce() {
	req := &wire.AgentDrain{Name: a.home.name}
	a.call(wire.OpAgentDrain, req, &wire.Nothing{}, func(err error) {
		switch {
		case err == nil || a.refused(err):
		case codeOf(err) == "":
			a.after(a.retry.next(), a.again(a.announce))
		default:
			a.leaving.quiet = true
		}
	})
}

// outOfTime ends the tasks that still run: first SIGTERM, then SIGKILL.
func (a *Agent) outOfTime() {
	if a.leaving.dropped {
		a.killAll()
		return
	}
	a.leaving.dropped = true
	a.leaving.alarm = time.After(dropTime)
	for _, at := range a.attempts {
		if at.state == stateRunning {
			at.dropping = a.leaving.why
			a.stop(at)
		}
	}
}

// kill is for the second signal.
func (a *Agent) kill() {
	a.leaving.wanted, a.leaving.urgent, a.leaving.hasty = true, true, true
	a.leaving.why = "the agent was shut down"
	a.killAll()
}

func (a *Agent) killAll() {
	for _, at := range a.attempts {
		at.drop(a.leaving.why)
	}
}

// mayLeave says that there is nothing left to do, or no time for it. An agent
// that drains may hold nothing and still be needed, by a run that stays with it
// to its end: then the principal, while it is there, has not released it yet.
func (a *Agent) mayLeave() bool {
	if !a.leaving.wanted || a.running() > 0 {
		a.leaving.deliverBy = time.Time{}
		return false
	}
	l := &a.leaving
	switch {
	case !a.met:
		return true
	case len(a.attempts) == 0 && a.ship.idle() && (l.released || l.urgent || l.quiet):
		return true
	case !l.urgent && a.welcomed && !a.away:
		l.deliverBy = time.Time{}
		return false
	}
	if a.leaving.deliverBy.IsZero() {
		wait := deliveryTime
		if a.leaving.hasty {
			wait = hastyTime
		}
		a.leaving.deliverBy = time.Now().Add(wait)
		time.AfterFunc(wait, a.look)
	}
	if time.Now().Before(a.leaving.deliverBy) {
		return false
	}
	a.log.Warn("leaving with results or lines that the principal has not taken; the next start hands them in", "results", len(a.attempts))
	return true
}

// goodbye tells the principal that the agent is gone. Nobody listens to the
// answer.
func (a *Agent) goodbye() {
	a.leaving.gone = true
	if !a.welcomed || a.err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(a.ctx, hastyTime)
	defer cancel()
	err := a.o.API.Call(ctx, wire.OpAgentLeave, &wire.AgentLeave{AgentRef: a.ref()}, &wire.Nothing{})
	if err != nil {
		a.log.Warn("the principal did not hear that this agent leaves", "error", err)
	}
}
