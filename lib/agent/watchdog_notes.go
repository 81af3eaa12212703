package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cdktr/cdktr/lib/task"
	"github.com/cdktr/cdktr/lib/wire"
)

// What an agent and its watchdog tell each other: one JSON object a line, in
// order, over two pipes.

// Kinds of notes to the watchdog.
const (
	noteBegin = "begin" // an attempt is about to be started
	noteRuns  = "runs"  // it was started: its process
	noteEnd   = "end"   // it is over, or never began
	noteAsk   = "ask"   // was it killed?
	noteHeard = "heard" // the principal answered
)

// note is what the agent tells.
type note struct {
	Kind string `json:"kind"`
	wire.Attempt
	Exclusive bool    `json:"exclusive,omitempty"` // of begin
	Process   task.ID `json:"process,omitzero"`    // of runs
	contact           // of heard
}

// contact is the newest sign of the principal.
type contact struct {
	// Sent is when the newest call that the principal answered was sent, on
	// the clock of task.Uptime.
	Sent time.Duration `json:"sent,omitempty"`
	// Limit is how long after that exclusive tasks may run; 0: for ever.
	Limit time.Duration `json:"limit,omitempty"`
}

// overdue says that exclusive tasks must not run any more.
func (c contact) overdue(now time.Duration) bool { return c.Limit > 0 && now-c.Sent > c.Limit }

// verdict answers a noteAsk. The one without an attempt says that the watchdog
// is there.
type verdict struct {
	wire.Attempt
	Killed bool          `json:"killed,omitempty"`
	Silent time.Duration `json:"silent,omitempty"` // for how long the principal had been
}

// reason is why the attempt did not go on, for people.
func (v verdict) reason() error {
	return fmt.Errorf("no answer from the principal for %s: an exclusive task does not go on", v.Silent.Round(100*time.Millisecond))
}

// maxNote is the longest line: names are bounded well below it.
const maxNote = 64 << 10

func encodeNote(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return nil // structs of numbers and text always encode
	}
	return append(b, '\n')
}

var errBadNote = errors.New("bad note")

// decodeNote takes a line that means something, and no other.
func decodeNote(line []byte) (n note, err error) {
	if err := decodeStrictly(line, &n); err != nil {
		return note{}, err
	}
	named := n.Run != "" && n.Task != "" && n.Attempt.Attempt > 0
	switch n.Kind {
	case noteBegin, noteEnd, noteAsk:
		if !named {
			err = fmt.Errorf("%w: %s without an attempt", errBadNote, n.Kind)
		}
	case noteRuns:
		if !named || n.Process.PID <= 1 {
			err = fmt.Errorf("%w: it names no process of an attempt", errBadNote)
		}
	case noteHeard:
		if n.Sent < 0 || n.Limit < 0 {
			err = fmt.Errorf("%w: negative time", errBadNote)
		}
	default:
		err = fmt.Errorf("%w: kind %q", errBadNote, n.Kind)
	}
	if err != nil {
		return note{}, err
	}
	return n, nil
}

func decodeStrictly(line []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w: %w", errBadNote, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("%w: more than one", errBadNote)
	}
	return nil
}
