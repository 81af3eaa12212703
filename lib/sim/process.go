package sim

import (
	"fmt"
	"time"

	"github.com/cdktr/cdktr/lib/run"
)

func (a *agent) find(id run.AttemptID) *process {
	for _, p := range a.processes {
		if p.id == id {
			return p
		}
	}
	return nil
}

// run starts the process of a lease.
func (a *agent) run(l run.Lease) {
	if a.find(l.AttemptID) != nil {
		return
	}
	a.clear(l)
	a.w.judge.started(a, l)
	a.w.trace("agent %s runs %v", a.id, l.AttemptID)
	p := &process{id: l.AttemptID, exclusive: l.Definition.Exclusive, alive: true}
	a.processes = append(a.processes, p)
	if p.exclusive {
		a.watch()
	}
	d := a.w.upTo(5 * time.Second)
	if !a.w.faults { // let the rest be done soon
		d = a.w.upTo(500 * time.Millisecond)
	} else if a.w.chance(0.1) {
		d = a.w.upTo(2 * heartbeat)
	} else if a.w.chance(0.02) { // it hangs, until somebody stops it
		d = 1000 * time.Hour
		a.w.hanging = append(a.w.hanging, l.Run)
	}
	code := 0
	if a.w.chance(0.2) {
		code = 1 + a.w.rng.IntN(140)
	}
	res := run.Result{AttemptID: p.id, Outcome: run.Exited, ExitCode: &code}
	switch {
	case a.w.chance(0.03):
		res = run.Result{AttemptID: p.id, Outcome: run.Unable, Reason: "no such program"}
	case a.w.chance(0.03):
		res = run.Result{AttemptID: p.id, Outcome: run.TimedOut, Reason: "timeout after 1s"}
	case a.w.chance(0.3):
		res.Outputs = map[string]string{"made": fmt.Sprint(p.id)}
	}
	// A process goes on while its agent is frozen.
	a.w.after(d, func() {
		if p.alive {
			p.alive = false
			a.do(func() { a.ended(p, res) })()
		}
	})
}

// clear kills what is left on this machine of earlier attempts. Whose they are
// will see them killed.
func (a *agent) clear(l run.Lease) {
	for _, other := range a.w.agents {
		if other.machine != a.machine {
			continue
		}
		for _, p := range other.present() {
			if p.alive && p.id.Run == l.Run && p.id.Task == l.Task.ID && p.id.Attempt < l.Attempt {
				a.w.trace("agent %s kills %v of agent %s", a.id, p.id, other.id)
				code := 137
				other.kill(p, run.Result{AttemptID: p.id, Outcome: run.Exited, ExitCode: &code})
			}
		}
	}
}

// kill ends a process; its agent notices when it can.
func (a *agent) kill(p *process, res run.Result) {
	p.alive = false
	a.do(func() { a.ended(p, res) })()
}

// watch is the watchdog's clock. When no call of the agent that was sent within
// half the heartbeat timeout has been answered, as far as the agent knows, what
// is exclusive dies. To kill takes a while.
func (a *agent) watch() {
	if a.watched {
		return
	}
	a.watched = true
	life := a.life
	a.w.after(max(0, a.answered+heartbeat/2-a.w.now), func() {
		if !a.up || a.life != life {
			return
		}
		a.watched = false
		if a.w.now < a.answered+heartbeat/2 {
			a.watch()
			return
		}
		for _, p := range a.processes {
			if p.alive && p.exclusive {
				a.w.trace("the watchdog of agent %s kills %v", a.id, p.id)
				a.w.after(a.w.upTo(2*time.Second), func() {
					if p.alive {
						a.kill(p, run.Result{AttemptID: p.id, Outcome: run.Dropped, Reason: "no answer for too long"})
					}
				})
			}
		}
	})
}

// halt stops a process. It takes its time, and may end by itself meanwhile.
func (a *agent) halt(id run.AttemptID) {
	p := a.find(id)
	if p == nil || p.state != run.HeldRunning {
		return
	}
	a.w.trace("agent %s stops %v", a.id, id)
	p.state = run.HeldStopping
	a.later(a.w.upTo(2*time.Second), func() { a.ended(p, run.Result{AttemptID: id, Outcome: run.Stopped}) })
}

// ended keeps the result of a process and reports it.
func (a *agent) ended(p *process, res run.Result) {
	if p.state == run.HeldDone || a.find(p.id) != p {
		return
	}
	p.alive, p.state, p.result = false, run.HeldDone, res
	a.w.judge.ended(a, res)
	a.report(p)
}

// report hands a result in, until it is acknowledged.
func (a *agent) report(p *process) {
	if a.find(p.id) != p {
		return
	}
	a.call(func(t run.Token, ref run.AgentRef) run.Command {
		return run.Report{Token: t, Agent: ref, Result: p.result}
	},
		func(e run.Effect) {
			r, refused := e.(run.Refused)
			if !refused || r.Code == run.Fenced {
				a.drop(p.id)
				a.mayLeave()
				return
			}
			a.heard(e)
		})
	a.later(callTimeout, func() {
		if a.known {
			a.report(p)
		}
	})
}

// drop forgets an attempt; its process, if any, is killed.
func (a *agent) drop(id run.AttemptID) {
	for i, p := range a.processes {
		if p.id == id {
			p.alive = false
			a.processes = append(a.processes[:i:i], a.processes[i+1:]...)
			return
		}
	}
}
