package principal

import (
	"context"
	"fmt"
	"time"

	"github.com/cdktr/cdktr/lib/brief"
	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

// parkTime is how long a pull waits for work before it is answered with
// nothing. It bounds how long either side takes to see a dead connection.
const parkTime = 10 * time.Second

// Bounds of what agent.list shows, in bytes.
const (
	maxVersion = 128
	maxLabel   = 128
)

// ownKey refuses a message that claims to be an agent whose key another peer
// has proved. An id that no live agent uses is free.
func (l *loop) ownKey(c *call, ref wire.AgentRef) bool {
	if key, taken := l.agentKeys[ref.Agent]; !taken || key == c.key || !l.machine.Expects(ref.Agent) {
		return true
	}
	c.refuse(refuse(wire.NotAllowed, "agent %q belongs to another key", ref.Agent))
	return false
}

func (p *Principal) agentHello(ctx context.Context, c *call, req *wire.AgentHello) {
	if refused := checkHello(req); refused != nil {
		c.refuse(refused)
		return
	}
	p.loop.submit(ctx, func(l *loop) {
		if !l.ownKey(c, req.AgentRef) {
			return
		}
		token := l.expect(func(e run.Effect) {
			w, welcome := e.(run.Welcome)
			if !welcome {
				c.effect(e, nil)
				return
			}
			l.agentKeys[req.Agent] = c.key
			if !c.known(c.key) { // revoked since the door, and dismissed too early
				l.timers.at(readClock().Mono, func() { l.dismiss(c.key) })
			}
			c.ok(wire.AgentWelcome{
				Epoch:              p.epoch,
				Logs:               p.logs.Endpoint(),
				HeartbeatTimeoutMS: int(p.cfg.HeartbeatTimeout.Milliseconds()),
				Keep:               attemptsOut(w.Keep),
				Kill:               attemptsOut(w.Kill),
			})
		})
		l.apply(run.Hello{
			Token:   token,
			Agent:   agentIn(req.AgentRef),
			Name:    req.Name,
			Slots:   req.Slots,
			Labels:  req.Labels,
			Version: req.Version,
			Held:    heldIn(req.Held),
		})
	})
}

func checkHello(req *wire.AgentHello) *wire.Error {
	switch {
	case req.Agent == "" || len(req.Agent) > 64:
		return refuse(wire.BadRequest, "agent must be an id of 1 to 64 bytes")
	case req.Name == "" || len(req.Name) > wire.MaxName:
		return refuse(wire.BadRequest, "name must have 1 to %d bytes", wire.MaxName)
	case req.Slots < 1 || req.Slots > wire.MaxSlots:
		return refuse(wire.BadRequest, "slots must be 1 to %d, not %d", wire.MaxSlots, req.Slots)
	case len(req.Version) > maxVersion:
		return refuse(wire.BadRequest, "version has %d bytes; at most %d are taken", len(req.Version), maxVersion)
	case len(req.Labels) > 100:
		return refuse(wire.BadRequest, "an agent has at most 100 labels, not %d", len(req.Labels))
	}
	for key, value := range req.Labels {
		if len(key) > maxLabel || len(value) > maxLabel {
			return refuse(wire.BadRequest, "label %.20q… is too long: key and value have at most %d bytes each", key, maxLabel)
		}
	}
	return checkHeld(req.Held)
}

func checkHeld(held []wire.Held) *wire.Error {
	for _, h := range held {
		if _, ok := heldStates[h.State]; !ok {
			return refuse(wire.BadRequest, "held state %q is not one of running, stopping, done", h.State)
		}
	}
	return nil
}

func (p *Principal) agentPull(ctx context.Context, c *call, req *wire.AgentPull) {
	if refused := checkHeld(req.Held); refused != nil {
		c.refuse(refused)
		return
	}
	p.loop.submit(ctx, func(l *loop) {
		if !l.ownKey(c, req.AgentRef) {
			return
		}
		token := l.expect(func(e run.Effect) {
			if w, work := e.(run.Work); work {
				l.deliver(c, agentIn(req.AgentRef), w)
			} else {
				c.effect(e, nil)
			}
		})
		l.apply(run.Pull{Token: token, Agent: agentIn(req.AgentRef), Seq: req.Seq, Held: heldIn(req.Held)})
		l.timers.at(readClock().Mono+parkTime, func() {
			if _, parked := l.answers[token]; parked {
				l.apply(run.Expire{Token: token})
			}
		})
	})
}

// deliver answers a pull. An attempt whose lease no message can hold fails: it
// must not keep its agent from the others.
func (l *loop) deliver(c *call, agent run.AgentRef, w run.Work) {
	out, misfits := workOut(w)
	c.ok(out)
	// By a timer, because this runs after the commit: what is decided here
	// needs another one.
	for id, reason := range misfits {
		l.timers.at(readClock().Mono, func() {
			l.apply(run.Report{Agent: agent, Result: run.Result{
				AttemptID: id, Outcome: run.Unable, Reason: reason, Ended: time.Now(),
			}})
		})
	}
}

// workOut makes the answer to a pull. Leases that do not fit into this message
// any more are left out: the next pull shows that the agent lacks them, and
// they are delivered again. misfits are those that fit into none, and why.
func workOut(w run.Work) (out wire.AgentWork, misfits map[run.AttemptID]string) {
	const room = wire.MaxMessage - 64<<10
	misfits = map[run.AttemptID]string{}
	out = wire.AgentWork{Stop: attemptsOut(w.Stop), Drain: w.Drain}
	size, _ := wire.Size(out.Stop)
	for _, lease := range w.Leases {
		l, err := brief.Lease(lease)
		n := 0
		if err == nil {
			n, err = wire.Size(l)
		}
		switch {
		case err != nil:
			misfits[lease.AttemptID] = err.Error()
		case n > room:
			misfits[lease.AttemptID] = fmt.Sprintf("the task has %d bytes; a message holds at most %d", n, room)
		case size+n > room:
			return out, misfits
		default:
			size += n
			out.Leases = append(out.Leases, l)
		}
	}
	return out, misfits
}

func (p *Principal) agentRenew(ctx context.Context, c *call, req *wire.AgentRenew) {
	p.agentCommand(ctx, c, req.AgentRef, func(t run.Token, ref run.AgentRef) run.Command {
		return run.Renew{Token: t, Agent: ref}
	})
}

func (p *Principal) agentLeave(ctx context.Context, c *call, req *wire.AgentLeave) {
	p.agentCommand(ctx, c, req.AgentRef, func(t run.Token, ref run.AgentRef) run.Command {
		return run.Leave{Token: t, Agent: ref}
	})
}

func (p *Principal) agentCommand(ctx context.Context, c *call, ref wire.AgentRef, cmd func(run.Token, run.AgentRef) run.Command) {
	p.loop.submit(ctx, func(l *loop) {
		if l.ownKey(c, ref) {
			l.apply(cmd(l.expect(func(e run.Effect) { c.effect(e, wire.Nothing{}) }), agentIn(ref)))
		}
	})
}

// agentDrain lets an admin drain any agent, and an agent those of its own key:
// itself, when it is told to end.
func (p *Principal) agentDrain(ctx context.Context, c *call, req *wire.AgentDrain) {
	p.loop.submit(ctx, func(l *loop) {
		if !p.isAdmin(c) && !l.saidHello(c.key, req.Name) {
			c.refuse(refuse(wire.NotAllowed, "agent %q belongs to another key", req.Name))
			return
		}
		l.apply(run.Drain{Token: l.expect(func(e run.Effect) { c.effect(e, wire.Nothing{}) }), Name: req.Name})
	})
}

// saidHello tells whether the agent of that name proved this key.
func (l *loop) saidHello(key, name string) bool {
	for _, a := range l.machine.Agents() {
		if a.Name == name && a.Status != run.Lost {
			return l.agentKeys[a.Ref.ID] == key
		}
	}
	return false
}

// gatedReport is a result that waits until the history has its last lines.
type gatedReport struct {
	call *call
	req  *wire.AgentReport
}

// agentReport takes a result, but not before its lines: a run is never shown as
// ended while its last lines are missing.
func (p *Principal) agentReport(ctx context.Context, c *call, req *wire.AgentReport) {
	if refused := checkResult(&req.Result); refused != nil {
		c.refuse(refused)
		return
	}
	p.loop.submit(ctx, func(l *loop) {
		if l.ownKey(c, req.AgentRef) {
			l.report(gatedReport{c, req})
		}
	})
}

// report lets only the holder of the lease near the gate: whoever else reports
// the attempt is refused by the machine, and changes nothing for the holder.
func (l *loop) report(r gatedReport) {
	id := attemptIn(r.req.Result.Attempt)
	if l.machine.Holds(r.req.Agent, id) {
		if before, again := l.gated[id]; again && before.call != r.call {
			before.call.refuse(refuse(wire.Unavailable, "the report was sent again"))
		}
		delete(l.gated, id)
		if l.p.intake.lacks(id, r.req.Result.Lines) {
			l.apply(run.Renew{Agent: agentIn(r.req.AgentRef)})
			l.gated[id] = r
			l.timers.at(readClock().Mono+wire.MaxWait, func() { l.giveUpGate(id, r.call) })
			return
		}
	}
	token := l.expect(func(e run.Effect) { r.call.effect(e, wire.Nothing{}) })
	l.apply(run.Report{Token: token, Agent: agentIn(r.req.AgentRef), Result: resultIn(r.req.Result)})
}

// giveUpGate answers a result whose lines have not come in time. Its agent hands
// it in again, for as long as it lives.
func (l *loop) giveUpGate(id run.AttemptID, c *call) {
	if r, waits := l.gated[id]; waits && r.call == c {
		delete(l.gated, id)
		c.refuse(refuse(wire.Unavailable, "the lines of task %s have not come yet", id.Task))
	}
}

// openGates looks again at the results that wait for lines.
func (l *loop) openGates() {
	for id, r := range l.gated {
		if !l.machine.Holds(r.req.Agent, id) || !l.p.intake.lacks(id, r.req.Result.Lines) {
			delete(l.gated, id)
			l.report(r)
		}
	}
}

func checkResult(r *wire.Result) *wire.Error {
	switch run.Outcome(r.Outcome) {
	case run.Exited:
		if r.ExitCode == nil {
			return refuse(wire.BadRequest, "a result with outcome exited needs an exit_code")
		}
	case run.Unable, run.Stopped, run.Dropped, run.TimedOut:
	default:
		return refuse(wire.BadRequest, "outcome %q is not one of exited, unable, stopped, dropped, timed_out", r.Outcome)
	}
	if len(r.Reason) > 4<<10 {
		return refuse(wire.TooLarge, "the reason has %d bytes; at most 4096 are taken", len(r.Reason))
	}
	if refused := brief.CheckOutputs(r.Outputs); refused != nil {
		return refused
	}
	for stream, n := range r.Lines {
		if n < 0 || !streams[stream] {
			return refuse(wire.BadRequest, "lines of %q: not a stream, or a negative number", stream)
		}
	}
	return nil
}
