package principal

import (
	"context"
	"errors"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

// keyCodes are the answers to what a ring refuses.
var keyCodes = []struct {
	err  error
	code wire.Code
}{
	{bus.ErrKeyName, wire.BadRequest},
	{bus.ErrKeyRole, wire.BadRequest},
	{bus.ErrKey, wire.BadRequest},
	{bus.ErrKeyExists, wire.Conflict},
	{bus.ErrNoHolder, wire.NotFound},
	{bus.ErrOwnKey, wire.NotAllowed},
}

func keyRefusal(err error) error {
	for _, k := range keyCodes {
		if errors.Is(err, k.err) {
			return refuse(k.code, "%v", err)
		}
	}
	return err
}

// withoutKeys refuses what makes no sense without keys.
func (p *Principal) withoutKeys(c *call) bool {
	if p.cfg.Insecure {
		c.refuse(refuse(wire.Unavailable, "this principal was started with --insecure: it asks nobody for a key"))
	}
	return p.cfg.Insecure
}

func (p *Principal) grantKey(ctx context.Context, c *call, req *wire.KeyGrant) {
	if p.withoutKeys(c) {
		return
	}
	p.queries.aside(ctx, c, func(context.Context) (any, error) {
		if err := p.cfg.Ring.Grant(bus.Holder{Name: req.Name, Role: req.Role, Public: req.PublicKey}); err != nil {
			return nil, keyRefusal(err)
		}
		p.cfg.Log.Info("key granted", "name", req.Name, "role", req.Role)
		return wire.KeyGranted{PrincipalKey: p.cfg.Ring.Principal().Public, API: p.api.Endpoint()}, nil
	})
}

// revokeKey ends a key at once. Requests are checked one by one; what stands
// longer than a request is ended here: subscriptions, and agents with what
// they run.
func (p *Principal) revokeKey(ctx context.Context, c *call, req *wire.KeyRevoke) {
	if p.withoutKeys(c) {
		return
	}
	p.queries.aside(ctx, c, func(context.Context) (any, error) {
		public, err := p.cfg.Ring.Revoke(req.Name)
		if err != nil && public == "" {
			return nil, keyRefusal(err)
		}
		p.cfg.Log.Info("key revoked", "name", req.Name)
		if public == "" {
			return wire.Nothing{}, nil // a file that let nobody in
		}
		p.live.pub.Rebind()
		p.loop.submit(ctx, func(l *loop) {
			l.dismiss(public)
			if err != nil {
				c.fail(p.cfg.Log, err)
				return
			}
			l.effects = append(l.effects, run.Done{Token: l.expect(func(run.Effect) { c.ok(wire.Nothing{}) })})
		})
		return nil, errAnsweredElsewhere
	})
}

// dismiss lets the agents of a key go: what they hold is queued again.
func (l *loop) dismiss(public string) {
	for _, a := range l.machine.Agents() {
		if l.agentKeys[a.Ref.ID] == public {
			l.apply(run.Leave{Agent: a.Ref})
		}
	}
}

func (p *Principal) listKeys(_ context.Context, c *call, req *wire.KeyList) {
	if p.withoutKeys(c) {
		return
	}
	out := wire.Keys{Keys: []wire.Key{}}
	for _, h := range p.cfg.Ring.Holders() {
		if h.Name <= req.Cursor {
			continue
		}
		if len(out.Keys) == pageSize {
			out.Cursor = out.Keys[pageSize-1].Name
			break
		}
		out.Keys = append(out.Keys, wire.Key{Name: h.Name, Role: h.Role, PublicKey: h.Public})
	}
	c.ok(out)
}
