// Package story folds the events of one run into what people see of it: the run
// and its tasks, as cdktr-run -o json shows them. Where the events are kept is
// somebody else's.
package story

import (
	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

// Story is the events of one run so far. The zero value is one without any.
type Story struct {
	run   *wire.Run
	tasks map[string]int // index in run.Tasks
}

// Run is the run as the events have made it: nil where none was added. The
// next Add changes it.
func (s *Story) Run() *wire.Run { return s.run }

// Add folds the next event of the run; it must not be changed any more.
func (s *Story) Add(e *run.Event) {
	if e.Created != nil {
		s.begin(e)
		return
	}
	if s.run == nil {
		return
	}
	if e.Kind == run.TaskQueued {
		s.queued(e)
		return
	}
	if e.Status == "" {
		return
	}
	if e.Task != "" {
		s.task(e)
		return
	}
	s.run.Status = string(e.Status)
	s.run.Ended = nil
	switch {
	case e.Status == run.Running && s.run.Started == nil:
		s.run.Started = wire.MaybeAt(e.Time)
	case e.Status.Final():
		s.run.Ended = wire.MaybeAt(e.Time)
	}
}

func (s *Story) begin(e *run.Event) {
	s.run = &wire.Run{
		Run: e.Run, Workflow: e.Workflow, Status: string(e.Status), Trigger: e.Created.Source,
		Params: wire.Params(e.Created.Params), Created: wire.MaybeAt(e.Time),
	}
	if s.run.Params == nil {
		s.run.Params = wire.Params{}
	}
	s.tasks = make(map[string]int)
	for _, t := range e.Created.Definition.Tasks {
		s.addTask(t.ID)
	}
	for _, h := range e.Created.Definition.Handlers() {
		s.addTask(h.ID)
	}
}

func (s *Story) addTask(id string) int {
	i := len(s.run.Tasks)
	s.tasks[id] = i
	s.run.Tasks = append(s.run.Tasks, newTask(id))
	return i
}

func newTask(id string) wire.Task {
	return wire.Task{Task: id, Status: string(run.Pending), Outputs: map[string]string{}}
}

// queued makes a task that was lost, or whose run starts over, wait for its
// coming attempt, with the reason. It has no status of its own in the history.
func (s *Story) queued(e *run.Event) {
	i, ok := s.tasks[e.Task]
	if !ok {
		return
	}
	t := &s.run.Tasks[i]
	*t = newTask(e.Task)
	t.Attempt = e.Attempt
	if e.Reason != "" {
		t.Reason = &e.Reason
	}
}

// task applies a change of a task. The times are those that its agent told; as
// long as there is no result, an attempt that has a lease counts from there.
func (s *Story) task(e *run.Event) {
	i, ok := s.tasks[e.Task]
	if !ok {
		i = s.addTask(e.Task)
	}
	t := &s.run.Tasks[i]
	if e.Attempt != t.Attempt {
		*t = newTask(e.Task)
		t.Attempt = e.Attempt
	}
	t.Status = string(e.Status)
	if e.Agent != "" {
		t.Agent = &e.Agent
	}
	t.Reason = nil
	if e.Reason != "" && e.Status != run.Completed {
		t.Reason = &e.Reason
	}
	switch {
	case e.Ended != nil:
		t.ExitCode = e.Ended.ExitCode
		if e.Ended.Outputs != nil {
			t.Outputs = e.Ended.Outputs
		}
		t.Started, t.Ended = nil, wire.MaybeAt(e.Ended.Ended)
		if e.Ended.Started != nil {
			t.Started = wire.MaybeAt(*e.Ended.Started)
		}
	case e.Status == run.Running:
		t.Started = wire.MaybeAt(e.Time)
	case t.Started != nil && (e.Status.Final() || e.Status == run.Skipped):
		t.Ended = wire.MaybeAt(e.Time)
	}
}

// Explain says of the tasks that have no process what they wait for, as the
// machine knows it. The events do not: it changes with every agent that comes
// or goes.
func Explain(r *wire.Run, why map[string]string) {
	for i := range r.Tasks {
		t := &r.Tasks[i]
		waits := t.Status == string(run.Pending) || t.Status == string(run.Waiting)
		if reason := why[t.Task]; reason != "" && waits {
			t.Reason = &reason
		}
	}
}
