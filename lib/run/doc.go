// Package run is the state machine of runs, tasks, leases and agents.
//
// It owns every decision: what becomes ready, who gets it, what a result
// means, when an agent counts as lost. It does no I/O, starts no goroutine and
// knows no clock: instants and identifiers arrive in commands. Feeding the
// same commands gives the same events, so a live principal, a replay after a
// crash and a simulation of a thousand crashes are the same code.
//
// Apply decides; only events change state. Callers must make the events of a
// command durable before they let its effects out:
//
//	events, effects := m.Apply(now, cmd)
//	log.Append(events)   // one commit for many commands
//	send(effects)        // never before the commit
//
// The effects of a command may rest on the events of any command before it.
// So effects leave in the order in which Apply returned them, and those of a
// command without events wait for the commit that is under way.
//
// Runs and tasks are in the log. Agents are not: they are known again by their
// hello, and what they hold is known from the leases. An attempt belongs to an
// agent's id, so that it outlives a restart of the agent that still has it; its
// number fences off whoever had the task before. A run with `placement:
// together` belongs to an agent in the same way, from its first lease on.
//
// Of each workflow the machine knows which of its runs are active and which are
// held until these have ended, and the newest slot of its schedule that was
// decided. When slots come is not its business.
//
// What is to happen at an instant, a retry or the end of a run's time, follows
// from the event that began the wait: after a replay by the wall clock, and never
// later than a full wait from then. A run that has ended is not in the machine;
// to open it again takes its events.
package run
