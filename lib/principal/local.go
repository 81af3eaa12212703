package principal

import (
	"context"

	"github.com/cdktr/cdktr/lib/wire"
)

// Local answers an encoded request that comes from within this process, as an
// admin's, on the same way as one from a socket. The error is that of ctx: then
// nobody knows whether the request was done, as with a reply that is lost. It may
// be called before Run, but not after Run has returned; a principal that stops
// refuses.
func (p *Principal) Local(ctx context.Context, request []byte) (reply []byte, err error) {
	replies := make(chan []byte, 1)
	c := &call{
		body:   request,
		within: true,
		known:  func(string) bool { return true },
		reply: func(body []byte) {
			select {
			case replies <- body:
			default: // it has one
			}
		},
	}
	p.admit(ctx, c)
	select {
	case reply = <-replies:
		return reply, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.loop.over:
	}
	select {
	case reply = <-replies: // its last word
		return reply, nil
	default:
		return wire.EncodeError(c.header.ID, stopping()), nil
	}
}
