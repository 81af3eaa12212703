package principal

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

// call is one request on its way through the principal. It is answered once:
// only the first reply counts.
type call struct {
	body   []byte
	reply  func(body []byte) // never waits
	header wire.Header
	key    string // the public key that the peer proved
	known  func(public string) bool
	within bool // it comes from within this process, with no key
}

func (p *Principal) newCall(request *bus.Request) *call {
	return &call{body: request.Body, reply: request.Reply, key: request.Key, known: p.letIn}
}

// ok answers with a result, unless the asker's key was revoked while it waited.
func (c *call) ok(result any) {
	if !c.known(c.key) {
		c.refuse(strange())
		return
	}
	body := wire.EncodeReply(c.header.ID, result)
	if len(body) > wire.MaxMessage {
		c.refuse(&wire.Error{Code: wire.TooLarge, Message: fmt.Sprintf("the answer to %s has %d bytes; a message holds at most %d", c.header.Op, len(body), wire.MaxMessage)})
		return
	}
	c.reply(body)
}

// refuse answers with an error; a key that was revoked meanwhile hears that.
func (c *call) refuse(err *wire.Error) {
	if !c.known(c.key) {
		err = strange()
	}
	c.reply(wire.EncodeError(c.header.ID, err))
}

// fail answers with err: as it is when it is meant for the asker, else as
// internal, with the details in the log alone.
func (c *call) fail(log *slog.Logger, err error) {
	var refused *wire.Error
	if errors.As(err, &refused) {
		c.refuse(refused)
		return
	}
	log.Error("request failed", "op", c.header.Op, "error", err)
	c.refuse(&wire.Error{Code: wire.Internal, Message: fmt.Sprintf("%s failed; the principal's log says why", c.header.Op)})
}

// effect answers a call whose command the machine has decided.
func (c *call) effect(e run.Effect, result any) {
	if r, refused := e.(run.Refused); refused {
		c.refuse(refusal(r))
		return
	}
	c.ok(result)
}

func refusal(r run.Refused) *wire.Error {
	return &wire.Error{Code: wire.Code(r.Code), Message: r.Message, Skipped: r.Skipped}
}

func refuse(code wire.Code, format string, args ...any) *wire.Error {
	return &wire.Error{Code: code, Message: fmt.Sprintf(format, args...)}
}
