package client

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/wire"
)

// principal is the other side: it answers pings, and the rest as a test says.
type principal struct {
	t      *testing.T
	data   string
	server *bus.Server
	api    string
	done   chan struct{}

	mu    sync.Mutex
	mute  bool // answers nothing but pings
	asked []wire.Header
	also  func(wire.Header, *bus.Request) bool // answers before all others, if it does
}

// start serves a data directory, on a free port, and announces itself.
func start(t *testing.T, data string) *principal {
	t.Helper()
	ring, err := bus.OpenRing(filepath.Join(data, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	pair := ring.Principal()
	server, err := bus.NewServer(&pair, func(public string, _ bool) bool {
		_, _, known := ring.Lookup(public)
		return known
	})
	if err != nil {
		t.Fatal(err)
	}
	router, err := server.Router("tcp://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &principal{t: t, data: data, server: server, api: router.Endpoint(), done: make(chan struct{})}
	announce(t, data, wire.Presence{PID: os.Getpid(), API: p.api, PublicKey: pair.Public})
	go p.serve(router)
	t.Cleanup(p.stop)
	return p
}

func announce(t *testing.T, data string, there wire.Presence) {
	t.Helper()
	text, err := json.Marshal(there)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(data, wire.PresenceFile)
	if err := os.WriteFile(name+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

// stop ends the server as a crash would: the presence file stays.
func (p *principal) stop() {
	p.server.Close()
	<-p.done
}

func (p *principal) serve(router *bus.Router) {
	defer close(p.done)
	for r := range router.Requests() {
		header, refused := wire.DecodeHeader(r.Body)
		switch {
		case refused != nil:
			r.Reply(wire.EncodeError(header.ID, refused))
		case header.Op == wire.OpPing:
			r.Reply(wire.EncodeReply(header.ID, wire.Pong{Version: "test"}))
		default:
			p.answer(header, r)
		}
	}
}

func (p *principal) answer(header wire.Header, r *bus.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, header)
	switch {
	case p.also != nil && p.also(header, r):
	case p.mute && header.Op != wire.OpStatus:
	case header.Op == wire.OpRunGet:
		r.Reply(wire.EncodeError(header.ID, &wire.Error{Code: wire.NotFound, Message: "no run"}))
	case header.Op == wire.OpRunTrigger:
		var req wire.Trigger
		if refused := wire.DecodeRequest(r.Body, &req); refused != nil {
			r.Reply(wire.EncodeError(header.ID, refused))
			return
		}
		r.Reply(wire.EncodeReply(header.ID, wire.Triggered{Run: req.Key}))
	case header.Op == wire.OpRunWait:
		// Not at the first time: a principal that stops answers early.
		waits := 0
		for _, h := range p.asked {
			if h.Op == wire.OpRunWait {
				waits++
			}
		}
		r.Reply(wire.EncodeReply(header.ID, wire.RunWaited{Run: "r", Status: "COMPLETED", Ended: waits > 1}))
	default:
		r.Reply(wire.EncodeReply(header.ID, wire.PrincipalStatus{Epoch: p.api}))
	}
}

func (p *principal) silence(mute bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mute = mute
}

// heard is how many requests have come, pings left out.
func (p *principal) heard() int { return len(p.requests()) }

func (p *principal) requests() []wire.Header {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

func open(t *testing.T, o Options) *Client {
	t.Helper()
	if o.Try == 0 {
		o.Try = 2 * time.Second
	}
	c := New(o)
	t.Cleanup(func() { c.Close() })
	return c
}
