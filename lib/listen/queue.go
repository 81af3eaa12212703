package listen

import (
	"crypto/rand"
	"errors"
	"sync"
)

// errShut tells a listener that nobody takes its events any more.
var errShut = errors.New("the delivery has ended")

// queue holds the events that wait to be sent. One goroutine takes them.
type queue struct {
	maxItems, maxBytes int

	mu      sync.Mutex
	changed *sync.Cond
	events  []Event
	bytes   int
	ended   bool // nothing more is put
	closed  bool // nothing more is taken
	spills  bool // put waits no more: the listener is to end, and what it has read shall not be lost
}

func newQueue(items, bytes int) *queue {
	q := &queue{maxItems: items, maxBytes: bytes}
	q.changed = sync.NewCond(&q.mu)
	return q
}

// put adds events as soon as there is less than a full batch. Those without a
// key get theirs.
func (q *queue) put(events []Event) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed && !q.spills && (len(q.events) >= q.maxItems || q.bytes >= q.maxBytes) {
		q.changed.Wait()
	}
	if q.closed {
		return errShut
	}
	for _, e := range events {
		if e.Bad == nil && e.Trigger.Key == "" {
			e.Trigger.Key = rand.Text()
		}
		q.events = append(q.events, e)
		q.bytes += len(e.Text)
	}
	q.changed.Broadcast()
	return nil
}

// take waits for events and returns a batch of them, in order; none when there
// are no more.
func (q *queue) take() []Event {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.events) == 0 && !q.ended {
		q.changed.Wait()
	}
	n, size := 0, 0
	for n < len(q.events) && n < q.maxItems && (n == 0 || size+len(q.events[n].Text) <= q.maxBytes) {
		size += len(q.events[n].Text)
		n++
	}
	batch := q.events[:n:n]
	q.events, q.bytes = q.events[n:], q.bytes-size
	q.changed.Broadcast()
	return batch
}

func (q *queue) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.changed.Broadcast()
}

func (q *queue) shut() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.changed.Broadcast()
}

func (q *queue) spill() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.spills = true
	q.changed.Broadcast()
}
