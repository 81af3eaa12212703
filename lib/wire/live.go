package wire

import (
	"encoding/json"
	"fmt"
)

// Live is a message of the live stream (port 5563): an event, consecutive lines
// of one stream, or a mark.
//
// Pos is the position of the event or of the first record (record i has
// Pos+i); in a mark everything up to it is durable. Before tells a subscriber
// whether it has missed a message; only lines and events have it. Lines and
// Events are in a mark: the positions of the newest line and of the newest
// event that were published before it.
type Live struct {
	V       int               `json:"v"`
	Epoch   string            `json:"epoch"`
	Pos     int64             `json:"pos"`
	Before  *Before           `json:"before,omitempty"`
	Event   *Event            `json:"event,omitempty"`
	Records []json.RawMessage `json:"records,omitempty"`
	Lines   int64             `json:"lines,omitempty"`
	Events  int64             `json:"events,omitempty"`
}

// Before has positions of the newest line before a message of lines, and of the
// newest event before one with an event: of all, of the message's workflow, of
// its run. None of them is below the newest that there is, but it may be above,
// where the principal does not remember. So whoever subscribes to one of the
// three and has seen everything up to Before has missed nothing; else the
// history tells.
type Before struct {
	All      int64 `json:"all"`
	Workflow int64 `json:"workflow"`
	Run      int64 `json:"run"`
}

// MaxLive is the largest message of the live stream, in bytes. What is larger
// is in the history alone.
const MaxLive = 64 << 10

// What topics of the live stream begin with; a mark has no more.
const (
	TopicLog   = "log"
	TopicEvent = "event"
	TopicMark  = "mark"
)

// Topic is a topic of the live stream, or with fewer parts the beginning of
// those below it.
func Topic(kind string, parts ...string) string {
	for _, part := range parts {
		kind += "/" + part
	}
	return kind + "/"
}

// DecodeLive reads a message of the live stream. Its records share memory with
// body.
func DecodeLive(body []byte) (*Live, error) {
	if e := readable(body); e != nil {
		return nil, fmt.Errorf("decode live message: %s", e.Message)
	}
	m := &Live{}
	d := decoder{scanner: scanner{text: body}}
	if err := d.message(m); err != nil {
		return nil, fmt.Errorf("decode live message: %w", err)
	}
	return m, nil
}
