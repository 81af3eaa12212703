package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cdktr/cdktr/lib/task"
	"github.com/cdktr/cdktr/lib/wire"
)

// patience bounds a call. It is longer than the principal keeps a pull or a
// report waiting: links give up before that.
const patience = wire.MaxWait + 15*time.Second

func (a *Agent) ref() wire.AgentRef {
	return wire.AgentRef{Agent: a.home.id, Incarnation: a.home.incarnation}
}

// call sends a request; then runs in Run's goroutine, unless a newer hello has
// made the answer void.
func (a *Agent) call(op wire.Op, req, result any, then func(error)) {
	if a.ctx.Err() != nil {
		return
	}
	session, sent := a.session, task.Uptime()
	a.calls.Go(func() {
		ctx, cancel := context.WithTimeout(a.ctx, patience)
		defer cancel()
		err := a.o.API.Call(ctx, op, req, result)
		a.post(func() {
			if session != a.session || a.ctx.Err() != nil {
				return
			}
			// A drain is an order by name, and no sign of its sender.
			if err == nil && op != wire.OpAgentDrain {
				a.heard(sent)
			}
			then(err)
		})
	})
}

// heard takes note that the principal has answered a call.
func (a *Agent) heard(sent time.Duration) {
	a.sent = max(a.sent, sent)
	a.company = time.Now()
	a.dog.heard(a.contact())
}

func (a *Agent) contact() contact { return contact{Sent: a.sent, Limit: a.timeout / 2} }

// enforce is what the watchdog does as well, and perhaps cannot.
func (a *Agent) enforce() {
	now, c := task.Uptime(), a.contact()
	if !c.overdue(now) {
		return
	}
	for _, at := range a.attempts {
		if at.exclusive && !at.killed && at.state != stateDone {
			v := verdict{Attempt: at.id, Silent: now - c.Sent}
			a.log.Warn("no answer from the principal: ending an exclusive task", "run", at.id.Run, "task", at.id.Task, "for", v.Silent.String())
			at.drop(v.reason().Error())
		}
	}
}

// probe asks the watchdog for a sign while there is something to watch: one
// that stands still is replaced.
func (a *Agent) probe() {
	if a.probing || a.ctx.Err() != nil {
		return
	}
	for id, at := range a.attempts {
		if at.state != stateDone {
			a.probing = true
			a.calls.Go(func() {
				_, _ = a.dog.ask(id)
				a.post(func() { a.probing = false })
			})
			return
		}
	}
}

// late says that the principal may have given this agent up: what an answer
// that lay in the socket for so long brings to run may be another's by now. The
// next pull shows that it was not taken.
func (a *Agent) late() bool { return a.timeout > 0 && task.Uptime()-a.sent > a.timeout }

// lookAround ends an agent that has been alone for too long.
func (a *Agent) lookAround() {
	switch {
	case a.running() > 0:
		a.company = time.Now()
	case time.Since(a.company) > a.o.Alone:
		a.log.Info("no principal and no task: leaving", "for", a.o.Alone.String())
		a.err = ErrAlone
	}
}

// codeOf is the code of a refusal, or empty.
func codeOf(err error) wire.Code {
	var refused *wire.Error
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}

// hello introduces the agent: at its start, and when the principal does not
// know it any more.
func (a *Agent) hello() {
	a.session++
	a.welcomed, a.renewals, a.leaving.released = false, 0, false
	for _, at := range a.attempts {
		at.reporting = false
	}
	var welcome wire.AgentWelcome
	req := &wire.AgentHello{
		AgentRef: a.ref(), Name: a.home.name, Slots: a.o.Slots, Labels: a.o.Labels,
		Version: a.o.Version, Held: a.held(),
	}
	a.call(wire.OpAgentHello, req, &welcome, func(err error) {
		switch {
		case err == nil:
			a.enter(welcome)
		case codeOf(err) == wire.Fenced:
			a.superseded(err)
		case codeOf(err) == wire.Unavailable && !a.met:
			a.err = fmt.Errorf("%w: %w", ErrNameTaken, err)
		case codeOf(err) == wire.BadRequest || codeOf(err) == wire.TooLarge:
			a.err = fmt.Errorf("the principal refuses this agent: %w", err) // and always will
		default:
			if codeOf(err) == wire.Unavailable {
				// The name was free for another agent: this one was lost.
				a.giveUpAll("another agent has the name of this one")
			}
			a.dismissed(err)
			a.complain(err)
			a.after(a.retry.next(), a.again(a.hello))
		}
	})
}

// enter begins work after a hello that was answered.
func (a *Agent) enter(w wire.AgentWelcome) {
	a.log.Info("connected to the principal", "epoch", w.Epoch)
	a.retry.reset()
	a.timeout = time.Duration(w.HeartbeatTimeoutMS) * time.Millisecond
	if a.timeout > 0 {
		// Two of them and an answer fit into the time that exclusive tasks
		// have without an answer: one that is lost does no harm.
		a.beat = min(5*time.Second, a.timeout/6)
	}
	a.renewal.Reset(a.beat)
	a.heard(a.sent)
	for _, id := range w.Kill {
		if at := a.attempts[id]; at != nil {
			a.giveUp(at, "the principal gave it away")
		}
	}
	if w.Logs != a.logsAt || !a.met {
		a.logsAt = w.Logs
		a.ship.connect(a.o.Logs(w.Logs))
	} else {
		a.ship.hurry()
	}
	a.welcomed, a.met, a.away, a.silent = true, true, false, ""
	for _, at := range a.attempts {
		a.report(at)
	}
	if a.leaving.wanted {
		a.announce()
	}
	a.pull()
}

// pull asks for work and for orders; one pull is always waiting, also while
// there is no free slot.
func (a *Agent) pull() {
	if !a.welcomed || a.leaving.quiet {
		return
	}
	a.pulls++
	a.pulled = time.Now()
	var work wire.AgentWork
	req := &wire.AgentPull{AgentRef: a.ref(), Seq: a.pulls, Held: a.held()}
	a.call(wire.OpAgentPull, req, &work, func(err error) {
		late := a.late()
		if a.refused(err) {
			return
		}
		a.away = err != nil
		if err != nil {
			a.dismissed(err)
			a.complain(err)
			a.after(a.retry.next(), a.again(a.pull))
			return
		}
		a.silent = ""
		if late {
			work.Leases = nil
		}
		if a.obey(work) || time.Since(a.pulled) > 100*time.Millisecond {
			a.retry.reset()
			a.pull()
			return
		}
		// An answer that says nothing, and at once: no reason to hurry.
		a.after(a.retry.next(), a.again(a.pull))
	})
}

// obey does what a pull brought, and says whether that was anything new.
func (a *Agent) obey(work wire.AgentWork) (news bool) {
	for _, lease := range work.Leases {
		if a.attempts[lease.Attempt] == nil {
			a.start(lease)
			news = true
		}
	}
	for _, id := range work.Stop {
		if at := a.attempts[id]; at != nil && at.state == stateRunning {
			a.stop(at)
			news = true
		}
	}
	if work.Drain && !a.leaving.released {
		a.leaving.released = true
		a.drain()
		news = true
	}
	return news
}

// mostRenewals bounds the signs of life that wait for an answer.
const mostRenewals = 4

// renew is a sign of life, and asks for one. That it comes from the loop makes
// it the agent's own. It does not wait for the one before: that may be lost.
func (a *Agent) renew() {
	a.renewal.Reset(a.beat)
	a.enforce()
	a.probe()
	if !a.welcomed || a.renewals == mostRenewals {
		return
	}
	a.renewals++
	a.call(wire.OpAgentRenew, &wire.AgentRenew{AgentRef: a.ref()}, &wire.Nothing{}, func(err error) {
		a.renewals--
		a.refused(err)
	})
}

// refused deals with the answers that end the session.
func (a *Agent) refused(err error) bool {
	switch codeOf(err) {
	case wire.NotFound:
		a.log.Info("the principal does not know this agent: saying hello again")
		a.hello()
	case wire.Fenced:
		a.superseded(err)
	default:
		return false
	}
	return true
}

// dismissed ends what runs when the agent's key has been revoked: the principal
// has given it to others. The agent itself goes on asking.
func (a *Agent) dismissed(err error) {
	if codeOf(err) == wire.NotAllowed {
		a.giveUpAll(err.Error())
	}
}

func (a *Agent) giveUpAll(why string) {
	for _, at := range a.attempts {
		a.giveUp(at, why)
	}
}

func (a *Agent) superseded(err error) {
	a.err = fmt.Errorf("%w: %w", ErrSuperseded, err)
}

// again does it unless a hello has come in between.
func (a *Agent) again(do func()) func() {
	session := a.session
	return func() {
		if session == a.session && !a.leaving.gone {
			do()
		}
	}
}

// complain tells the log why there is no answer: once for each reason.
func (a *Agent) complain(err error) {
	if text := err.Error(); text != a.silent {
		a.silent = text
		a.log.Warn("waiting for the principal", "error", err)
	}
}
