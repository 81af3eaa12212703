package workflow

import (
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/yamlfile"
)

// Definition is one workflow file, checked whole. It is immutable: a run keeps
// the definition that it started with, whatever becomes of the file.
//
// Its JSON form is what the history stores and what workflow.get answers.
type Definition struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Description string     `json:"description,omitempty"`
	Cron        string     `json:"cron,omitempty"`       // as written; lib/schedule reads it
	StartTime   *time.Time `json:"start_time,omitempty"` // no scheduled run before it
	Timezone    string     `json:"timezone,omitempty"`   // of Cron, an IANA name; empty: UTC, or what Cron says itself

	// Catchup is what becomes of slots that were missed while the principal was
	// away; empty for none. None is older than CatchupWindow.
	Catchup       Catchup  `json:"catchup,omitempty"`
	CatchupWindow Duration `json:"catchup_window,omitempty"` // 0: 24 h

	// Overlap is what becomes of a trigger while as many runs are active as may
	// be; empty for allow. MaxActiveRuns 0: any number with allow, else 1.
	Overlap       Overlap `json:"overlap,omitempty"`
	MaxActiveRuns int     `json:"max_active_runs,omitempty"`

	// Params are the declared parameters with their defaults. Nil means that
	// the file has no params: then a trigger may pass any name. Empty, it is
	// kept in JSON, because then a trigger may pass none.
	Params     map[string]string    `json:"params,omitzero"`
	ParamRules map[string]ParamRule `json:"param_rules,omitempty"` // of those that take not just any text
	Env        map[string]string    `json:"env,omitempty"`         // for all tasks; a task's own wins
	Secrets    []string             `json:"secrets,omitempty"`     // names of variables that the agent has, masked in logs
	Tasks      []Task               `json:"tasks"`                 // in the file's order, never empty

	// Handlers run when all tasks have ended, before the run's final status:
	// OnSuccess or OnFailure, then OnEnd. Their ids are on_success, on_failure
	// and on_end; their own failure changes nothing.
	OnSuccess *Task `json:"on_success,omitempty"`
	OnFailure *Task `json:"on_failure,omitempty"`
	OnEnd     *Task `json:"on_end,omitempty"`

	Timeout  Duration          `json:"timeout,omitempty"`  // of the run, from its first lease; 0: none
	Priority int               `json:"priority,omitempty"` // higher first
	Agents   map[string]string `json:"agents,omitempty"`   // labels that an agent must have

	// Placement is empty for spread: each task on whatever agent is free; with
	// together all tasks of a run are on one agent.
	Placement Placement `json:"placement,omitempty"`
	// OnAgentLoss is empty for rerun: a task whose agent is lost is queued
	// again; with fail it ends there, and the run is CRASHED.
	OnAgentLoss OnAgentLoss `json:"on_agent_loss,omitempty"`
	// Exclusive tasks never run twice at once, anywhere: their agent ends them
	// before the principal may give them to another.
	Exclusive bool `json:"exclusive,omitempty"`

	// Hash identifies the definition: id and content. 32 hex digits.
	Hash string `json:"hash"`
}

// Catchup says which of the slots are run that were missed.
type Catchup string

// The other, none, is empty.
const (
	CatchupLatest Catchup = "latest" // the newest one
	CatchupAll    Catchup = "all"    // each, the oldest first
)

// Overlap says what becomes of a trigger that finds as many runs of its workflow
// active as may be.
type Overlap string

// The other, allow, is empty: it starts a run all the same, which is held back
// only where max_active_runs says so.
const (
	OverlapSkip    Overlap = "skip"    // no run
	OverlapQueue   Overlap = "queue"   // a run that is PENDING until its turn has come
	OverlapReplace Overlap = "replace" // the oldest active runs are cancelled; the new one begins when they have ended
)

// Limit is how many runs of the workflow may be active at once; 0: any number.
func (d *Definition) Limit() int {
	if d.MaxActiveRuns == 0 && d.Overlap != "" {
		return 1
	}
	return d.MaxActiveRuns
}

// Placement is where the tasks of one run go.
type Placement string

// Together is the Placement on one agent. The other, spread, is empty.
const Together Placement = "together"

// OnAgentLoss is what becomes of a task whose agent is lost.
type OnAgentLoss string

// FailOnLoss is the OnAgentLoss that ends the run. The other, rerun, is empty.
const FailOnLoss OnAgentLoss = "fail"

// ParamRule is what a parameter's value must be.
type ParamRule struct {
	Required bool      `json:"required,omitempty"` // there is no default
	Type     ParamType `json:"type,omitempty"`
	Pattern  string    `json:"pattern,omitempty"` // RE2, found anywhere in the value
}

// ParamType is the type of a parameter: that of its default. Empty is any text.
type ParamType string

const (
	Boolean ParamType = "boolean" // true or false
	Integer ParamType = "integer"
	Number  ParamType = "number"
)

// Duration is a length of time, as 1h30m in JSON.
type Duration time.Duration

// String writes it for people: 2h, and not 2h0m0s.
func (d Duration) String() string {
	text := time.Duration(d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// MarshalText writes it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// Task is one node of the DAG, or a handler. Cmd, args, run, env and
// working_directory hold expressions as they are written, ${{ … }}.
type Task struct {
	ID               string            `json:"id"`
	Name             string            `json:"name"`
	Description      string            `json:"description,omitempty"`
	Depends          []string          `json:"depends,omitempty"` // task ids, each once
	WorkingDirectory string            `json:"working_directory,omitempty"`
	Env              map[string]string `json:"env,omitempty"`
	Action           Action            `json:"action"`

	Timeout      Duration  `json:"timeout,omitempty"` // of an attempt; 0: none
	Retries      Retries   `json:"retries,omitzero"`
	If           Condition `json:"if,omitempty"`            // empty: success
	AllowFailure bool      `json:"allow_failure,omitempty"` // its failure fails nothing else
}

// Retries says how often a failed attempt is followed by another, and when: the
// first after Delay, each further one after Backoff times the delay before, but
// never more than MaxDelay.
type Retries struct {
	Limit    int      `json:"limit"`
	Delay    Duration `json:"delay,omitempty"`
	Backoff  float64  `json:"backoff,omitempty"`   // 0: 1
	MaxDelay Duration `json:"max_delay,omitempty"` // 0: 24 h
}

// Condition is what a task asks of those that it depends on, when they have
// ended.
type Condition string

// The other, success, is empty: all have completed, or failed where that is
// allowed.
const (
	IfFailure Condition = "failure" // one at least failed, crashed, or was skipped because of such a one
	IfAlways  Condition = "always"
)

// The ids of the handlers.
const (
	OnSuccessID = "on_success"
	OnFailureID = "on_failure"
	OnEndID     = "on_end"
)

// Handlers returns the handlers that there are, in the order in which they run.
func (d *Definition) Handlers() []*Task {
	var all []*Task
	for _, h := range []*Task{d.OnSuccess, d.OnFailure, d.OnEnd} {
		if h != nil {
			all = append(all, h)
		}
	}
	return all
}

// Task returns the task or the handler with that id, or nil.
func (d *Definition) Task(id string) *Task {
	for _, h := range d.Handlers() {
		if h.ID == id {
			return h
		}
	}
	for i := range d.Tasks {
		if d.Tasks[i].ID == id {
			return &d.Tasks[i]
		}
	}
	return nil
}

// Dependents returns, for each task, the indexes of the tasks that depend on
// it, both in the file's order.
func (d *Definition) Dependents() [][]int {
	index := make(map[string]int, len(d.Tasks))
	for i, t := range d.Tasks {
		index[t.ID] = i
	}
	dependents := make([][]int, len(d.Tasks))
	for i, t := range d.Tasks {
		for _, dep := range t.Depends {
			dependents[index[dep]] = append(dependents[index[dep]], i)
		}
	}
	return dependents
}

// Action is what a task does: exactly one field is set.
type Action struct {
	Subprocess *Subprocess `json:"subprocess,omitempty"`
	UvPython   *UvPython   `json:"uv_python,omitempty"`
	Script     *Script     `json:"script,omitempty"`
}

// Subprocess is `config: !Subprocess`: a program, found on PATH or by its path.
type Subprocess struct {
	Cmd  string   `json:"cmd"`
	Args []string `json:"args,omitempty"`
}

// UvPython is `config: !UvPython`: a Python script run by uv.
type UvPython struct {
	ScriptPath  string   `json:"script_path"`
	Packages    []string `json:"packages,omitempty"`
	IsUvProject bool     `json:"is_uv_project,omitempty"`
	UvPath      string   `json:"uv_path,omitempty"` // empty: uv on PATH
}

// Script is `run:`: a text for a shell, which gets it as a file.
type Script struct {
	Text  string `json:"text"`
	Shell string `json:"shell,omitempty"` // empty: bash -euo pipefail, else sh -eu
}

// Problem is one mistake in a file, or one warning.
type Problem = yamlfile.Problem
