package wire

import (
	"encoding/json"
	"fmt"
)

// Pong answers ping.
type Pong struct {
	Version string `json:"version"`
	Time    Time   `json:"time"`
}

// PrincipalStatus answers status.
type PrincipalStatus struct {
	Version   string `json:"version"`
	Epoch     string `json:"epoch"`
	Started   Time   `json:"started"`
	PID       int    `json:"pid"`
	Pos       int64  `json:"pos"` // everything up to here is durable and visible
	Workflows int    `json:"workflows"`
	Broken    int    `json:"broken"` // workflow files that do not load
	OpenRuns  int    `json:"open_runs"`
	Ready     int    `json:"ready_tasks"`
	Running   int    `json:"running_tasks"`
	Agents    int    `json:"agents"`
	Live      string `json:"live"` // address of the live stream; a host of 0.0.0.0 is the one that was dialled

	Disk      DiskStatus       `json:"disk"`
	Listeners []ListenerStatus `json:"listeners"`
	Errors    []Problem        `json:"errors"` // of workflow files: the first hundred
}

// ListenerStatus is an event source that runs in the principal: the scheduler
// is one.
type ListenerStatus struct {
	Listener string  `json:"listener"`
	State    string  `json:"state"` // running, or waiting to be started again
	Since    Time    `json:"since"` // when that began
	Restarts int     `json:"restarts"`
	Events   int64   `json:"events"` // that it has emitted
	Error    *string `json:"error"`  // why it ended last
}

// DiskStatus is how much room there is where the history is written, in bytes.
type DiskStatus struct {
	Free    int64 `json:"free"`
	Reserve int64 `json:"reserve"` // kept free: below it no new runs are taken
	Full    bool  `json:"full"`    // none are taken now
}

// WorkflowList asks for a page of workflows, by id.
type WorkflowList struct {
	Header
	Cursor string `json:"cursor,omitempty"`
}

// Workflows answers WorkflowList.
type Workflows struct {
	Workflows []Workflow `json:"workflows"`
	Cursor    string     `json:"cursor,omitempty"`
}

// Workflow is a workflow as cdktr-run --list shows it. One that never loaded
// has its id and errors only.
type Workflow struct {
	Workflow   string    `json:"workflow"`
	Name       *string   `json:"name"`
	Schedule   *string   `json:"schedule"`
	Next       *Time     `json:"next"`
	LastRun    *string   `json:"last_run"`
	LastStatus *string   `json:"last_status"`
	Paused     bool      `json:"paused"`
	Errors     []Problem `json:"errors"`
}

// Problem is one mistake in a workflow file. Line 0: it has no place.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

// String is the problem as compilers write theirs.
func (p Problem) String() string {
	if p.Line == 0 {
		return p.File + ": " + p.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
}

// WorkflowRef names one workflow: workflow.pause, workflow.resume.
type WorkflowRef struct {
	Header
	Workflow string `json:"workflow"`
}

// ScheduleList asks for a page of the workflows that have a schedule, by id.
type ScheduleList struct {
	Header
	Cursor string `json:"cursor,omitempty"`
}

// Schedules answers ScheduleList.
type Schedules struct {
	Schedules []Schedule `json:"schedules"`
	Cursor    string     `json:"cursor,omitempty"`
}

// Schedule is what a scheduler needs to know of a workflow. Decided is the newest
// slot that was decided, and of which schedule: null if none was.
type Schedule struct {
	Workflow      string `json:"workflow"`
	Cron          string `json:"cron"`
	Timezone      string `json:"timezone,omitempty"`
	StartTime     *Time  `json:"start_time,omitempty"`
	Catchup       string `json:"catchup"`        // none, latest, all
	CatchupWindow string `json:"catchup_window"` // 24h0m0s
	Paused        bool   `json:"paused"`
	Decided       *Slot  `json:"decided"`
}

// Slot is an instant of a schedule.
type Slot struct {
	Schedule string `json:"schedule"`
	Time     Time   `json:"time"`
}

// ScheduleDecide says of slots that they have no run, and why. An item without a
// reason means no slot: the workflow is scheduled so from that time on.
type ScheduleDecide struct {
	Header
	Batch []Decision `json:"batch"`
}

// Decision is an item of ScheduleDecide.
type Decision struct {
	Workflow string `json:"workflow"`
	Slot
	Reason string `json:"reason,omitempty"`
}

// WorkflowGet asks for one definition: the one that a new run of Workflow would
// have, or the one that Run has, whatever became of the file since.
type WorkflowGet struct {
	Header
	Workflow string `json:"workflow,omitempty"`
	Run      string `json:"run,omitempty"`
}

// WorkflowDefinition answers WorkflowGet: lib/workflow's Definition as JSON.
type WorkflowDefinition struct {
	Definition json.RawMessage `json:"definition"`
}

// Reloaded answers reload.
type Reloaded struct {
	Loaded int `json:"loaded"`
	Broken int `json:"broken"`
}

// Plain is a request without fields of its own: ping, status, reload, shutdown.
type Plain struct{ Header }

// Nothing is the result of an op that has none.
type Nothing struct{}
