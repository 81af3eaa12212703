package sim

import (
	"slices"
	"time"

	"github.com/cdktr/cdktr/lib/run"
)

// agent does what the protocol asks of an agent. Results are on its disk until
// they are acknowledged; its processes die with it, or before its next hello.
type agent struct {
	w         *world
	id, name  string
	slots     int
	labels    map[string]string
	first     bool // it has all labels, always
	machine   int
	link      link
	up        bool
	dead      bool  // it will not come back
	life      int64 // counts its starts: the incarnation
	frozen    bool
	backlog   []func() // what it will notice when it wakes
	known     bool     // it has said hello and was welcomed
	hellos    int
	seq       int64
	draining  bool // somebody asked it to drain, and it was told so
	leaving   bool
	processes []*process
	orphans   []*process    // have outlived the agent and its watchdog
	answered  time.Duration // when it sent the newest call that was answered
	watched   bool          // its watchdog has set its clock
}

// process is one attempt that the agent has.
type process struct {
	id        run.AttemptID
	exclusive bool
	state     run.HeldState
	alive     bool
	result    run.Result // once it is done
}

func newAgent(w *world, id, name string, slots, machine int) *agent {
	return &agent{w: w, id: id, name: name, slots: slots, machine: machine}
}

// do lets the agent notice something, if the start that it concerns lives: at
// once, or when it wakes.
func (a *agent) do(what func()) func() {
	life := a.life
	return func() {
		switch {
		case !a.up || a.life != life:
		case a.frozen:
			a.backlog = append(a.backlog, what)
		default:
			what()
		}
	}
}

func (a *agent) later(d time.Duration, what func()) { a.w.after(d, a.do(what)) }

// call sends a command under the name that the agent has now.
func (a *agent) call(make func(run.Token, run.AgentRef) run.Command, answer func(run.Effect)) {
	life, ref, sent := a.life, run.AgentRef{ID: a.id, Incarnation: a.life}, a.w.now
	a.w.call(&a.link, func(t run.Token) run.Command { return make(t, ref) }, func(e run.Effect) {
		if a.life != life {
			return
		}
		a.do(func() {
			a.answered = max(a.answered, sent)
			answer(e)
		})()
	})
}

func (a *agent) start() {
	if a.up || a.dead {
		return
	}
	a.life++
	a.up, a.known, a.seq, a.draining, a.leaving = true, false, 0, false, false
	a.answered, a.watched = a.w.now, false
	switch {
	case a.first:
		a.labels = a.w.drawLabels(1)
	case a.labels == nil || a.w.chance(0.1):
		a.labels = a.w.drawLabels(0.7)
	}
	a.bury()
	a.w.trace("agent %s starts, incarnation %d, %d results on disk", a.id, a.life, len(a.processes))
	a.hello()
	a.beat()
}

// bury ends what has outlived the agent and its watchdog.
func (a *agent) bury() {
	for _, p := range a.orphans {
		p.alive = false
	}
	a.orphans = nil
}

// crash ends the agent and, by its watchdog, its processes; at times the
// watchdog has died too.
func (a *agent) crash() {
	if !a.up {
		return
	}
	a.w.trace("agent %s crashes", a.id)
	if a.w.chance(0.2) {
		a.outlive()
	}
	a.down(a.w.upTo(10 * time.Second))
	if a.w.chance(0.3) {
		a.crashLong()
	}
}

// outlive leaves the processes alone.
func (a *agent) outlive() {
	a.processes = slices.DeleteFunc(a.processes, func(p *process) bool {
		if p.alive {
			a.w.trace("%v outlives agent %s and its watchdog", p.id, a.id)
			a.orphans = append(a.orphans, p)
		}
		return p.alive
	})
}

// present are the processes that may live where the agent is.
func (a *agent) present() []*process { return slices.Concat(a.processes, a.orphans) }

func (a *agent) crashLong() {
	// Longer than the heartbeat timeout: it will have been given up.
	life := a.life
	a.life++
	a.w.after(a.w.upTo(3*heartbeat), func() {
		if a.life == life+1 {
			a.start()
		}
	})
}

func (a *agent) down(back time.Duration) {
	a.up, a.known, a.frozen, a.backlog = false, false, false, nil
	kept := a.processes[:0]
	for _, p := range a.processes {
		p.alive = false
		if p.state == run.HeldDone {
			kept = append(kept, p)
		}
	}
	a.processes = kept
	life := a.life
	a.w.after(back, func() {
		if a.life == life {
			a.start()
		}
	})
}

func (a *agent) freeze() {
	if !a.up || a.frozen {
		return
	}
	a.frozen = true
	d := a.w.upTo(2 * heartbeat)
	a.w.trace("agent %s freezes for %v", a.id, d)
	life := a.life
	a.w.after(d, func() {
		if a.life == life {
			a.wake()
		}
	})
}

func (a *agent) wake() {
	if !a.up || !a.frozen {
		return
	}
	a.w.trace("agent %s wakes", a.id)
	a.frozen = false
	backlog := a.backlog
	a.backlog = nil
	for _, what := range backlog {
		a.do(what)()
	}
}

// stop ends the agent in order: it asks for no more, gives its tasks back, and
// leaves.
func (a *agent) stop() {
	if !a.up || a.frozen || a.leaving {
		return
	}
	a.w.trace("agent %s stops", a.id)
	a.w.clients.drain(a.name)
	a.later(a.w.between(time.Second, 5*time.Second), a.giveBack)
}

func (a *agent) giveBack() {
	if a.leaving {
		return
	}
	for _, p := range a.processes {
		if p.state != run.HeldDone {
			a.ended(p, run.Result{AttemptID: p.id, Outcome: run.Dropped})
		}
	}
	a.leave()
}

func (a *agent) leave() {
	a.leaving = true
	a.call(func(t run.Token, ref run.AgentRef) run.Command { return run.Leave{Token: t, Agent: ref} },
		func(e run.Effect) { a.gone() })
	a.later(callTimeout, a.gone)
}

func (a *agent) gone() {
	a.w.trace("agent %s is gone", a.id)
	a.down(a.w.upTo(20 * time.Second))
}

func (a *agent) held() []run.Held {
	var held []run.Held
	for _, p := range a.processes {
		held = append(held, run.Held{AttemptID: p.id, State: p.state})
	}
	return held
}

// hello introduces the agent, until it is welcomed.
func (a *agent) hello() {
	if a.leaving {
		return
	}
	a.known = false
	a.seq++ // answers to earlier pulls are not wanted any more
	a.hellos++
	nth, held, labels := a.hellos, a.held(), a.labels
	current := func() bool { return nth == a.hellos && !a.known && !a.leaving }
	a.call(func(t run.Token, ref run.AgentRef) run.Command {
		return run.Hello{Token: t, Agent: ref, Name: a.name, Slots: a.slots, Labels: labels, Held: held}
	}, func(e run.Effect) {
		if !current() {
			return
		}
		switch e := e.(type) {
		case run.Welcome:
			a.known = true
			if a.draining { // the principal may have been restarted: it has to say so again
				a.draining = false
				a.w.clients.drain(a.name)
			}
			for _, id := range e.Kill {
				a.w.trace("agent %s kills %v", a.id, id)
				a.drop(id)
			}
			for _, p := range a.processes {
				if p.state == run.HeldDone {
					a.report(p)
				}
			}
			a.pull()
		case run.Refused:
			if e.Code == run.Fenced {
				a.w.fail("the newest start of agent %s is fenced", a.id)
			}
		}
	})
	a.later(callTimeout, func() {
		if current() {
			a.hello()
		}
	})
}

// beat shows that the agent lives.
func (a *agent) beat() {
	if a.known {
		a.call(func(t run.Token, ref run.AgentRef) run.Command { return run.Renew{Token: t, Agent: ref} }, a.heard)
	}
	a.later(heartbeat/3, a.beat)
}

// heard looks at an answer for what concerns the agent as a whole.
func (a *agent) heard(e run.Effect) {
	if r, ok := e.(run.Refused); ok && r.Code == run.NotFound && a.known {
		a.hello()
	}
}

// pull asks for work; an answer to any but the newest pull is ignored.
func (a *agent) pull() {
	if a.leaving {
		return
	}
	a.seq++
	seq, held := a.seq, a.held()
	current := func() bool { return seq == a.seq && a.known && !a.leaving }
	a.call(func(t run.Token, ref run.AgentRef) run.Command {
		return run.Pull{Token: t, Agent: ref, Seq: seq, Held: held}
	}, func(e run.Effect) {
		if !current() {
			return
		}
		work, ok := e.(run.Work)
		if !ok {
			a.heard(e)
			return
		}
		for _, l := range work.Leases {
			// One that was asleep with the answer before it does not know who
			// has the task by now. The next pull tells that it lacks the lease.
			if a.w.now < a.answered+heartbeat {
				a.run(l)
			}
		}
		for _, id := range work.Stop {
			a.halt(id)
		}
		a.draining = a.draining || work.Drain
		a.pull()
		a.mayLeave()
	})
	a.later(pullTimeout, func() {
		if current() {
			a.pull()
		}
	})
}

func (a *agent) mayLeave() {
	if a.draining && len(a.processes) == 0 && !a.leaving {
		a.w.judge.leaves(a)
		a.leave()
	}
}
