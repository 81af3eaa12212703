package sim

import (
	"strings"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

// handler tells whether an event's task is a handler of the run.
func (s *shownRun) handler(task string) bool {
	for _, h := range s.definition.Handlers() {
		if h.ID == task {
			return true
		}
	}
	return false
}

// reopen adds that the run was opened again, with all that did not complete.
func (s *shownRun) reopen(ev run.Event) {
	ev.Kind, ev.Created = run.RunReopened, nil
	s.add(ev)
	for id, at := range s.now {
		if id != "" && at.status != "" && (at.status != run.Completed || s.handler(id)) {
			s.add(queued(ev, id, at.attempt+1))
		}
	}
	clear(s.losses)
	s.lost, s.cancelled, s.timedOut, s.quit, s.startsOver = false, false, false, false, false
	s.home, s.calm = "", nil
}

// mayMove adds that a handler of a run that stays together left the agent that
// was lost before it began.
func (s *shownRun) mayMove(ev run.Event) {
	at := s.now[ev.Task]
	if s.together() && ev.Status == run.Running && s.home != "" && s.home != ev.AgentRef.ID && at.status == "" {
		if last := s.out[len(s.out)-1]; last.Kind != run.TaskQueued || last.Task != ev.Task {
			q := queued(ev, ev.Task, at.attempt+1)
			q.AgentRef.ID = s.home
			s.add(q)
		}
	}
}

// mayHalt adds the cancel or the timeout that must lie before the shown event i.
func (s *shownRun) mayHalt(i int, ev run.Event) {
	timeout := func(e run.Status, reason string) bool {
		return (e == run.Cancelled || e == run.Failed) && strings.HasPrefix(reason, "timeout")
	}
	halt := func(kind run.Kind) {
		s.startsOver = false
		s.add(run.Event{Pos: ev.Pos, Time: ev.Time, Kind: kind, Workflow: ev.Workflow, Run: ev.Run, Reason: ev.Reason})
	}
	handler := s.handler(ev.Task)
	ends := ev // how this life ends, if an event of a handler is all that there is to tell
	if handler {
		for _, e := range s.shown[i:] {
			if e.Task == nil && run.Status(e.Status).Final() {
				ends.Status, ends.Reason = run.Status(e.Status), value(e.Reason)
				break
			}
		}
	}
	switch {
	case !s.timedOut && !s.cancelled && (ev.Task == "" || handler || ev.Status == run.Cancelled) && timeout(ends.Status, ends.Reason):
		s.timedOut = true
		halt(run.RunTimedOut)
	case ev.Status == run.Cancelled && !s.cancelled && !(s.timedOut && timeout(ev.Status, ev.Reason)),
		handler && !s.cancelled && strings.HasSuffix(ev.Reason, "the run is "+string(run.Cancelled)):
		s.cancelled = true
		s.quit = handler && ev.Status == run.Cancelled
		halt(run.CancelRequested)
	case handler && ev.Status == run.Cancelled && !s.quit:
		s.cancelled, s.quit = true, true
		halt(run.CancelRequested)
	}
}

// shown is the log as clients see it: the changes of status. Runs of which that
// tells too little are left out.
func (w *world) shown() []wire.Event {
	halts, cut := make(map[string]int), make(map[string]bool)
	for _, ev := range w.principal.log {
		r := w.judge.history.Runs[ev.Run]
		switch {
		case r == nil: // it is about a workflow
			continue
		case ev.Kind == run.RunReopened:
			halts[ev.Run] = 0
		case ev.Kind == run.CancelRequested, ev.Kind == run.RunTimedOut:
			halts[ev.Run]++
		case ev.Status == run.Cancelled && ev.Task != "" && halts[ev.Run] == 1:
			halts[ev.Run] = 0 // that tells it
		}
		silent := ev.Kind == run.RunChanged && halts[ev.Run] > 0 && (ev.Status == run.Failed || len(r.Definition.Handlers()) > 0)
		again := r.together() && (ev.Status == run.Waiting || ev.Kind == run.RunReopened)
		cut[ev.Run] = cut[ev.Run] || silent || again
	}
	var shown []wire.Event
	for _, ev := range w.principal.log {
		if ev.Status == "" || cut[ev.Run] {
			continue
		}
		e := wire.Event{Time: wire.At(ev.Time), Pos: ev.Pos, Workflow: ev.Workflow, Run: ev.Run, Status: string(ev.Status), Agent: &ev.Agent, Reason: &ev.Reason}
		if ev.Task != "" {
			e.Task, e.Attempt = &ev.Task, &ev.Attempt
		}
		shown = append(shown, e)
	}
	return shown
}
