package run

import "fmt"

// Restore applies an event of the log again: the same change of state as when
// it was new. An error means that the log is not one that a machine wrote.
func (m *Machine) Restore(ev Event) error {
	m.noteWall(ev.Time)
	var (
		r *openRun
		t *task
	)
	switch ev.Kind {
	case RunCreated:
		if ev.Created == nil || ev.Created.Definition == nil {
			return fmt.Errorf("restore run %s: its creation has no definition", ev.Run)
		}
		if m.runs[ev.Run] != nil {
			return fmt.Errorf("restore run %s: created twice", ev.Run)
		}
	case RunReopened:
		if r = m.ended[ev.Run]; r == nil {
			return fmt.Errorf("restore run %s: opened again, and it has not ended", ev.Run)
		}
	case RunChanged, CancelRequested, RunTimedOut, RunHeld, RunReleased, TaskChanged, TaskQueued:
		if r = m.runs[ev.Run]; r == nil {
			return fmt.Errorf("restore run %s: %s of a run that is not open", ev.Run, ev.Kind)
		}
		if ev.Kind != TaskChanged && ev.Kind != TaskQueued {
			break
		}
		if t = r.task(ev.Task); t == nil {
			return fmt.Errorf("restore run %s: it has no task %q", ev.Run, ev.Task)
		}
	case SlotSkipped, ScheduleSet, WorkflowPaused, WorkflowResumed:
		return nil // RestoreScheduled knows
	default:
		return fmt.Errorf("restore run %s: unknown kind of event %q", ev.Run, ev.Kind)
	}
	m.fold(r, t, &ev)
	return nil
}

// RestoreKey remembers a key that the log has. Restore does the same for the
// keys of the runs that it creates; one that comes twice counts once.
func (m *Machine) RestoreKey(k Key) {
	if k.Key == "" {
		return
	}
	m.keys.add(k.Workflow, k.Key, k.Run, digest(k.Params), k.Time.Round(0).UTC())
}

// Start ends the replay. Agents that hold attempts get one heartbeat timeout
// to show up before they are lost.
func (m *Machine) Start(now Now) {
	m.observe(now)
	m.keys.sort()
	m.keys.expire(m.wall)
	m.sweep = m.mono + sweepEvery
	clear(m.ended)
	m.resume(now)
	for _, a := range m.agents {
		if a.state == absent {
			m.sign(a)
		}
	}
}

// fold is the only place where runs and tasks change. It decides nothing: the
// state after it follows from the state before and the event alone.
func (m *Machine) fold(r *openRun, t *task, ev *Event) {
	switch ev.Kind {
	case RunCreated:
		m.foldCreated(ev)
	case RunChanged:
		r.status = ev.Status
		if ev.Status.Final() {
			m.foldEnded(r)
		} else {
			m.foldRunning(r, ev)
		}
	case RunReopened:
		m.foldReopened(r, ev)
	case RunHeld:
		m.foldHeld(r, ev)
	case RunReleased:
		m.foldReleased(r, ev)
	case CancelRequested, RunTimedOut:
		m.foldHalt(r, ev)
	case TaskChanged:
		m.foldTask(t, ev)
	case TaskQueued:
		m.foldQueued(t, ev)
	}
}

// foldEnded forgets a run. What comes next may be that it is opened again.
func (m *Machine) foldEnded(r *openRun) {
	m.unbind(r)
	m.foldLeave(r)
	r.alarm = m.silence(r.alarm)
	m.graphs.giveBack(r.definition)
	delete(m.runs, r.id)
	m.ended[r.id] = r
}

func (m *Machine) foldCreated(ev *Event) {
	c := ev.Created
	definition, graph := m.graphs.take(c.Definition)
	m.created++
	r := &openRun{
		id:         ev.Run,
		number:     m.created,
		definition: definition,
		graph:      graph,
		params:     c.Params,
		scheduled:  scheduledAt(ev),
		status:     ev.Status,
		tasks:      make([]task, len(graph.specs)),
		left:       len(definition.Tasks),
	}
	m.runs[r.id] = r
	m.foldEnter(r)
	for i := range r.tasks {
		t := &r.tasks[i]
		*t = task{run: r, number: i, status: Pending}
		t.deps[open] = graph.depends[i]
		m.lineUp(t)
	}
	if c.Key != "" {
		m.keys.add(definition.ID, c.Key, r.id, digest(c.Given()), ev.Time)
	}
}

func (m *Machine) foldTask(t *task, ev *Event) {
	m.unqueue(t, ev.Status == Running)
	m.release(t)
	was := t.status
	t.attempt, t.alarm = ev.Attempt, m.silence(t.alarm)
	if ev.Ended != nil {
		m.accepted.add(t.id(), ev.AgentRef.ID)
		t.keep(ev.Ended.Outputs)
	}
	switch ev.Status {
	case Running: // the reason why it was queued stays
		t.begun = true
	case Waiting:
		t.begun = false
		m.foldWaiting(t, ev)
		fallthrough
	default:
		t.reason = ev.Reason
	}
	m.set(t, ev.Status)
	switch ev.Status {
	case Running:
		a := m.holderOf(ev)
		m.hold(a, t)
		if t.run.together() {
			m.bind(t.run, a)
		}
	case Crashed:
		m.foldLoss(t, was)
	}
}
