package principal

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

// live publishes what has become durable. Nothing depends on it: it drops by
// design, and every message carries the position from which history fills in.
type live struct {
	pub   *bus.Publisher
	epoch string
	store Store
}

// published is a message of the live stream. Pos is the position of the first
// record, of the event, or, in a mark, of the last thing that is durable.
type published struct {
	V       int               `json:"v"`
	Epoch   string            `json:"epoch"`
	Pos     int64             `json:"pos"`
	Event   *wire.Event       `json:"event,omitempty"`
	Records []json.RawMessage `json:"records,omitempty"`
}

// markEvery is how often the current position is told, so that a subscriber
// sees that it has missed the last message too.
const markEvery = time.Second

func (l *live) run(ctx context.Context) error {
	ticker := time.NewTicker(markEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			l.publish("mark", published{Pos: l.store.Durable()})
		}
	}
}

func (l *live) event(e *run.Event) {
	if out, status := eventOut(e); status {
		l.publish(topic("event", e.Workflow, e.Run), published{Pos: e.Pos, Event: &out})
	}
}

func (l *live) lines(batches []wire.LogBatch) {
	if !l.pub.Wanted() {
		return // encoding a flood of lines for nobody is the one cost that counts here
	}
	for i := range batches {
		b := &batches[i]
		records := make([]json.RawMessage, len(b.Lines))
		for j := range b.Lines {
			records[j] = b.Record(j).AppendJSON(nil)
		}
		l.publish(topic("log", b.Workflow, b.Run, b.Task), published{Pos: b.Pos, Records: records})
	}
}

func topic(parts ...string) string { return strings.Join(parts, "/") + "/" }

func (l *live) publish(topic string, m published) {
	if !l.pub.Wanted() {
		return
	}
	m.V, m.Epoch = wire.Version, l.epoch
	if text, err := json.Marshal(m); err == nil && len(text) <= wire.MaxMessage {
		l.pub.Publish(topic, text)
	}
}
