package principal

import (
	"context"
	"encoding/json"
	"time"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

// live publishes what has become durable. Nothing depends on it: it drops by
// design, and every message says what came before it, so that a subscriber
// fills in from the history what it has missed.
//
// Invariant: what the history has is in lines and events before anybody is
// told of it, by an answer or a wake-up. So quiet never hides a record from one
// who knows that it is there.
type live struct {
	pub    *bus.Publisher
	epoch  string
	store  Store
	lines  *newest // intake's
	events *newest // the loop's
}

func newLive(pub *bus.Publisher, epoch string, store Store) *live {
	start := store.Durable()
	return &live{pub: pub, epoch: epoch, store: store, lines: newNewest(start), events: newNewest(start)}
}

// markEvery is how often the newest positions are told, so that a subscriber
// sees that it has missed the last message too.
const markEvery = time.Second

// run sends the marks: each second, and to whoever has just subscribed.
func (l *live) run(ctx context.Context) error {
	ticker := time.NewTicker(markEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		case <-l.pub.Joined():
		}
		m := wire.Live{Lines: l.lines.published(), Events: l.events.published()}
		m.Pos = l.store.Durable()
		l.publish(wire.TopicMark, m)
	}
}

func (l *live) happened(e *run.Event) {
	out, status := eventOut(e)
	if !status {
		return
	}
	before := l.events.advance(e.Workflow, e.Run, e.Pos)
	if topic := wire.Topic(wire.TopicEvent, e.Workflow, e.Run); l.pub.Wanted(topic) {
		l.publish(topic, wire.Live{Pos: e.Pos, Before: &before, Event: &out})
	}
	l.events.tell(e.Pos)
}

func (l *live) arrived(batches []wire.LogBatch) {
	for i := range batches {
		b := &batches[i]
		last := b.Pos + int64(len(b.Lines)) - 1
		before := l.lines.advance(b.Workflow, b.Run, last)
		// Encoding a flood of lines for nobody is the one cost that counts.
		if topic := wire.Topic(wire.TopicLog, b.Workflow, b.Run, b.Task); l.pub.Wanted(topic) {
			l.batch(topic, b, before)
		}
		l.lines.tell(last)
	}
}

// quiet answers a query for what comes after a position where memory tells that
// there is nothing: those who follow ask often. Whether there is such a run it
// leaves to the history.
func (p *Principal) quiet(of *newest, f wire.Filter, after int64, cursor string) (upTo int64, certain bool) {
	switch {
	case after <= 0, cursor != "", after > max(of.last(), p.store.Durable()):
		return 0, false // the last: it is not this history's
	case f.Run != "" && !p.intake.open(f.Run) && !of.remembers(f.Run):
		return 0, false
	}
	return of.quiet(f, after)
}

// batch publishes lines in messages of bounded size. A line that is too large
// is left out, which the message after it shows.
func (l *live) batch(topic string, b *wire.LogBatch, before wire.Before) {
	m := piece{live: l, topic: topic}
	for i := range b.Lines {
		pos := b.Pos + int64(i)
		record := b.Record(i).AppendJSON(m.spare[:0])
		m.spare = record
		if !m.fits(record) {
			m.flush()
			m.begin(pos, before)
		}
		if m.fits(record) {
			m.add(record)
		} else {
			m.text = nil
		}
		before = wire.Before{All: pos, Workflow: pos, Run: pos}
	}
	m.flush()
}

// piece is a message of lines that is being written. It is put together by
// hand, because encoding/json would read every record once more.
type piece struct {
	live  *live
	topic string
	text  []byte // nil: not begun
	count int
	spare []byte
}

func (p *piece) begin(pos int64, before wire.Before) {
	head, err := json.Marshal(p.live.fill(wire.Live{Pos: pos, Before: &before}))
	if err != nil {
		return
	}
	p.text = append(make([]byte, 0, 4<<10), head[:len(head)-1]...)
	p.text = append(p.text, `,"records":[`...)
	p.count = 0
}

func (p *piece) fits(record []byte) bool {
	return p.text != nil && len(p.text)+len(record)+len(",]}") <= wire.MaxLive
}

func (p *piece) add(record []byte) {
	if p.count++; p.count > 1 {
		p.text = append(p.text, ',')
	}
	p.text = append(p.text, record...)
}

func (p *piece) flush() {
	if p.text != nil && p.count > 0 {
		p.live.pub.Publish(p.topic, append(p.text, "]}"...))
	}
	p.text = nil
}

func (l *live) fill(m wire.Live) wire.Live {
	m.V, m.Epoch = wire.Version, l.epoch
	return m
}

func (l *live) publish(topic string, m wire.Live) {
	if text, err := json.Marshal(l.fill(m)); err == nil {
		l.pub.Publish(topic, text)
	}
}
