package run

import (
	"maps"
	"time"

	"github.com/cdktr/cdktr/lib/workflow"
)

// Status is the state of a run or of a task, as everybody sees it.
type Status string

const (
	Pending   Status = "PENDING"
	Waiting   Status = "WAITING" // a task: for a retry
	Running   Status = "RUNNING"
	Completed Status = "COMPLETED"
	Failed    Status = "FAILED"
	Crashed   Status = "CRASHED" // a task: its agent was lost (PENDING follows if it is queued again); a run: that happened too often
	Skipped   Status = "SKIPPED"
	Cancelled Status = "CANCELLED"
)

// Final tells whether a run in this status has ended.
func (s Status) Final() bool {
	return s == Completed || s == Failed || s == Crashed || s == Cancelled
}

// Kind says what an event is about.
type Kind string

const (
	RunCreated      Kind = "run_created"      // Status PENDING, Created is set
	RunChanged      Kind = "run_changed"      // Status is the run's new one
	CancelRequested Kind = "cancel_requested" // the run will end as CANCELLED; no status yet
	RunTimedOut     Kind = "run_timed_out"    // the run will end as FAILED: its timeout has passed; no status yet
	RunReopened     Kind = "run_reopened"     // Status PENDING: all that did not complete runs again
	RunHeld         Kind = "run_held"         // it begins when others of its workflow have ended (Reason); no status
	RunReleased     Kind = "run_released"     // a held run may begin; no status
	TaskChanged     Kind = "task_changed"     // Status is the task's new one
	TaskQueued      Kind = "task_queued"      // a task starts again, with the coming Attempt, when an agent takes it; no status

	// Of a workflow, with no run.
	SlotSkipped     Kind = "slot_skipped"     // Status SKIPPED; Slot and Reason are set
	ScheduleSet     Kind = "schedule_set"     // Slot.Time is from when on it holds; no status
	WorkflowPaused  Kind = "workflow_paused"  // no status
	WorkflowResumed Kind = "workflow_resumed" // no status; slots up to its Time are decided
)

// Event is one fact. State changes only by applying events, so folding the
// events of the runs that have not ended restores the machine.
//
// Run and task are set where Kind says so. A RUNNING task event is a lease: it
// names the agent, its id and its incarnation. A task event with Ended set is
// the accepted result of its attempt; it names the agent too. A task is queued
// again after its attempt was CRASHED, and when its wait for a retry is over;
// with `placement: together` all are that had begun or ended, whatever their
// status, once none of them runs: such an event names the agent that the run
// leaves. A task that ends before an attempt ends with the Attempt that was to
// come, 0 for the first. RunReopened names the agent that a run with `placement:
// together` goes back to; TaskQueued follows for each task that did not complete,
// and for the handlers.
// RunHeld follows RunCreated or RunReopened at once, or not at all. For a run that
// is to go back to an agent it names that one in RunReopened's stead; RunReleased
// names it if it is still there.
// Times never go back within a run, nor while one machine writes.
type Event struct {
	Pos      int64 // given by the store, in commit order
	Time     time.Time
	Kind     Kind
	Workflow string
	Run      string
	Task     string
	Attempt  int
	Status   Status
	Agent    string // the agent's name
	AgentRef AgentRef
	Reason   string
	Created  *Created
	Ended    *Ended
	Slot     *Slot // of an event without a run
}

// Created is the birth of a run.
type Created struct {
	Definition *workflow.Definition
	Params     map[string]string
	Defaults   []string // names of the Params that were not given
	Key        string
	Source     string
	Slot       *Slot // that the run is for
}

// Given is the parameters as the trigger gave them: what a retry of it, which may
// meet other defaults, has in common with it.
func (c *Created) Given() map[string]string {
	if len(c.Defaults) == 0 {
		return c.Params
	}
	given := maps.Clone(c.Params)
	for _, name := range c.Defaults {
		delete(given, name)
	}
	return given
}

// Ended is what a result said.
type Ended struct {
	Outcome  Outcome
	ExitCode *int
	Started  *time.Time
	Ended    time.Time
	Lines    map[string]int64
	Outputs  map[string]string // of a COMPLETED attempt, mostly
}

// Key is a remembered idempotency key, as the store reads it back.
type Key struct {
	Workflow string
	Key      string
	Run      string
	Params   map[string]string // as given
	Time     time.Time
}

// Scheduled is what the log says of a workflow's schedule: the newest slot that
// was decided, zero if none was, and whether it is paused. Resuming decides all
// slots up to then, and keeps the schedule.
type Scheduled struct {
	Workflow string
	Decided  Slot
	Paused   bool
}
