package listen

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// Delivery carries events to the principal and tells what became of them, in
// the order in which they were emitted.
//
// An event gets its key before it is sent for the first time and keeps it over
// all retries: so none is lost and none runs twice. One batch is under way at a
// time, because of two the later may be decided first, and the runs would queue
// in another order than their events. What comes meanwhile gathers to be the
// next batch, and beyond a full one the listener waits. So batches are large
// where events come fast, an event that comes alone is sent at once, and memory
// is bounded.
type Delivery struct {
	// Send asks for runs and returns an answer for each item. It tries again
	// by itself where the principal is away.
	Send func(ctx context.Context, items []wire.TriggerItem) ([]wire.Triggered, error)

	// Done is told each batch. Its error ends the delivery.
	Done func(batch []Outcome) error

	// Busy is called once, when the principal takes no work for the first
	// time and events have to wait. It may be nil.
	Busy func(why error)

	// RetryFor is how long events wait for a principal that takes no work,
	// before all is given up; 0: as long as it takes.
	RetryFor time.Duration

	Items int // events in a batch, at most
	Bytes int // of text in a batch, at most, but for one event

	busy sync.Once
}

// Run delivers what l emits and returns when all of it is told. The end of ctx
// ends the listening only. An error of Send, or of a principal that takes no
// work for too long, ends everything: nothing more is sent, and what was read by
// then is told as Undelivered. An error of Done ends everything at once.
func (d *Delivery) Run(ctx context.Context, l Listener) error {
	work := context.WithoutCancel(ctx)
	ctx, stop := context.WithCancel(ctx)
	q := newQueue(d.Items, d.Bytes)
	var listened error
	var listener sync.WaitGroup
	listener.Go(func() {
		defer q.end()
		listened = l.Listen(ctx, q.put)
	})
	left, err := d.deliver(work, q)
	if left == nil {
		q.shut()
	} else {
		q.spill()
	}
	stop()
	listener.Wait()
	switch {
	case left != nil:
		return errors.Join(err, d.giveUp(left, q, err))
	case err != nil:
		return err
	}
	return listened
}

// deliver returns, with an error that is not of Done, the batch that was under
// way, from the first event on of which nothing is known.
func (d *Delivery) deliver(ctx context.Context, q *queue) (left []Outcome, err error) {
	for {
		events := q.take()
		if len(events) == 0 {
			return nil, nil
		}
		batch := make([]Outcome, len(events))
		var good []*Outcome
		for i, e := range events {
			batch[i] = Outcome{Event: e, Err: e.Bad}
			if e.Bad == nil {
				good = append(good, &batch[i])
			}
		}
		err := d.settle(ctx, good)
		told := settled(batch)
		if len(told) > 0 {
			if err := d.Done(told); err != nil {
				return nil, err
			}
		}
		if err != nil {
			return batch[len(told):], err
		}
	}
}

// giveUp tells, after the listener has ended, what was read and is not
// delivered.
func (d *Delivery) giveUp(left []Outcome, q *queue, why error) error {
	for i := range left {
		if !left[i].known() {
			left[i].Err = &Undelivered{Sent: true, Err: why}
		}
	}
	for events := q.take(); len(events) > 0; events = q.take() {
		for _, e := range events {
			o := Outcome{Event: e, Err: e.Bad}
			if o.Err == nil {
				o.Err = &Undelivered{Err: why}
			}
			left = append(left, o)
		}
	}
	return d.Done(left)
}

// settled is the batch up to the first event of which nothing is known.
func settled(batch []Outcome) []Outcome {
	n := 0
	for n < len(batch) && batch[n].known() {
		n++
	}
	return batch[:n]
}
