package wire

import (
	"encoding/json"
	"time"
)

// Streams of an attempt. System is CDKTR's own: start, exit, signal, gap.
const (
	Stdout = "stdout"
	Stderr = "stderr"
	System = "system"
)

// LogAppend hands in batches of lines (port 5562). It is answered after they
// are durable; the sender keeps them until then.
type LogAppend struct {
	Header
	Agent   string     `json:"agent"` // the agent's name, for people
	Batches []LogBatch `json:"batches"`
}

// LogBatch is a run of consecutive lines of one stream: the sequence numbers
// First, First+1, … A line that a part before it already brought is dropped; a
// batch that leaves a hole before it is refused with what was expected.
type LogBatch struct {
	Workflow string `json:"workflow"`
	Run      string `json:"run"`
	Task     string `json:"task"`
	Attempt  int    `json:"attempt"`
	Stream   string `json:"stream"`
	First    int64  `json:"first"`
	Lines    []Line `json:"lines"`

	// A sender that has encoded its lines before (AppendLines) leaves Lines
	// empty: Encoded has them in pieces, and Count says how many lines that is.
	Encoded [][]byte `json:"-"`
	Count   int64    `json:"-"`

	Agent string `json:"-"` // set by the receiver from LogAppend
	Pos   int64  `json:"-"` // set by the store: line i has Pos+i
}

// StreamID names one stream of one attempt: the scope of sequence numbers.
type StreamID struct {
	Run     string
	Task    string
	Attempt int
	Stream  string
}

// ID is the batch's stream.
func (b *LogBatch) ID() StreamID {
	return StreamID{Run: b.Run, Task: b.Task, Attempt: b.Attempt, Stream: b.Stream}
}

// Last is the sequence number of the batch's last line.
func (b *LogBatch) Last() int64 { return b.First + int64(len(b.Lines)) + b.Count - 1 }

// Line is one line without its end. Exactly one of Text, Bytes and Gap is
// meant: Bytes (base64 in JSON) where the line is not UTF-8, Gap where lines
// are missing for good. A gap stands for Gap.Lines sequence numbers and has the
// last of them; it is the only line of its batch. Where some of the lines that
// it stands for are durable, the receiver makes it smaller: {First: 10, Gap: 10
// lines} on a stream that is durable up to 7 becomes a gap of 3 lines.
type Line struct {
	Time  int64  `json:"t"` // milliseconds since 1970
	Text  string `json:"m,omitempty"`
	Bytes []byte `json:"b,omitempty"`
	Part  int    `json:"p,omitempty"` // from 1, of a line longer than 1 MiB
	Gap   *Gap   `json:"g,omitempty"`
}

// Gap counts what is missing. Bytes is 0 where nobody knows.
type Gap struct {
	Lines int64 `json:"lines"`
	Bytes int64 `json:"bytes"`
}

// LogAppended answers LogAppend with one entry a batch.
type LogAppended struct {
	Batches []LogAck `json:"batches"`
}

// LogAck says up to which sequence number a stream is durable. When that is
// below the batch's last line, the sender goes on from Durable+1.
type LogAck struct {
	Durable int64 `json:"durable"`
}

// LogsQuery asks for a page of log records, ordered by time and then pos, or
// with ByPos by pos alone (which is the order to follow in). After > 0 leaves
// out what is up to that position. Grep is a regular expression (RE2) that the
// message must match; without an upper case letter it matches any case. Last >
// 0 keeps the newest Last only, after all filters. WaitMS > 0 with ByPos: if
// there is nothing after the cursor yet, wait up to that long (at most 20,000)
// for it.
type LogsQuery struct {
	Header
	Filter
	Task   string `json:"task,omitempty"`
	Stream string `json:"stream,omitempty"`
	Grep   string `json:"grep,omitempty"`
	After  int64  `json:"after,omitempty"`
	Last   int    `json:"last,omitempty"`
	ByPos  bool   `json:"by_pos,omitempty"`
	WaitMS int    `json:"wait_ms,omitempty"`
	Cursor string `json:"cursor,omitempty"`
}

// Logs is a page of log records: each is a LogRecord, already encoded, in the
// form that cdktr-logs prints. More: the next page may not be empty. The cursor
// of a ByPos query is good for following even when More is false. Pos is the
// position up to which the query looks, the same on all its pages: what comes
// later comes after it. Of a ByPos query it is how far this page has looked, so
// that After goes on from there. A page with More may be empty, where Grep has
// found nothing for a while.
type Logs struct {
	Records []json.RawMessage `json:"records"`
	Cursor  string            `json:"cursor,omitempty"`
	More    bool              `json:"more"`
	Pos     int64             `json:"pos"`
}

// LogRecord is one record of the history as people and programs see it. Of
// Message, MessageBase64 and Gap exactly one is set.
type LogRecord struct {
	Time          Time    `json:"time"`
	Workflow      string  `json:"workflow"`
	Run           string  `json:"run"`
	Task          string  `json:"task"`
	Attempt       int     `json:"attempt"`
	Agent         string  `json:"agent"`
	Stream        string  `json:"stream"`
	Seq           int64   `json:"seq"`
	Part          int     `json:"part,omitempty"`
	Message       *string `json:"message,omitempty"`
	MessageBase64 []byte  `json:"message_base64,omitempty"`
	Gap           *Gap    `json:"gap,omitempty"`
}

// Record is line i of the batch as people and programs see it.
func (b *LogBatch) Record(i int) *LogRecord {
	l := &b.Lines[i]
	r := &LogRecord{
		Time:     At(time.UnixMilli(l.Time)),
		Workflow: b.Workflow,
		Run:      b.Run,
		Task:     b.Task,
		Attempt:  b.Attempt,
		Agent:    b.Agent,
		Stream:   b.Stream,
		Seq:      b.First + int64(i),
		Part:     l.Part,
		Gap:      l.Gap,
	}
	switch {
	case l.Gap != nil:
	case len(l.Bytes) > 0:
		r.MessageBase64 = l.Bytes
	default:
		r.Message = &l.Text
	}
	return r
}
