package sim

import (
	"fmt"
	"maps"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/workflow"
)

// judge holds what was said and done against the log. It looks into every
// actor, as no program can.
type judge struct {
	w       *world
	history *History
	results map[run.AttemptID]map[string]run.Result // what really happened, by agent
	void    map[run.AttemptID]bool                  // given up because the agent does not have it
	begun   map[run.AttemptID]bool                  // a process was started for it
	begunAt map[string]string                       // the agent that last got a task of a run that stays together
	before  map[run.AttemptID]upstream              // what its lease must carry
	waits   map[run.AttemptID]wait                  // for their retries
	clocks  map[string]wait                         // of runs that have a timeout
	cancels map[string]time.Duration                // of runs, the last of each
}

func newJudge(w *world) judge {
	return judge{
		w:       w,
		history: NewHistory(),
		results: make(map[run.AttemptID]map[string]run.Result),
		void:    make(map[run.AttemptID]bool),
		begun:   make(map[run.AttemptID]bool),
		begunAt: make(map[string]string),
		before:  make(map[run.AttemptID]upstream),
		waits:   make(map[run.AttemptID]wait),
		clocks:  make(map[string]wait),
		cancels: make(map[string]time.Duration),
	}
}

// applied looks at what a command did before it is committed.
func (j *judge) applied(cmd run.Command, events []run.Event, effects []run.Effect) {
	t := j.w.principal.turns
	if err := t.applied(cmd, events, effects); err != nil {
		j.w.fail("%v", err)
	}
	switch cmd.(type) {
	case run.Trigger, run.Decide, run.Pause:
		if err := t.agree(j.w.principal.m); err != nil {
			j.w.fail("%v", err)
		}
	}
	for _, e := range effects {
		work, _ := e.(run.Work)
		for _, l := range work.Leases {
			v, open := j.w.principal.m.Run(l.Run)
			if handler := l.Outcome != ""; !open || !handler && (v.Cancelled || v.TimedOut) {
				j.w.fail("%v is handed out after the cancel or the end of its run", l.AttemptID)
			}
		}
	}
	for i, ev := range events {
		j.time(ev)
		switch {
		case ev.Kind == run.RunReopened, ev.Kind == run.RunReleased:
			j.begunAt[ev.Run] = ev.AgentRef.ID
		case ev.Kind == run.TaskQueued && (ev.AgentRef.ID != "" || i > 0 && events[i-1].Status == run.Crashed):
			delete(j.begunAt, ev.Run)
		}
		if ev.Kind != run.TaskChanged || ev.AgentRef.ID == "" {
			continue
		}
		if ev.Status == run.Running {
			j.mayBegin(ev)
			continue
		}
		id := run.AttemptID{Run: ev.Run, Task: ev.Task, Attempt: ev.Attempt}
		if ev.Ended != nil {
			j.resultIsTrue(id, ev)
			continue
		}
		// An attempt that ends because its agent says that it does not have
		// it must be dead, and stay so.
		switch cmd.(type) {
		case run.Pull, run.Hello:
			j.void[id] = true
			for _, a := range j.w.agents {
				for _, p := range a.present() {
					if p.id == id && p.alive && a.id == ev.AgentRef.ID {
						j.w.fail("%v ended as %s while agent %s runs it", id, ev.Status, a.id)
					}
				}
			}
		}
	}
}

// mayBegin looks at a lease: an agent that drains gets nothing new, only the
// rest of the runs that are bound to it.
func (j *judge) mayBegin(ev run.Event) {
	v, _ := j.w.principal.m.Run(ev.Run)
	for _, a := range j.w.principal.m.Agents() {
		if a.Ref.ID != ev.AgentRef.ID {
			continue
		}
		if v.Definition != nil {
			for name, value := range v.Definition.Agents {
				if a.Labels[name] != value {
					j.w.fail("%s/%s#%d is leased to agent %s, which has %v", ev.Run, ev.Task, ev.Attempt, ev.AgentRef.ID, a.Labels)
				}
			}
		}
		if a.Status == run.Draining && j.begunAt[ev.Run] != ev.AgentRef.ID {
			j.w.fail("%s/%s#%d is leased to agent %s, which drains", ev.Run, ev.Task, ev.Attempt, ev.AgentRef.ID)
		}
	}
	if v.Definition != nil && v.Definition.Placement == workflow.Together {
		j.begunAt[ev.Run] = ev.AgentRef.ID
	}
}

func (j *judge) resultIsTrue(id run.AttemptID, ev run.Event) {
	res, ok := j.results[id][ev.AgentRef.ID]
	if !ok {
		j.w.fail("%v has a result that agent %s never had", id, ev.AgentRef.ID)
		return
	}
	done := res.Outcome == run.Exited && *res.ExitCode == 0
	if done != (ev.Status == run.Completed) || res.Outcome != ev.Ended.Outcome {
		j.w.fail("%v ended as %s, but its process: %s", id, ev.Status, res.Outcome)
	}
}

// released looks at an answer that leaves the principal: what it promises must
// be in the log by now.
func (j *judge) released(cmd run.Command, e run.Effect) {
	h := j.history
	switch e := e.(type) {
	case run.Triggered:
		r := h.Runs[e.Run]
		if e.Skipped != "" && e.Run == "" {
			return
		}
		if r == nil {
			j.w.fail("trigger of %s is acknowledged and not in the log", e.Run)
		} else if c := cmd.(run.Trigger); r.Definition.ID != c.Workflow.ID || !maps.Equal(r.Params, c.Params) {
			j.w.fail("trigger is answered with run %s, which does something else", e.Run)
		}
	case run.Done:
		switch c := cmd.(type) {
		case run.Report:
			if !h.Accepted(c.Result.AttemptID, c.Agent.ID) {
				j.w.fail("result of %v is acknowledged and not in the log", c.Result.AttemptID)
			}
		case run.Cancel:
			if h.Runs[c.Run].Cancels == 0 {
				j.w.fail("cancel of %s is acknowledged and not in the log", c.Run)
			}
		case run.Retry:
			if h.Runs[c.Run].Reopened == 0 {
				j.w.fail("%s is acknowledged to be open again, and the log says nothing of it", c.Run)
			}
		}
	case run.Work:
		for _, l := range e.Leases {
			if !h.Leased(l.AttemptID) {
				j.w.fail("%v is handed out and not in the log", l.AttemptID)
			}
			j.carries(l)
		}
	case run.Refused:
		switch c := cmd.(type) {
		case run.Trigger:
			if e.Skipped {
				return
			}
			first := h.Runs[h.ByKey(c.Workflow.ID, c.Key)]
			if first == nil || first.Params["day"] == c.Params["day"] {
				j.w.fail("trigger with key %q is refused without need: %s", c.Key, e.Message)
			}
		case run.Cancel:
			if r := h.Runs[c.Run]; !r.Status.Final() && r.Reopened == 0 {
				j.w.fail("cancel of the open run %s is refused: %s", c.Run, e.Message)
			}
		}
	}
}

func (j *judge) started(a *agent, l run.Lease) {
	if j.void[l.AttemptID] {
		j.w.fail("agent %s starts %v, which was given up because it did not have it", a.id, l.AttemptID)
	}
	if j.begun[l.AttemptID] {
		j.w.fail("agent %s starts %v, which was started before", a.id, l.AttemptID)
	}
	j.begun[l.AttemptID] = true
	j.alone(a, l)
	busy := 1
	for _, p := range a.processes {
		if p.state == run.HeldRunning {
			busy++
		}
	}
	if busy > a.slots {
		j.w.fail("agent %s with %d slots is to run %d", a.id, a.slots, busy)
	}
}

// alone tells whether an attempt that starts is the only one of its task that
// runs: on its machine, and if it is exclusive anywhere. What has outlived both
// an agent and its watchdog is nobody's elsewhere, until the agent is back.
func (j *judge) alone(a *agent, l run.Lease) {
	for _, other := range j.w.agents {
		if other.machine != a.machine && !l.Definition.Exclusive {
			continue
		}
		for _, p := range other.present() {
			if !other.up && other.machine != a.machine {
				continue
			}
			if p.alive && p.id.Run == l.Run && p.id.Task == l.Task.ID {
				j.w.fail("agent %s starts %v while agent %s still runs attempt %d", a.id, l.AttemptID, other.id, p.id.Attempt)
			}
		}
	}
}

// leaves is told that an agent goes because it has drained.
func (j *judge) leaves(a *agent) {
	if runs := j.history.BoundTo(a.id); len(runs) > 0 {
		j.w.fail("agent %s has drained and leaves while %v are bound to it", a.id, runs)
	}
}

func (j *judge) ended(a *agent, res run.Result) {
	if j.results[res.AttemptID] == nil {
		j.results[res.AttemptID] = make(map[string]run.Result)
	}
	j.results[res.AttemptID][a.id] = res
}

// quiet tells whether nothing is left to do.
func (w *world) quiet() bool {
	c := w.principal.m.Counts()
	if c.OpenRuns > 0 || w.clients.pending > 0 || w.principal.batch != nil {
		return false
	}
	for _, a := range w.agents {
		if a.known && len(a.processes) > 0 {
			return false
		}
	}
	return true
}

// judgeEnd looks at the world after the trouble is over and time has passed.
func (w *world) judgeEnd() error {
	h := w.judge.history
	for _, id := range h.Order {
		if s := h.Runs[id].Status; !s.Final() {
			return fmt.Errorf("run %s never ends: it is %s\n%s", id, s, w.principal.m)
		}
	}
	if broken := w.clients.told.Settle(h); len(broken) > 0 {
		return broken[0]
	}
	if w.chance(0.25) { // it takes a while
		if _, broken := ReadHistory(w.shown(), w.workflows...); len(broken) > 0 {
			return fmt.Errorf("what clients are shown of a good history: %w", broken[0])
		}
	}
	if c := w.principal.m.Counts(); c.OpenRuns+c.ReadyTasks+c.RunningTasks > 0 {
		return fmt.Errorf("the machine keeps %+v", c)
	}
	if open := len(w.principal.routes); open > len(w.agents) {
		return fmt.Errorf("%d commands wait for an answer, and %d agents can have one pull each", open, len(w.agents))
	}
	if w.clients.pending > 0 {
		return fmt.Errorf("%d requests were never answered", w.clients.pending)
	}
	for _, a := range w.agents {
		// One whose name was taken meanwhile is told so, and waits.
		if a.known && len(a.processes) > 0 {
			return fmt.Errorf("agent %s keeps %v", a.id, a.held())
		}
	}
	return nil
}
