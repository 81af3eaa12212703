// Package listen is the way from events to runs. A Listener is a source of
// events; a Delivery turns what it emits into triggers, in order and each
// once, whatever becomes of the principal meanwhile. Lines is the listener
// behind cdktr-listen.
//
// It knows neither sockets nor output: how a batch is sent, and who is told of
// its outcome, is the caller's.
package listen

import (
	"context"

	"github.com/cdktr/cdktr/lib/wire"
)

// Event is something that happened and is to become a run.
type Event struct {
	Line    int64  // its place in the source, from 1
	Text    []byte // as it was read
	Trigger wire.TriggerItem
	Bad     error // why it is none; it keeps its place, and nothing is sent
}

// Listener is a source of events.
type Listener interface {
	// Listen emits events until the source is at its end or ctx is, which
	// is no error. Events that are there together are best emitted
	// together. emit waits while there are too many under way; where it
	// fails, Listen returns its error.
	Listen(ctx context.Context, emit func([]Event) error) error
}

// Outcome is what became of an event: a run, or the reason why there is none.
type Outcome struct {
	Event
	Run string
	Err error
}
