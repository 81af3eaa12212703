package main

import (
	"context"
	"fmt"

	"github.com/cdktr/cdktr/lib/agent"
	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/wire"
)

// link is a client as an agent wants it: one try a call. The agent itself
// knows when to try again.
type link struct{ *client.Client }

func (l link) Call(ctx context.Context, op wire.Op, req, result any) error {
	r, ok := req.(client.Request)
	if !ok {
		return fmt.Errorf("%T is not a request", req)
	}
	return l.CallOnce(ctx, op, r, result)
}

// links are the two connections of an agent. The one for lines goes to where
// the principal says at each hello.
type links struct {
	api, line link
	at        string // where the second one goes, as the principal says
}

func newLinks(env cli.Env, beside bool) (*links, error) {
	o, err := env.AgentOptions()
	if beside {
		o.Address, o.Remote, o.Fallback = "", nil, nil // the data directory's principal, wherever the next one listens
	} else if err != nil {
		return nil, err
	}
	return &links{api: link{client.New(o)}}, nil
}

// logs is called by the agent's own goroutine alone.
func (l *links) logs(address string) agent.Link {
	if address == l.at {
		return l.line
	}
	if l.line.Client != nil {
		l.line.Close()
	}
	l.at, l.line = address, link{l.api.Beside(address)}
	return l.line
}

func (l *links) close() {
	l.api.Close()
	if l.line.Client != nil {
		l.line.Close()
	}
}
