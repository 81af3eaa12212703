package sim

import (
	"fmt"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/workflow"
)

// History reads a log of events and says where it breaks a promise. It knows
// the rules of runs, and nothing of the machine that applies them.
type History struct {
	Runs  map[string]*Run
	Order []string          // run ids, as created
	keys  map[string]string // workflow and key -> run
}

// Run is what the log tells of one run.
type Run struct {
	Definition *workflow.Definition
	Params     map[string]string
	Status     run.Status
	Cancelled  bool // a cancel was requested
	tasks      map[string]*Task
	last       time.Time
}

// Task is what the log tells of one task.
type Task struct {
	spec     *workflow.Task
	Status   run.Status
	Attempt  int          // the newest that was leased
	Holder   run.AgentRef // of it
	accepted map[int]run.AgentRef
	losses   int
}

// NewHistory returns the history of nothing.
func NewHistory() *History {
	return &History{Runs: make(map[string]*Run), keys: make(map[string]string)}
}

// maxLosses is how often a task may lose its agent.
const maxLosses = 3

// Add takes the next event of the log, and says what is wrong with it.
func (h *History) Add(ev run.Event) error {
	if ev.Kind == run.RunCreated {
		return h.create(ev)
	}
	r := h.Runs[ev.Run]
	switch {
	case r == nil:
		return fmt.Errorf("%s: the run was never created", subject(ev))
	case r.Status.Final():
		return fmt.Errorf("%s: the run has ended as %s", subject(ev), r.Status)
	case ev.Time.Before(r.last):
		return fmt.Errorf("%s: the time goes back from %s to %s", subject(ev), r.last, ev.Time)
	}
	r.last = ev.Time
	var err error
	switch ev.Kind {
	case run.CancelRequested:
		if r.Cancelled {
			err = fmt.Errorf("cancelled twice")
		}
		r.Cancelled = true
	case run.RunChanged:
		err = r.change(ev)
	case run.TaskChanged, run.TaskQueued:
		t := r.tasks[ev.Task]
		if t == nil {
			err = fmt.Errorf("no such task")
		} else {
			err = r.changeTask(t, ev)
		}
	default:
		err = fmt.Errorf("unknown kind")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", subject(ev), err)
	}
	return nil
}

// told is an event as a line of the trace, made only when somebody reads it.
type told run.Event

func (t told) String() string {
	return fmt.Sprintf("%s %s %s", subject(run.Event(t)), t.Agent, t.Reason)
}

func subject(ev run.Event) string {
	if ev.Task == "" {
		return fmt.Sprintf("%s %s %s", ev.Kind, ev.Run, ev.Status)
	}
	return fmt.Sprintf("%s %s/%s#%d %s", ev.Kind, ev.Run, ev.Task, ev.Attempt, ev.Status)
}

func (h *History) create(ev run.Event) error {
	if h.Runs[ev.Run] != nil {
		return fmt.Errorf("run %s is created twice", ev.Run)
	}
	c := ev.Created
	if c.Key != "" {
		k := ev.Workflow + "\x00" + c.Key
		if first := h.keys[k]; first != "" {
			return fmt.Errorf("key %q of %s made run %s and run %s", c.Key, ev.Workflow, first, ev.Run)
		}
		h.keys[k] = ev.Run
	}
	r := &Run{Definition: c.Definition, Params: c.Params, Status: run.Pending, tasks: make(map[string]*Task), last: ev.Time}
	for i := range c.Definition.Tasks {
		spec := &c.Definition.Tasks[i]
		r.tasks[spec.ID] = &Task{spec: spec, Status: run.Pending, accepted: make(map[int]run.AgentRef)}
	}
	h.Runs[ev.Run] = r
	h.Order = append(h.Order, ev.Run)
	return nil
}

// ByKey returns the run that a key made, or "".
func (h *History) ByKey(workflow, key string) string { return h.keys[workflow+"\x00"+key] }

// Accepted tells whether the log has a result of this attempt from this agent.
func (h *History) Accepted(id run.AttemptID, agent string) bool {
	if r := h.Runs[id.Run]; r != nil && r.tasks[id.Task] != nil {
		ref, ok := r.tasks[id.Task].accepted[id.Attempt]
		return ok && ref.ID == agent
	}
	return false
}

// Leased tells whether the log has a lease of this attempt.
func (h *History) Leased(id run.AttemptID) bool {
	r := h.Runs[id.Run]
	return r != nil && r.tasks[id.Task] != nil && id.Attempt >= 1 && id.Attempt <= r.tasks[id.Task].Attempt
}

func (r *Run) change(ev run.Event) error {
	was := r.Status
	r.Status = ev.Status
	if ev.Status == run.Running {
		if was != run.Pending {
			return fmt.Errorf("it was %s", was)
		}
		return nil
	}
	if !ev.Status.Final() {
		return fmt.Errorf("not a status of a run that changes")
	}
	want := run.Completed
	for _, t := range r.tasks {
		switch {
		case t.Status == run.Pending || t.Status == run.Running:
			return fmt.Errorf("task %s is still %s", t.spec.ID, t.Status)
		case t.Status == run.Crashed:
			want = run.Crashed
		case t.Status == run.Failed && want != run.Crashed:
			want = run.Failed
		}
	}
	if r.Cancelled {
		want = run.Cancelled
	}
	if ev.Status != want {
		return fmt.Errorf("the tasks make it %s", want)
	}
	return nil
}

func (r *Run) changeTask(t *Task, ev run.Event) error {
	was := t.Status
	if ev.Kind == run.TaskQueued {
		t.Status = run.Pending
		if was != run.Crashed || t.losses >= maxLosses || ev.Attempt != t.Attempt+1 {
			return fmt.Errorf("queued again from %s, attempt %d, after %d losses", was, t.Attempt, t.losses)
		}
		return nil
	}
	t.Status = ev.Status
	if ev.Ended != nil {
		if _, twice := t.accepted[ev.Attempt]; twice {
			return fmt.Errorf("a second result is accepted")
		}
		if was != run.Running || ev.Attempt != t.Attempt || ev.AgentRef.ID != t.Holder.ID {
			return fmt.Errorf("a late result is accepted: %s holds attempt %d (%s)", t.Holder.ID, t.Attempt, was)
		}
		t.accepted[ev.Attempt] = ev.AgentRef
	}
	switch ev.Status {
	case run.Running:
		return r.lease(t, was, ev)
	case run.Completed, run.Failed:
		if was != run.Running || ev.Ended == nil {
			return fmt.Errorf("it was %s, without a result", was)
		}
	case run.Crashed:
		if was != run.Running {
			return fmt.Errorf("it was %s", was)
		}
		t.losses++
	case run.Skipped:
		if was != run.Pending || !r.doomed(t) {
			return fmt.Errorf("it was %s, and nothing before it failed", was)
		}
	case run.Cancelled:
		if !r.Cancelled || was != run.Pending && was != run.Running {
			return fmt.Errorf("it was %s, and nobody cancelled the run", was)
		}
	default:
		return fmt.Errorf("not a status of a task")
	}
	return nil
}

func (r *Run) lease(t *Task, was run.Status, ev run.Event) error {
	switch {
	case was != run.Pending:
		return fmt.Errorf("leased while %s", was)
	case ev.Attempt != t.Attempt+1:
		return fmt.Errorf("attempt %d after %d", ev.Attempt, t.Attempt)
	case r.Cancelled:
		return fmt.Errorf("leased after the cancel")
	case r.Status != run.Running:
		return fmt.Errorf("leased while the run is %s", r.Status)
	case ev.AgentRef.ID == "":
		return fmt.Errorf("leased to nobody")
	}
	for _, d := range t.spec.Depends {
		if s := r.tasks[d].Status; s != run.Completed {
			return fmt.Errorf("leased while %s, which it depends on, is %s", d, s)
		}
	}
	t.Attempt, t.Holder = ev.Attempt, ev.AgentRef
	return nil
}

// doomed tells whether a task that t depends on will never complete.
func (r *Run) doomed(t *Task) bool {
	for _, d := range t.spec.Depends {
		switch r.tasks[d].Status {
		case run.Failed, run.Crashed, run.Skipped:
			return true
		}
	}
	return false
}
