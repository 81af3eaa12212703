package principal

import (
	"context"

	"github.com/cdktr/cdktr/lib/wire"
)

// Roles of keys. An admin may do everything.
const (
	admin    = "admin"
	agent    = "agent"
	operator = "operator"
	viewer   = "viewer"
)

// op is one operation: who may ask for it, and what answers it.
type op struct {
	roles []string
	serve func(ctx context.Context, p *Principal, c *call)

	starts bool // new work: refused by a principal that stops
}

func (o op) starting() op {
	o.starts = true
	return o
}

// handle makes an op of a request type and a method that answers it.
func handle[T any](answer func(*Principal, context.Context, *call, *T), roles ...string) op {
	return op{roles: roles, serve: func(ctx context.Context, p *Principal, c *call) {
		req := new(T)
		if refused := wire.DecodeRequest(c.body, req); refused != nil {
			c.refuse(refused)
			return
		}
		answer(p, ctx, c, req)
	}}
}

// ops are the operations of the API port.
func ops() map[wire.Op]op {
	return map[wire.Op]op{
		wire.OpPing:           handle((*Principal).ping, agent, operator, viewer),
		wire.OpStatus:         handle((*Principal).status, operator, viewer),
		wire.OpReload:         handle((*Principal).reload),
		wire.OpShutdown:       handle((*Principal).shutdown),
		wire.OpWorkflowList:   handle((*Principal).listWorkflows, operator, viewer),
		wire.OpWorkflowGet:    handle((*Principal).getWorkflow, operator, viewer),
		wire.OpWorkflowPause:  handle((*Principal).pauseWorkflow, operator),
		wire.OpWorkflowResume: handle((*Principal).resumeWorkflow, operator),
		wire.OpScheduleList:   handle((*Principal).listSchedules, operator, viewer),
		wire.OpScheduleDecide: handle((*Principal).decideSlots, operator).starting(),
		wire.OpRunTrigger:     handle((*Principal).trigger, operator).starting(),
		wire.OpRunCancel:      handle((*Principal).cancelRun, operator),
		wire.OpRunRetry:       handle((*Principal).retryRun, operator).starting(),
		wire.OpRunWait:        handle((*Principal).waitRun, operator, viewer),
		wire.OpRunGet:         handle((*Principal).getRun, operator, viewer),
		wire.OpRunList:        handle((*Principal).listRuns, operator, viewer),
		wire.OpEventsQuery:    handle((*Principal).listEvents, operator, viewer),
		wire.OpLogsQuery:      handle((*Principal).listLogs, operator, viewer),
		wire.OpAgentHello:     handle((*Principal).agentHello, agent),
		wire.OpAgentPull:      handle((*Principal).agentPull, agent),
		wire.OpAgentRenew:     handle((*Principal).agentRenew, agent),
		wire.OpAgentReport:    handle((*Principal).agentReport, agent),
		wire.OpAgentLeave:     handle((*Principal).agentLeave, agent),
		wire.OpAgentDrain:     handle((*Principal).agentDrain, agent),
		wire.OpAgentList:      handle((*Principal).listAgents, operator, viewer),
		wire.OpKeyGrant:       handle((*Principal).grantKey),
		wire.OpKeyRevoke:      handle((*Principal).revokeKey),
		wire.OpKeyList:        handle((*Principal).listKeys),
	}
}

// door reads the API port: it checks each request and hands it to what answers
// it. It never waits for an answer.
func (p *Principal) door(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case request, open := <-p.api.Requests():
			if !open {
				return nil
			}
			p.admit(ctx, p.newCall(request))
		}
	}
}

// admit hands a call to what answers it, or refuses it.
func (p *Principal) admit(ctx context.Context, c *call) {
	header, refused := wire.DecodeHeader(c.body)
	c.header = header
	if refused != nil {
		c.refuse(refused)
		return
	}
	op, known := p.ops[header.Op]
	if !known {
		c.refuse(refuse(wire.UnknownOp, "this principal knows no op %q", header.Op))
		return
	}
	if refused := p.allow(c, op.roles); refused != nil {
		c.refuse(refused)
		return
	}
	if op.starts && p.closing.Load() {
		c.refuse(stopping())
		return
	}
	op.serve(ctx, p, c)
}

func stopping() *wire.Error { return refuse(wire.Unavailable, "the principal is stopping") }

func (p *Principal) isAdmin(c *call) bool {
	if c.within || p.cfg.Insecure {
		return true
	}
	_, role, known := p.cfg.Ring.Lookup(c.key)
	return known && role == admin
}

// allow checks the role of the key that the peer proved, on every message: a
// key that is gone is refused though its connection stands.
func (p *Principal) allow(c *call, roles []string) *wire.Error {
	if c.within || p.cfg.Insecure {
		return nil
	}
	name, role, known := p.cfg.Ring.Lookup(c.key)
	if !known {
		return strange()
	}
	if role == admin {
		return nil
	}
	for _, r := range roles {
		if r == role {
			return nil
		}
	}
	return refuse(wire.NotAllowed, "key %q has the role %s, which may not %s", name, role, c.header.Op)
}

func strange() *wire.Error { return refuse(wire.NotAllowed, "this key is not known here") }
