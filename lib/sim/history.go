package sim

import (
	"fmt"
	"maps"
	"slices"
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
	Cancelled  bool // a cancel was requested, since it was last opened
	Cancels    int  // how often, ever
	Reopened   int
	tasks      map[string]*Task
	last       time.Time
	due        time.Time // its slot, or its creation

	timedOut bool
	quit     bool  // cancelled in its handlers, or before it began
	held     bool  // others of its workflow come first
	owed     *Task // has failed, and is to be tried again
	adrift   int   // tasks that were CRASHED and are to be queued again
	lost     bool  // a task was lost for good

	missing   map[string]bool // tasks that a restart or a reopening has still to queue again
	reopening bool            // they are of a reopening

	// Of a run that stays together only.
	bound    string // the agent's id
	stranded int    // restarts for a loss between two tasks
}

// Task is what the log tells of one task.
type Task struct {
	spec     *workflow.Task
	Status   run.Status
	Attempt  int          // the newest that was leased
	Holder   run.AgentRef // of it
	agents   []string     // ids: who had which attempt
	accepted map[int]run.AgentRef
	handler  bool
	adrift   bool // CRASHED, and to be queued again
	outputs  map[string]string

	// Since the run was last opened.
	losses, tries, leases, completed int
}

// NewHistory returns the history of nothing.
func NewHistory() *History {
	return &History{Runs: make(map[string]*Run), keys: make(map[string]string)}
}

// Add takes the next event of the log, and says what is wrong with it.
func (h *History) Add(ev run.Event) error {
	if ev.Kind == run.RunCreated {
		return h.create(ev)
	}
	if ev.Run == "" { // it is about a workflow
		return nil
	}
	r := h.Runs[ev.Run]
	switch {
	case r == nil:
		return fmt.Errorf("%s: the run was never created", subject(ev))
	case r.Status.Final() && ev.Kind != run.RunReopened:
		return fmt.Errorf("%s: the run has ended as %s", subject(ev), r.Status)
	case ev.Time.Before(r.last):
		return fmt.Errorf("%s: the time goes back from %s to %s", subject(ev), r.last, ev.Time)
	case len(r.missing) > 0 && ev.Kind != run.TaskQueued && ev.Kind != run.RunHeld:
		return fmt.Errorf("%s: the run started again without %v", subject(ev), slices.Sorted(maps.Keys(r.missing)))
	case r.owed != nil && ev.Status != run.Waiting:
		return fmt.Errorf("%s: task %s is not tried again", subject(ev), r.owed.spec.ID)
	}
	r.last = ev.Time
	var err error
	switch ev.Kind {
	case run.CancelRequested, run.RunTimedOut:
		err = r.halt(ev)
	case run.RunReopened:
		err = r.reopen(ev)
	case run.RunHeld, run.RunReleased:
		err = r.hold(ev)
	case run.RunChanged:
		err = r.change(ev)
	case run.TaskChanged, run.TaskQueued:
		t := r.tasks[ev.Task]
		if t == nil {
			err = fmt.Errorf("no such task")
		} else if ev.Kind == run.TaskQueued {
			err = r.queue(t, ev)
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

// told is an event as a line of the trace.
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
		k := keyOf(ev.Workflow, c.Key)
		if first := h.keys[k]; first != "" {
			return fmt.Errorf("key %q of %s made run %s and run %s", c.Key, ev.Workflow, first, ev.Run)
		}
		h.keys[k] = ev.Run
	}
	r := &Run{Definition: c.Definition, Params: c.Params, Status: run.Pending, tasks: make(map[string]*Task), last: ev.Time, due: ev.Time}
	if c.Slot != nil {
		r.due = c.Slot.Time
	}
	for i := range c.Definition.Tasks {
		spec := &c.Definition.Tasks[i]
		r.tasks[spec.ID] = &Task{spec: spec, Status: run.Pending, accepted: make(map[int]run.AgentRef)}
	}
	for _, spec := range c.Definition.Handlers() {
		r.tasks[spec.ID] = &Task{spec: spec, Status: run.Pending, accepted: make(map[int]run.AgentRef), handler: true}
	}
	h.Runs[ev.Run] = r
	h.Order = append(h.Order, ev.Run)
	return nil
}

// ByKey returns the run that a key made, or "".
func (h *History) ByKey(workflow, key string) string { return h.keys[keyOf(workflow, key)] }

// Accepted tells whether the log has a result of this attempt from this agent.
func (h *History) Accepted(id run.AttemptID, agent string) bool {
	if r := h.Runs[id.Run]; r != nil && r.tasks[id.Task] != nil {
		ref, ok := r.tasks[id.Task].accepted[id.Attempt]
		return ok && ref.ID == agent
	}
	return false
}

// Leased tells whether the log has a lease of this attempt.
func (h *History) Leased(id run.AttemptID) bool { return h.LeasedTo(id) != "" }

// LeasedTo returns the id of the agent that an attempt was leased to, or "".
func (h *History) LeasedTo(id run.AttemptID) string {
	r := h.Runs[id.Run]
	if r == nil || r.tasks[id.Task] == nil {
		return ""
	}
	if agents := r.tasks[id.Task].agents; id.Attempt >= 1 && id.Attempt <= len(agents) {
		return agents[id.Attempt-1]
	}
	return ""
}

// BoundTo returns the open runs that stay together on an agent.
func (h *History) BoundTo(agent string) []string {
	var bound []string
	for _, id := range h.Order {
		if r := h.Runs[id]; r.together() && r.bound == agent && !r.Status.Final() {
			bound = append(bound, id)
		}
	}
	return bound
}
