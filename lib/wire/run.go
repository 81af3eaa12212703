package wire

// Params are a run's parameters. On the wire a value may be a string, a number
// or a boolean (its JSON text is the value), or null (the empty string); an
// object or a list becomes its compact JSON text.
type Params map[string]string

// Trigger asks for one run, or with Batch for many in one commit; then the
// other fields are empty.
type Trigger struct {
	Header
	TriggerItem
	Batch []TriggerItem `json:"batch,omitempty"`
}

// TriggerItem is one wanted run. Source defaults to "api".
type TriggerItem struct {
	Workflow string `json:"workflow,omitempty"`
	Params   Params `json:"params,omitempty"`
	Key      string `json:"key,omitempty"`
	Source   string `json:"trigger,omitempty"`

	// Scheduled is the instant that the run is for, where it is a slot of a
	// schedule, which Schedule names as its scheduler writes it.
	Scheduled *Time  `json:"scheduled,omitempty"`
	Schedule  string `json:"schedule,omitempty"`
}

// Triggered answers a Trigger; Batch has one entry an item, in order. Skipped
// says why a slot has no run, because of `overlap: skip`; a trigger without a
// slot gets an error for that.
type Triggered struct {
	Skipped  string      `json:"skipped,omitempty"`
	Run      string      `json:"run,omitempty"`
	Existing bool        `json:"existing,omitempty"` // the key already had this run
	Error    *Error      `json:"error,omitempty"`    // in a batch only
	Batch    []Triggered `json:"batch,omitempty"`
}

// RunRef asks about one run: run.get, run.cancel. Run may be a unique prefix
// of 4 characters or more.
type RunRef struct {
	Header
	Run string `json:"run"`
}

// RunRetry opens a run again that has ended and did not complete. After is the
// position of its end, as of RunWaited: with it the request may come twice.
type RunRetry struct {
	Header
	Run   string `json:"run"`
	After int64  `json:"after,omitempty"`
}

// RunWait asks to be answered when a run has ended, and at the latest after
// TimeoutMS (at most, and by default, 20,000).
type RunWait struct {
	Header
	Run       string `json:"run"`
	TimeoutMS int    `json:"timeout_ms,omitempty"`
}

// RunWaited answers RunWait; Ended is false when the time was up.
type RunWaited struct {
	Run    string `json:"run"`
	Status string `json:"status"`
	Ended  bool   `json:"ended"`
	Pos    int64  `json:"pos"` // of the run's last event
}

// Run is a run as cdktr-run -o json shows it.
type Run struct {
	Run      string `json:"run"`
	Workflow string `json:"workflow"`
	Status   string `json:"status"`
	Trigger  string `json:"trigger"`
	Params   Params `json:"params"`
	Created  *Time  `json:"created"`
	Started  *Time  `json:"started"`
	Ended    *Time  `json:"ended"`
	Tasks    []Task `json:"tasks,omitempty"` // the file's order; absent in lists
}

// Task is the latest attempt of a task of a run. Attempt is 0 before the first.
type Task struct {
	Task     string            `json:"task"`
	Status   string            `json:"status"`
	Attempt  int               `json:"attempt"`
	Agent    *string           `json:"agent"`
	ExitCode *int              `json:"exit_code"`
	Started  *Time             `json:"started"`
	Ended    *Time             `json:"ended"`
	Reason   *string           `json:"reason"`
	Outputs  map[string]string `json:"outputs"`
}

// RunList asks for a page of runs, newest last. Since is inclusive, Until
// exclusive, on the time of creation. After > 0 leaves out runs of which no
// event is after that position. Grep (as of LogsQuery) must match the workflow,
// the trigger, a parameter as NAME=VALUE or the status. Last > 0 keeps the
// newest Last only, after all filters.
type RunList struct {
	Header
	Filter
	Grep   string `json:"grep,omitempty"`
	After  int64  `json:"after,omitempty"`
	Last   int    `json:"last,omitempty"`
	Cursor string `json:"cursor,omitempty"` // from the page before
}

// Runs is a page of runs. An empty Cursor: there is no more. Pos is as of Logs.
type Runs struct {
	Runs   []Run  `json:"runs"`
	Cursor string `json:"cursor,omitempty"`
	Pos    int64  `json:"pos"`
}

// Filter narrows a query. Workflow is a glob.
type Filter struct {
	Workflow string `json:"workflow,omitempty"`
	Run      string `json:"run,omitempty"`
	Since    *Time  `json:"since,omitempty"`
	Until    *Time  `json:"until,omitempty"`
}

// EventsQuery asks for a page of status changes, in order of pos. After > 0
// leaves out what is up to that position. Grep (as of LogsQuery) must match the
// workflow, the task, the status, the agent or the reason. Last > 0 keeps the
// newest Last only, after all filters.
type EventsQuery struct {
	Header
	Filter
	Task   string `json:"task,omitempty"`
	Grep   string `json:"grep,omitempty"`
	After  int64  `json:"after,omitempty"`
	Last   int    `json:"last,omitempty"`
	Cursor string `json:"cursor,omitempty"`
}

// Event is one status change; Task is null for the run's own. A slot of a
// schedule that gets no run is SKIPPED, with an empty Run.
type Event struct {
	Time     Time    `json:"time"`
	Pos      int64   `json:"pos"`
	Workflow string  `json:"workflow"`
	Run      string  `json:"run"`
	Task     *string `json:"task"`
	Attempt  *int    `json:"attempt"`
	Status   string  `json:"status"`
	Agent    *string `json:"agent"`
	Reason   *string `json:"reason"`
}

// Events is a page of events. Pos is as of Logs.
type Events struct {
	Events []Event `json:"events"`
	Cursor string  `json:"cursor,omitempty"`
	Pos    int64   `json:"pos"`
}
