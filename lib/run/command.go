package run

import (
	"time"

	"github.com/cdktr/cdktr/lib/workflow"
)

// Now is an instant on both clocks. Wall is for people and is written into
// events; Mono (time since an arbitrary start, counting suspend) is for
// deadlines and is never written.
type Now struct {
	Wall time.Time
	Mono time.Duration
}

// Token ties a command to the effect that answers it. The caller chooses it;
// zero asks for no answer.
type Token uint64

// AttemptID names one try of one task. Attempt counts from 1 and is the
// fencing token: a later attempt makes every earlier one void.
type AttemptID struct {
	Run     string
	Task    string
	Attempt int
}

// AgentRef is an agent as it names itself in every message: an id that stays
// over restarts and an incarnation that grows with each start.
type AgentRef struct {
	ID          string
	Incarnation int64
}

// HeldState is what an agent says of an attempt that it has.
type HeldState uint8

const (
	HeldRunning  HeldState = iota // the process lives
	HeldStopping                  // it was told to stop, and is stopping
	HeldDone                      // ended; the result is not yet acknowledged
)

// Held is one attempt that an agent has.
type Held struct {
	AttemptID
	State HeldState
}

// Outcome is how an attempt ended, as its agent saw it.
type Outcome string

const (
	Exited  Outcome = "exited"  // the process ended by itself; ExitCode says how
	Unable  Outcome = "unable"  // it could not be started; Reason says why
	Stopped Outcome = "stopped" // it was ended by a stop order of the principal
	Dropped Outcome = "dropped" // the agent gave it up (shutdown, its own death)

	// TimedOut: the agent ended it because its timeout had passed; Reason begins
	// with "timeout".
	TimedOut Outcome = "timed_out"
)

// Result is the end of one attempt.
type Result struct {
	AttemptID
	Outcome  Outcome
	ExitCode *int // nil where no process ended; 128+n for a signal
	Reason   string
	Started  *time.Time // nil where no process started
	Ended    time.Time
	Lines    map[string]int64 // the last sequence number of each stream
	Outputs  map[string]string
}

// Command is a request to the machine: one of the types below.
type Command interface{ command() }

// Trigger asks for a new run. Run is the id that it gets unless Key already
// has one. An empty Key means no idempotency.
type Trigger struct {
	Token    Token
	Run      string
	Workflow *workflow.Definition
	Params   map[string]string // checked against Workflow.Params, defaults filled in
	Defaults []string          // names of those that were filled in
	Key      string
	Source   string // run, cron, listen, api
	Slot     *Slot  // that the run is for; nil: for none. With SourceCron it is decided so

	// Otherwise is set where no run can be started, with Name and the Params
	// that were given, and no Workflow. A key that already has a run gets it
	// all the same: what became of the file since is nothing to a retry.
	Otherwise *Refused
	Name      string // the workflow's id
}

// Slot is an instant at which a schedule is due. The newest slot that was decided
// of each workflow, with a run or without, is kept: whoever schedules goes on
// after it.
type Slot struct {
	Schedule string    // that it is a slot of, as its scheduler writes it
	Time     time.Time // UTC
}

// Decide says that a slot has no run, and why. With an empty Reason no slot is
// meant: the workflow is scheduled so from that time on. What is decided stays so,
// without an event: a slot of the same schedule that is not after the newest.
type Decide struct {
	Token    Token
	Workflow string
	Slot     Slot
	Reason   string
}

// Pause ends the scheduled runs of a workflow until a Pause with Resume set.
// What is so already stays so, without an event.
type Pause struct {
	Token    Token
	Workflow string
	Resume   bool
}

// Cancel asks that a run ends as CANCELLED. One that comes while its handlers
// run stops these too; on_end runs after any other. A run that is held ends at
// once, without its handlers. One that comes within ten seconds of another is the
// same wish, sent again.
type Cancel struct {
	Token  Token
	Run    string
	Reason string
}

// Retry opens a run again that has ended and did not complete: what completed is
// kept, with its outputs, all else runs again, and the handlers at the new end.
// Story is all events of the run, also those that are not durable yet: nothing
// may happen to the run between its last event and this command. A run that is
// open is refused. One that was opened again after the position After, if that is
// not 0, is left as it is: that is the same wish, come twice.
type Retry struct {
	Token Token
	Run   string
	Story []Event
	After int64
}

// Hello introduces an agent, or introduces it again after either side was
// away. Held is everything that it still runs or has not had acknowledged.
type Hello struct {
	Token  Token
	Agent  AgentRef
	Name   string
	Slots  int
	Labels map[string]string
	Held   []Held

	Version string // of its program, for people
}

// Pull offers an agent's free slots; it is parked until there is something to
// say. Seq grows with each pull of an incarnation: a lower one than the newest
// is stale and ignored. Held must be complete: a lease that an earlier answer
// carried and Held lacks was lost on the way, and is delivered again.
type Pull struct {
	Token Token
	Agent AgentRef
	Seq   int64
	Held  []Held
}

// Renew is a bare sign of life.
type Renew struct {
	Token Token
	Agent AgentRef
}

// Report hands in a result. It is answered with Done when it is accepted, or
// was before, and with Refused (fenced) when the attempt is superseded.
type Report struct {
	Token  Token
	Agent  AgentRef
	Result Result
}

// Drain tells an agent, by name, to finish what it has and to leave.
type Drain struct {
	Token Token
	Name  string
}

// Leave is an agent's goodbye. What it still holds is crashed at once.
type Leave struct {
	Token Token
	Agent AgentRef
}

// Expire answers a parked pull with nothing, so that no request waits for ever.
type Expire struct {
	Token Token
}

// Tick lets time pass: retries are due, the time of runs is over, agents past
// their heartbeat timeout are lost, old idempotency keys are forgotten.
// Machine.Deadline says when the next is due.
type Tick struct{}

func (Trigger) command() {}
func (Decide) command()  {}
func (Pause) command()   {}
func (Cancel) command()  {}
func (Retry) command()   {}
func (Hello) command()   {}
func (Pull) command()    {}
func (Renew) command()   {}
func (Report) command()  {}
func (Drain) command()   {}
func (Leave) command()   {}
func (Expire) command()  {}
func (Tick) command()    {}
