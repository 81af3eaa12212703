package sim

import (
	"fmt"
	"maps"

	"github.com/cdktr/cdktr/lib/run"
)

// judge holds what was said and done against the log. It looks into every
// actor, as no program can.
type judge struct {
	w       *world
	history *History
	results map[run.AttemptID]map[string]run.Result // what really happened, by agent
	void    map[run.AttemptID]bool                  // given up because the agent does not have it
	begun   map[run.AttemptID]bool                  // a process was started for it
	byKey   map[string]string                       // what clients were told
	acked   map[string]bool
}

func newJudge(w *world) judge {
	return judge{
		w:       w,
		history: NewHistory(),
		results: make(map[run.AttemptID]map[string]run.Result),
		void:    make(map[run.AttemptID]bool),
		begun:   make(map[run.AttemptID]bool),
		byKey:   make(map[string]string),
		acked:   make(map[string]bool),
	}
}

// applied looks at what a command did before it is committed.
func (j *judge) applied(cmd run.Command, events []run.Event, effects []run.Effect) {
	for _, e := range effects {
		work, _ := e.(run.Work)
		for _, l := range work.Leases {
			if v, open := j.w.principal.m.Run(l.Run); !open || v.Cancelled {
				j.w.fail("%v is handed out after the cancel or the end of its run", l.AttemptID)
			}
		}
	}
	for _, ev := range events {
		if ev.Kind != run.TaskChanged || ev.AgentRef.ID == "" || ev.Status == run.Running {
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
				if p := a.find(id); p != nil && p.alive && a.id == ev.AgentRef.ID {
					j.w.fail("%v ended as %s while agent %s runs it", id, ev.Status, a.id)
				}
			}
		}
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
			if !h.Runs[c.Run].Cancelled {
				j.w.fail("cancel of %s is acknowledged and not in the log", c.Run)
			}
		}
	case run.Work:
		for _, l := range e.Leases {
			if !h.Leased(l.AttemptID) {
				j.w.fail("%v is handed out and not in the log", l.AttemptID)
			}
		}
	case run.Refused:
		switch c := cmd.(type) {
		case run.Trigger:
			first := h.Runs[h.ByKey(c.Workflow.ID, c.Key)]
			if first == nil || first.Params["day"] == c.Params["day"] {
				j.w.fail("trigger with key %q is refused without need: %s", c.Key, e.Message)
			}
		case run.Cancel:
			if !h.Runs[c.Run].Status.Final() {
				j.w.fail("cancel of the open run %s is refused: %s", c.Run, e.Message)
			}
		}
	}
}

// acknowledged is told what a client was told.
func (j *judge) acknowledged(workflow, key, id string) {
	j.acked[id] = true
	if key == "" {
		return
	}
	k := workflow + " " + key
	if first := j.byKey[k]; first != "" && first != id {
		j.w.fail("key %s made run %s and run %s", k, first, id)
	}
	j.byKey[k] = id
}

func (j *judge) started(a *agent, l run.Lease) {
	if j.void[l.AttemptID] {
		j.w.fail("agent %s starts %v, which was given up because it did not have it", a.id, l.AttemptID)
	}
	if j.begun[l.AttemptID] {
		j.w.fail("agent %s starts %v, which was started before", a.id, l.AttemptID)
	}
	j.begun[l.AttemptID] = true
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
	for id := range w.judge.acked {
		if h.Runs[id] == nil {
			return fmt.Errorf("run %s was acknowledged and is not in the log", id)
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
