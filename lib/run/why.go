package run

import (
	"fmt"
	"strings"
	"time"
)

// Why says in words what the tasks of an open run wait for, those that are
// PENDING or WAITING.
func (m *Machine) Why(run string) map[string]string {
	r := m.runs[run]
	if r == nil {
		return nil
	}
	why := make(map[string]string)
	var agents string
	for i := range r.tasks {
		t := &r.tasks[i]
		switch {
		case t.status == Waiting && t.alarm != nil && !t.stops():
			why[t.spec().ID] = m.whyRetry(t)
		case t.status != Pending && t.status != Waiting:
		case t.queued > 0:
			if agents == "" {
				agents = m.whyQueued(r)
			}
			why[t.spec().ID] = agents
		case r.held:
			why[t.spec().ID] = waits(r.definition, r.gate.oldest())
		case t.stops():
			why[t.spec().ID] = "waits for the run's tasks to stop"
		case t.handler():
			why[t.spec().ID] = r.whyHandler()
		default:
			why[t.spec().ID] = t.whyDependencies()
		}
	}
	return why
}

// whyRetry is the task's reason, with the time that is left.
func (m *Machine) whyRetry(t *task) string {
	left := max(t.alarm.due-m.mono, 0)
	unit := time.Second
	if left < unit {
		unit = 100 * time.Millisecond
	}
	left = (left + unit - 1).Truncate(unit)
	return nth(t.tries, t.spec().Retries.Limit) + " " + in(left) + ": " + t.cause()
}

// whyQueued says what the ready tasks of a run wait for.
func (m *Machine) whyQueued(r *openRun) string {
	const slot = "waits for a free slot"
	if a := r.home; a != nil {
		if a.state == live {
			return slot + " of agent " + a.name
		}
		return fmt.Sprintf("waits for agent %s, which is not there", a.name)
	}
	there, fit, free := 0, 0, 0
	for _, a := range m.names {
		if a.state != live {
			continue
		}
		there++
		if !a.fits(r.definition.Agents) {
			continue
		}
		fit++
		if !a.draining {
			free++
		}
	}
	switch {
	case there == 0:
		return "no agent is there"
	case fit == 0:
		return "no agent with " + labelWords(r.definition.Agents)
	case free == 0:
		return "all agents that may run it drain"
	}
	return slot
}

func (r *openRun) whyHandler() string {
	if r.left > 0 {
		return "waits for the end of the other tasks"
	}
	if t := r.turn(); t != nil {
		return "waits for " + t.spec().ID
	}
	return "waits for the end of the run"
}

// whyDependencies names the tasks that have not ended, the first of them.
func (t *task) whyDependencies() string {
	const most = 10
	var names []string
	for _, id := range t.spec().Depends {
		if d := t.run.task(id); d != nil && d.standing == open {
			names = append(names, id)
		}
	}
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("and %d more", len(names)-most))
	}
	return "waits for " + strings.Join(names, ", ")
}
