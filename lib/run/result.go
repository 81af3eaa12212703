package run

import "fmt"

func (m *Machine) report(c Report) {
	a := m.known(c.Agent, c.Token)
	if a == nil {
		return
	}
	res := c.Result
	t := m.leased(a, res.AttemptID)
	if t == nil {
		switch {
		case m.accepted.by[res.AttemptID] == a.ref.ID:
			m.done(c.Token)
		case m.runs[res.Run] == nil:
			m.refuse(c.Token, Fenced, "the run has ended")
		default:
			m.refuse(c.Token, Fenced, fmt.Sprintf("attempt %d of task %s was given away", res.Attempt, res.Task))
		}
		return
	}
	m.accept(t, res)
	m.done(c.Token)
}

// accept takes the result of the attempt that t is running.
func (m *Machine) accept(t *task, res Result) {
	ended := &Ended{
		Outcome:  res.Outcome,
		ExitCode: res.ExitCode,
		Started:  res.Started,
		Ended:    res.Ended,
		Lines:    res.Lines,
	}
	done := res.Outcome == Exited && res.ExitCode != nil && *res.ExitCode == 0
	if done || len(res.Outputs) > 0 {
		full := !t.room(res.Outputs)
		if !full {
			ended.Outputs = res.Outputs
		} else if done {
			done, res.Reason = false, tooManyOutputs
		}
	}
	switch {
	case done:
		m.end(t, Completed, "", ended)
		m.follow(t)
	case t.unwanted():
		m.end(t, Cancelled, t.run.reason, ended)
	case res.Outcome == Dropped || res.Outcome == Stopped:
		reason := res.Reason
		switch {
		case reason != "":
		case t.run.startsOver && res.Outcome == Stopped:
			reason = "stopped: the run starts over"
		default:
			reason = fmt.Sprintf("agent %s gave it up", t.holder.name)
		}
		m.crash(t, reason, ended)
		return
	default:
		m.fail(t, failure(res), ended)
		return
	}
	m.settle(t.run)
}

// failure says in words why an attempt failed.
func failure(res Result) string {
	switch {
	case res.Reason != "":
		return res.Reason
	case res.Outcome == TimedOut:
		return "timeout"
	case res.ExitCode == nil:
		return "ended without an exit code"
	case *res.ExitCode > 128:
		return fmt.Sprintf("killed by signal %d", *res.ExitCode-128)
	default:
		return fmt.Sprintf("exit %d", *res.ExitCode)
	}
}

// end emits the end of a task's attempt, or of a task that never ran.
func (m *Machine) end(t *task, status Status, reason string, ended *Ended) {
	ev := Event{Kind: TaskChanged, Status: status, Attempt: t.attempt, Reason: reason, Ended: ended}
	if t.holder != nil {
		ev.Agent, ev.AgentRef = t.holder.name, t.holder.ref
	}
	m.emit(t.run, t, ev)
}

// settle ends the run when all its tasks have ended, or starts it over. One that
// is held waits with its end, too, for its turn.
func (m *Machine) settle(r *openRun) {
	switch {
	case r.held && !r.cancelled:
	case r.startsOver:
		m.startOver(r, r.worst().reason)
	case r.left == 0 && m.handlersEnded(r):
		status, reason := r.verdict()
		m.emit(r, nil, Event{Kind: RunChanged, Status: status, Reason: reason})
	}
}

// accepted remembers whose results were taken lately, so that a report that
// comes again, its answer lost, is answered as the first time.
type accepted struct {
	by   map[AttemptID]string // agent id
	ring []AttemptID
	next int
}

const acceptedSize = 1 << 14

func (a *accepted) add(id AttemptID, agent string) {
	if a.by == nil {
		a.by = make(map[AttemptID]string)
	}
	if _, ok := a.by[id]; ok {
		return
	}
	if len(a.ring) < acceptedSize {
		a.ring = append(a.ring, id)
	} else {
		delete(a.by, a.ring[a.next])
		a.ring[a.next] = id
		a.next = (a.next + 1) % acceptedSize
	}
	a.by[id] = agent
}
