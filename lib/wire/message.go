package wire

import (
	"encoding/json"
)

// Version is the protocol's version, in every message as "v".
const Version = 1

// MaxMessage is the largest message, in bytes, that either side takes.
const MaxMessage = 4 << 20

// Op names an operation.
type Op string

const (
	OpPing           Op = "ping"
	OpStatus         Op = "status"
	OpReload         Op = "reload"
	OpShutdown       Op = "shutdown"
	OpWorkflowList   Op = "workflow.list"
	OpWorkflowGet    Op = "workflow.get"
	OpWorkflowPause  Op = "workflow.pause"
	OpWorkflowResume Op = "workflow.resume"
	OpScheduleList   Op = "schedule.list"
	OpScheduleDecide Op = "schedule.decide"
	OpRunTrigger     Op = "run.trigger"
	OpRunGet         Op = "run.get"
	OpRunList        Op = "run.list"
	OpRunWait        Op = "run.wait"
	OpRunCancel      Op = "run.cancel"
	OpRunRetry       Op = "run.retry"
	OpEventsQuery    Op = "events.query"
	OpLogsQuery      Op = "logs.query"
	OpLogsAppend     Op = "logs.append" // port 5562 only
	OpAgentHello     Op = "agent.hello"
	OpAgentPull      Op = "agent.pull"
	OpAgentRenew     Op = "agent.renew"
	OpAgentReport    Op = "agent.report"
	OpAgentDrain     Op = "agent.drain"
	OpAgentLeave     Op = "agent.leave"
	OpAgentList      Op = "agent.list"
	OpKeyGrant       Op = "key.grant"
	OpKeyRevoke      Op = "key.revoke"
	OpKeyList        Op = "key.list"
)

// Reads tells that an op changes nothing: it may be asked again at will.
func (o Op) Reads() bool {
	switch o {
	case OpPing, OpStatus, OpWorkflowList, OpWorkflowGet, OpScheduleList, OpRunGet, OpRunList, OpRunWait, OpEventsQuery, OpLogsQuery, OpAgentList, OpKeyList:
		return true
	}
	return false
}

// Header is what every request begins with.
type Header struct {
	V  int    `json:"v"`
	ID string `json:"id"`
	Op Op     `json:"op"`
}

// SetHeader is promoted to every request.
func (h *Header) SetHeader(x Header) { *h = x }

// Reply is the answer to any request.
type Reply struct {
	V      int             `json:"v"`
	ID     string          `json:"id"`
	OK     bool            `json:"ok"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  *Error          `json:"error,omitempty"`
}

// Code classifies an error; commands turn it into their exit code.
type Code string

const (
	BadRequest  Code = "bad_request"
	TooLarge    Code = "too_large"
	Conflict    Code = "conflict"
	NotFound    Code = "not_found"
	Unavailable Code = "unavailable"
	NotAllowed  Code = "not_allowed"
	BadVersion  Code = "bad_version"
	UnknownOp   Code = "unknown_op"
	Fenced      Code = "fenced"
	Internal    Code = "internal"
)

// Error is an error as it travels.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	Skipped bool   `json:"skipped,omitempty"` // with unavailable: `overlap: skip` wants no run, do not wait for it
}

func (e *Error) Error() string { return e.Message }
