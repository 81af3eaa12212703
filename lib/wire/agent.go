package wire

// Bounds of an agent. Both sides keep to them: the agent's before it says
// hello, because a hello that breaks one never succeeds.
const (
	MaxSlots = 10_000
	MaxName  = 128 // bytes
)

// Attempt names one try of one task.
type Attempt struct {
	Run     string `json:"run"`
	Task    string `json:"task"`
	Attempt int    `json:"attempt"`
}

// Held is an attempt that an agent has; State is running, stopping or done
// (ended, the result not yet acknowledged).
type Held struct {
	Attempt
	State string `json:"state"`
}

// AgentRef is in every message of an agent: its id, which stays, and its
// incarnation, which grows with each start.
type AgentRef struct {
	Agent       string `json:"agent"`
	Incarnation int64  `json:"incarnation"`
}

// AgentHello introduces an agent, at its start and whenever the principal
// answers not_found. Held is complete.
type AgentHello struct {
	Header
	AgentRef
	Name    string            `json:"name"`
	Slots   int               `json:"slots"`
	Labels  map[string]string `json:"labels,omitempty"`
	Version string            `json:"version"`
	Held    []Held            `json:"held,omitempty"`
}

// AgentWelcome answers AgentHello. Keep goes on; Kill was given away: its
// process group dies and its result is not wanted.
type AgentWelcome struct {
	Epoch              string    `json:"epoch"` // of this start of the principal
	Logs               string    `json:"logs"`  // address for logs.append; host 0.0.0.0: the host that was dialled
	HeartbeatTimeoutMS int       `json:"heartbeat_timeout_ms"`
	Keep               []Attempt `json:"keep"`
	Kill               []Attempt `json:"kill"`
}

// AgentPull asks for work and is answered when there is some, or with nothing
// after a while. Seq grows with each pull; only the newest is answered with
// leases, and an answer to an older pull than the newest sent is to be
// ignored. Held is complete, so that a lease lost on the way is seen and sent
// again.
type AgentPull struct {
	Header
	AgentRef
	Seq  int64  `json:"seq"`
	Held []Held `json:"held,omitempty"`
}

// AgentWork answers AgentPull.
type AgentWork struct {
	Leases []Lease   `json:"leases,omitempty"`
	Stop   []Attempt `json:"stop,omitempty"` // SIGTERM, 10 s, SIGKILL; then report
	Drain  bool      `json:"drain,omitempty"`
}

// Lease is the right to run one attempt, with all that is needed to do so.
type Lease struct {
	Attempt
	Workflow string `json:"workflow"`
	Spec     Spec   `json:"spec"`

	// Exclusive: the agent ends the process when it has had no answer from the
	// principal for half the heartbeat timeout.
	Exclusive bool `json:"exclusive,omitempty"`

	// TimeoutMS: the agent ends the process after so long (SIGTERM, 10 s,
	// SIGKILL) and reports it as timed_out; 0: never.
	TimeoutMS int64 `json:"timeout_ms,omitempty"`
	// Secrets are names of variables that the agent sets from its environment or
	// its secrets.env, and masks in all lines.
	Secrets []string `json:"secrets,omitempty"`
	// Again says why this is not the task's first attempt, for the log.
	Again string `json:"again,omitempty"`
}

// Spec is a resolved task: what an agent runs. Exactly one of Argv, Script and
// Uv is meant.
type Spec struct {
	Argv   []string          `json:"argv,omitempty"`
	Script *string           `json:"script,omitempty"`
	Shell  string            `json:"shell,omitempty"` // for Script; empty: bash -euo pipefail, else sh -eu
	Uv     *UvSpec           `json:"uv,omitempty"`
	Dir    string            `json:"dir,omitempty"` // relative: to the agent's working directory
	Env    map[string]string `json:"env,omitempty"` // on top of the agent's own
}

// UvSpec is a Python script for uv.
type UvSpec struct {
	Script    string   `json:"script"`
	Packages  []string `json:"packages,omitempty"`
	IsProject bool     `json:"is_project,omitempty"`
	Path      string   `json:"path,omitempty"` // of uv; empty: on PATH
}

// AgentReport hands in one result. ok: accepted, now or before. fenced: not
// wanted; forget it.
type AgentReport struct {
	Header
	AgentRef
	Result Result `json:"result"`
}

// Result is the end of one attempt. Outcome: exited, unable, stopped, dropped,
// timed_out. Outputs are what the task wrote to the file $CDKTR_OUTPUT. Lines names the last sequence number of each stream; the principal takes the
// result only when the history has them.
type Result struct {
	Attempt
	Outcome  string           `json:"outcome"`
	ExitCode *int             `json:"exit_code"`
	Reason   string           `json:"reason,omitempty"`
	Started  *Time            `json:"started"`
	Ended    Time             `json:"ended"`
	Lines    map[string]int64 `json:"lines,omitempty"`

	Outputs map[string]string `json:"outputs,omitempty"`
}

// AgentRenew is a sign of life; AgentLeave a goodbye.
type AgentRenew struct {
	Header
	AgentRef
}
type AgentLeave struct {
	Header
	AgentRef
}

// AgentDrain names the agent that shall finish what it has and leave.
type AgentDrain struct {
	Header
	Name string `json:"name"`
}

// Agent is an agent as cdktr-agent list shows it.
type Agent struct {
	Agent    string            `json:"agent"`
	Status   string            `json:"status"`
	Slots    int               `json:"slots"`
	Running  int               `json:"running"`
	Labels   map[string]string `json:"labels"`
	Version  string            `json:"version"`
	LastSeen *Time             `json:"last_seen"`
	Tasks    []Attempt         `json:"tasks"`
}

// AgentList asks for a page of agents, by name.
type AgentList struct {
	Header
	Cursor string `json:"cursor,omitempty"`
}

// Agents answers AgentList.
type Agents struct {
	Agents []Agent `json:"agents"`
	Cursor string  `json:"cursor,omitempty"`
}
