package sim

import "time"

// strike lets something go wrong, and plans the next time.
func (w *world) strike() {
	if !w.faults {
		return
	}
	a := w.agents[w.rng.IntN(len(w.agents))]
	troubles := []struct {
		weight float64
		what   func()
	}{
		{w.odds.principalCrash, w.principal.crash},
		{w.odds.principalFreeze, w.principal.freeze},
		{w.odds.agentCrash, a.crash},
		{w.odds.agentFreeze, a.freeze},
		{w.odds.agentStop, a.stop},
		{w.odds.drain, func() { w.clients.drain(a.name) }},
		{w.odds.cut, a.cut},
		{w.odds.jump, w.jump},
	}
	sum := 0.0
	for _, t := range troubles {
		sum += t.weight
	}
	at := w.rng.Float64() * sum
	for _, t := range troubles {
		if at -= t.weight; at < 0 {
			t.what()
			break
		}
	}
	w.after(w.upTo(2*w.odds.every), w.strike)
}

// link is the network between an agent and the principal: until when it carries
// nothing, each way.
type link struct{ noRequests, noAnswers time.Duration }

// cut takes the network away for a while, which may be longer than the
// heartbeat timeout: both ways or one.
func (a *agent) cut() {
	until := a.w.now + a.w.upTo(2*heartbeat)
	way := a.w.rng.IntN(3)
	if way != 0 {
		a.link.noRequests = until
	}
	if way != 1 {
		a.link.noAnswers = until
	}
	a.w.trace("agent %s is cut off until %v: %+v", a.id, until, a.link)
}

// jump sets the wall clock forward or back.
func (w *world) jump() {
	w.skew = w.upTo(4*time.Hour) - 2*time.Hour
	w.trace("the wall clock jumps to %s", w.clock().Wall)
}

// shorten cancels most of those that wait for others of their workflow: one after
// the other would take too long.
func (w *world) shorten() {
	const enough = 3
	for _, d := range w.workflows {
		held := w.principal.turns.workflow(d.ID).held
		for i := enough; i < len(held); i++ {
			w.clients.cancel(held[i].id)
		}
	}
}

// sameWish is how long after a cancel another changes nothing.
const sameWish = 10 * time.Second

// heal ends the trouble: from now on nothing is lost and nobody dies. What
// hangs is cancelled, and once more for a handler that hangs.
func (w *world) heal() {
	w.trace("healed")
	w.faults = false
	if !w.principal.up {
		w.principal.start()
	}
	w.principal.thaw()
	for _, id := range w.hanging {
		w.clients.cancel(id)
		w.after(2*sameWish, func() { w.clients.cancel(id) })
	}
	w.shorten()
	for i, a := range w.agents {
		a.link = link{}
		if i > 0 && w.chance(0.2) { // it never comes back; the others have to do
			a.down(0)
			a.dead = true
		}
		a.wake()
		if !a.up {
			w.after(w.upTo(time.Second), a.start)
		}
	}
}
