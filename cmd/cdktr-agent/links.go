package main

import (
	"context"
	"fmt"
	"net"
	"strings"

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
	o    client.Options
	api  link
	at   string
	line link
}

func newLinks(env cli.Env, beside bool) *links {
	o := env.ClientOptions()
	if beside {
		o.Address = "" // the data directory's principal, wherever the next one listens
	}
	o.Identity = "agent"
	o.Waiting = nil // the agent's log says it
	return &links{o: o, api: link{client.New(o)}}
}

// logs is called by the agent's own goroutine alone.
func (l *links) logs(address string) agent.Link {
	if address = reachable(address, l.o.Address); address == l.at {
		return l.line
	}
	if l.line.Client != nil {
		l.line.Close()
	}
	o := l.o
	o.Address = address
	l.at, l.line = address, link{client.New(o)}
	return l.line
}

func (l *links) close() {
	l.api.Close()
	if l.line.Client != nil {
		l.line.Close()
	}
}

// reachable is where to dial for an address that the principal listens on: one
// that listens everywhere is at the host where its API was found.
func reachable(address, api string) string {
	host, port, err := net.SplitHostPort(strings.TrimPrefix(address, "tcp://"))
	if err != nil || (host != "0.0.0.0" && host != "::") {
		return address
	}
	host, _, err = net.SplitHostPort(strings.TrimPrefix(api, "tcp://"))
	if err != nil {
		host = "127.0.0.1"
	}
	return "tcp://" + net.JoinHostPort(host, port)
}
