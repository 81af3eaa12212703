// Package listen is the way from events to runs. A Listener is a source of
// events; a Delivery turns what it emits into triggers, in order and each
// once, whatever becomes of the principal meanwhile. Lines is the listener
// behind cdktr-listen, and a Debouncer merges what comes close together.
//
// It knows neither sockets nor output: how a batch is sent, and who is told of
// its outcome, is the caller's.
package listen

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// Event is something that happened and is to become a run.
type Event struct {
	Line    int64  // its place in the source, from 1
	Text    []byte // as it was read
	Trigger wire.TriggerItem
	Bad     error // why it is none; it keeps its place, and nothing is sent

	// Debounce is how long it waits for another one of its workflow and key,
	// which then takes its place; see Debouncer.
	Debounce time.Duration
	covers   []*held // of a Debouncer: the events that it stands for
}

// ErrNoEvent tells that a line is to be counted, and is none.
var ErrNoEvent = errors.New("the line is no event")

// ErrNotUTF8 tells that a line is no text.
var ErrNotUTF8 = errors.New("the line is not UTF-8")

// Listener is a source of events.
type Listener interface {
	// Listen emits events until the source is at its end or ctx is, which
	// is no error. Events that are there together are best emitted
	// together. emit waits while there are too many under way; where it
	// fails, Listen returns its error.
	Listen(ctx context.Context, emit func([]Event) error) error
}

// Outcome is what became of an event: a run, or the reason why there is none.
// Skipped is one that is nobody's mistake: `overlap: skip` wants no run for a
// slot of a schedule.
type Outcome struct {
	Event
	Run     string
	Skipped string
	Err     error
}

// Undelivered is the Err of an event that was read, and given up with all that
// followed it. One that was Sent may have become a run all the same: its answer
// is what is missing.
type Undelivered struct {
	Sent bool
	Err  error
}

func (u *Undelivered) Error() string {
	if u.Sent {
		return fmt.Sprintf("not known to be accepted: %v", u.Err)
	}
	return fmt.Sprintf("not sent: %v", u.Err)
}

func (u *Undelivered) Unwrap() error { return u.Err }

// known tells that it is decided.
func (o *Outcome) known() bool { return o.Run != "" || o.Skipped != "" || o.Err != nil }
