package run

import (
	"time"

	"github.com/cdktr/cdktr/lib/workflow"
)

// Effect is something to send, after the events that came with it are durable.
type Effect interface{ effect() }

// Triggered answers a Trigger. Existing: the key already had this run. Skipped
// says why a slot has no run, because of `overlap: skip`, because it was decided
// before, or because the workflow is paused; then Run is empty. (A trigger without
// a slot is refused for the first, with Refused.Skipped.)
type Triggered struct {
	Token    Token
	Run      string
	Existing bool
	Skipped  string
}

// Done answers Decide, Pause, Cancel, Retry, Renew, Report, Drain, Leave.
type Done struct{ Token Token }

// Welcome answers Hello. Keep is what the agent goes on with; Kill is what was
// given away meanwhile.
type Welcome struct {
	Token Token
	Keep  []AttemptID
	Kill  []AttemptID
}

// Work answers Pull: leases to start, attempts to stop, whether to drain. All
// may be empty: the pull was superseded or has expired, pull again.
type Work struct {
	Token  Token
	Leases []Lease
	Stop   []AttemptID
	Drain  bool
}

// Lease is the right to run one attempt. It lasts while its agent shows signs
// of life.
type Lease struct {
	AttemptID
	Definition *workflow.Definition
	Task       *workflow.Task // of a handler too
	Params     map[string]string

	// Scheduled is the time of the run's slot, or of its creation.
	Scheduled time.Time

	// Outputs of the tasks upstream of this one, of all tasks for a handler, by
	// task and name. Ended has the statuses of the same tasks. Both are nil where
	// the task has no expression that asks for them.
	Outputs map[string]map[string]string
	Ended   map[string]Status

	// Outcome is what the run will be, for a handler: COMPLETED, FAILED, CRASHED
	// or CANCELLED. Else empty.
	Outcome Status
	// Again says why this is not the first attempt, in words for the log; empty
	// for the first.
	Again string
}

// Code is why a command was refused: a subset of the wire's codes.
type Code string

const (
	NotFound    Code = "not_found"   // no such agent, no such open run; an agent says hello again
	Conflict    Code = "conflict"    // one key for two things, a run id in use
	Unavailable Code = "unavailable" // the agent's name is taken
	Fenced      Code = "fenced"      // the attempt is superseded, the incarnation is old
)

// Refused answers any command that could not be done.
type Refused struct {
	Token   Token
	Code    Code
	Message string
	Skipped bool // by `overlap: skip`: there is nothing to wait for
}

// AgentStatus is what agent.list shows.
type AgentStatus string

const (
	Ready    AgentStatus = "READY"
	Busy     AgentStatus = "BUSY" // no free slot
	Draining AgentStatus = "DRAINING"
	Lost     AgentStatus = "LOST"
)

// AgentChanged tells that an agent came, was lost, drains or left (empty
// status). It answers nothing: it is for the log. Agents are soft state, known
// again by their hello, and so have no events.
type AgentChanged struct {
	Agent  AgentRef
	Name   string
	Status AgentStatus
	Reason string
}

func (AgentChanged) effect() {}
func (Triggered) effect()    {}
func (Done) effect()         {}
func (Welcome) effect()      {}
func (Work) effect()         {}
func (Refused) effect()      {}
