package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

// GetRun returns the run with its tasks, or nil.
func (s *Store) GetRun(ctx context.Context, id string) (*wire.Run, error) {
	r, err := s.getRun(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("get run %s: %w", id, err)
	}
	return r, nil
}

func (s *Store) getRun(ctx context.Context, id string) (*wire.Run, error) {
	if id == "" || strings.ContainsRune(id, 0) {
		return nil, nil
	}
	rows, err := s.db.QueryContext(ctx, `
		SELECT `+eventColumns+`
		FROM app.events WHERE run = ? AND pos <= ? ORDER BY pos`, id, s.decided())
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var story story
	for rows.Next() {
		e, hash, err := s.scanEvent(ctx, rows)
		if err != nil {
			return nil, err
		}
		if e.Created != nil {
			if e.Created.Definition, err = s.definition(ctx, make(map[string]*workflow.Definition), hash); err != nil {
				return nil, err
			}
		}
		story.add(&e)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return story.run, nil
}

// story folds the events of one run into what people see of it.
type story struct {
	run   *wire.Run
	tasks map[string]int // index in run.Tasks
}

func (s *story) add(e *run.Event) {
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

func (s *story) begin(e *run.Event) {
	s.run = &wire.Run{
		Run: e.Run, Workflow: e.Workflow, Status: string(e.Status), Trigger: e.Created.Source,
		Params: wire.Params(e.Created.Params), Created: wire.MaybeAt(e.Time),
	}
	if s.run.Params == nil {
		s.run.Params = wire.Params{}
	}
	s.tasks = make(map[string]int)
	for i, t := range e.Created.Definition.Tasks {
		s.tasks[t.ID] = i
		s.run.Tasks = append(s.run.Tasks, newTask(t.ID))
	}
}

func newTask(id string) wire.Task {
	return wire.Task{Task: id, Status: string(run.Pending), Outputs: map[string]string{}}
}

// queued makes a task that was lost, or whose run starts over, wait for its
// coming attempt, with the reason. It has no status of its own in the history.
func (s *story) queued(e *run.Event) {
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
func (s *story) task(e *run.Event) {
	i, ok := s.tasks[e.Task]
	if !ok {
		i = len(s.run.Tasks)
		s.tasks[e.Task] = i
		s.run.Tasks = append(s.run.Tasks, newTask(e.Task))
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
