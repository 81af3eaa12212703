package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

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
	a.renewal.Reset(a.beat)
	session := a.session
	a.calls.Go(func() {
		ctx, cancel := context.WithTimeout(a.ctx, patience)
		defer cancel()
		err := a.o.API.Call(ctx, op, req, result)
		a.post(func() {
			if session == a.session && a.ctx.Err() == nil {
				then(err)
			}
		})
	})
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
	a.welcomed, a.renewing = false, false
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
			a.complain(err)
			a.after(a.retry.next(), a.again(a.hello))
		}
	})
}

// enter begins work after a hello that was answered.
func (a *Agent) enter(w wire.AgentWelcome) {
	a.log.Info("connected to the principal", "epoch", w.Epoch)
	a.retry.reset()
	if w.HeartbeatTimeoutMS > 0 {
		a.beat = min(5*time.Second, time.Duration(w.HeartbeatTimeoutMS)*time.Millisecond/3)
	}
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
	a.welcomed, a.met, a.silent = true, true, ""
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
		if a.refused(err) {
			return
		}
		if err != nil {
			a.complain(err)
			a.after(a.retry.next(), a.again(a.pull))
			return
		}
		a.silent = ""
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
	if work.Drain && !a.leaving.wanted {
		a.drain()
		news = true
	}
	return news
}

// renew is a sign of life, where nothing else has been one for a while. That
// it comes from the loop makes it one.
func (a *Agent) renew() {
	a.renewal.Reset(a.beat)
	if !a.welcomed || a.renewing {
		return
	}
	a.renewing = true
	a.call(wire.OpAgentRenew, &wire.AgentRenew{AgentRef: a.ref()}, &wire.Nothing{}, func(err error) {
		a.renewing = false
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
