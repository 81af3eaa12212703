package agent

import (
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/failpoint"
	"github.com/cdktr/cdktr/lib/wire"
)

// ended takes the result of an attempt whose processes are gone.
func (a *Agent) ended(at *attempt, result wire.Result, stopped bool) {
	at.state, at.process = stateDone, nil
	at.unwant()
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
	result.Reason = bounded(result.Reason)
	at.result = result
	a.report(at)
}

// maxReason is how long a reason the principal takes; a longer one would be
// refused for ever.
const maxReason = 4 << 10

func bounded(reason string) string {
	const cut = "…"
	if len(reason) <= maxReason {
		return reason
	}
	return strings.ToValidUTF8(reason[:maxReason-len(cut)], "") + cut
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
			failpoint.Hit("agent.after-keep")
			a.post(func() {
				at.saving, at.kept = false, true
				if err != nil {
					a.log.Error("a result is not safe from a crash of the agent", "error", err)
				}
				if at.unwanted { // since it was on its way
					a.discard(at)
					return
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
	req := &wire.AgentReport{AgentRef: a.ref(), Result: at.result}
	a.call(wire.OpAgentReport, req, &wire.Nothing{}, func(err error) {
		at.reporting = false
		switch code := codeOf(err); {
		case err == nil:
			failpoint.Hit("agent.after-report")
			a.forget(at)
		case code == wire.Fenced:
			a.giveUp(at, err.Error())
		case code == wire.NotFound:
			a.refused(err)
		default:
			if code != "" {
				a.complain(err)
			}
			if code == wire.Unavailable {
				a.doubt(at)
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
		if err := a.home.harden(at.id, at.spool.paths()); err != nil {
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
		a.discard(at)
	}
}

func (a *Agent) discard(at *attempt) {
	if err := a.home.forget(at.id); err != nil {
		a.log.Error("an old result cannot be removed", "error", err)
	}
}
