package client

import (
	"context"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

const (
	// silence is how long nothing may come before a stream counts as broken. A
	// mark comes each second.
	silence = 3 * time.Second

	// unheard is how long news are asked for where no stream brings them, before
	// one is looked for again.
	unheard = 20 * time.Second

	// A message may arrive shortly before the history shows what came before it:
	// events and lines are committed side by side. Then the history is read
	// again, some times, after pauses that double.
	rereads  = 8
	hesitate = 2 * time.Millisecond
)

// sequence is what can be followed: lines or events. It gives out what the
// query asks for; positions are those of all records, asked for or not.
type sequence interface {
	// history gives out what the history has after a position, in whole, and
	// returns up to where that is. Where there is nothing it may wait for as
	// long as it is told. An error cuts it short: then it returns how far it
	// came.
	history(ctx context.Context, after int64, wait time.Duration) (upTo int64, err error)

	// news gives out what a message has after a position.
	news(m *wire.Live, after int64) error

	// last and before are the positions of a message's last record, and of the
	// one before its first in what is subscribed to.
	last(m *wire.Live) int64
	before(m *wire.Live) int64

	// newest is the position of the newest record that a mark tells.
	newest(m *wire.Live) int64
}

// source is where news come from.
type source interface {
	// open subscribes. It waits for the principal, and returns nil where there
	// is no stream to be had.
	open(ctx context.Context) (stream, error)
}

// stream brings news until it breaks.
type stream interface {
	messages() <-chan *wire.Live // closed when no more will come
	broken() <-chan struct{}     // closed when the principal was lost
	close()
}

// follower gives out every record of a sequence once, in order of position. The
// stream may drop, double and delay messages: a record of it is taken only where
// all that comes before it was given out, else the history is read.
//
// Invariant: every record up to seen was given out, and none above it.
type follower struct {
	of    sequence
	from  source
	seen  int64
	epoch string // of the last message
}

// run follows until ctx ends or something fails for good.
func (f *follower) run(ctx context.Context) error {
	for {
		heard, err := f.listen(ctx)
		if err == nil && !heard {
			err = f.ask(ctx, unheard)
		}
		if err != nil {
			return err
		}
	}
}

// listen uses one stream until it breaks, and tells whether anything came
// through it.
func (f *follower) listen(ctx context.Context) (heard bool, err error) {
	s, err := f.from.open(ctx)
	if err != nil || s == nil {
		return false, err
	}
	defer s.close()
	if err := f.read(ctx, 0); err != nil {
		return false, err
	}
	late := time.NewTimer(silence)
	defer late.Stop()
	for {
		late.Reset(silence)
		select {
		case <-ctx.Done():
			return heard, ctx.Err()
		case <-s.broken():
			return true, nil
		case <-late.C:
			return heard, nil
		case m, open := <-s.messages():
			if !open {
				return false, nil
			}
			heard = true
			if err := f.take(ctx, m); err != nil {
				return heard, err
			}
		}
	}
}

// ask reads the history again and again, for a while.
func (f *follower) ask(ctx context.Context, most time.Duration) error {
	for end := time.Now().Add(most); ; {
		left := time.Until(end)
		if left <= 0 {
			return nil
		}
		if err := f.read(ctx, left); err != nil {
			return err
		}
	}
}

func (f *follower) read(ctx context.Context, wait time.Duration) error {
	upTo, err := f.of.history(ctx, f.seen, wait)
	f.seen = max(f.seen, upTo)
	return err
}

func (f *follower) take(ctx context.Context, m *wire.Live) error {
	anew := f.epoch != "" && m.Epoch != f.epoch
	f.epoch = m.Epoch
	if anew || m.Event == nil && len(m.Records) == 0 {
		// Of a message with records only its news matter now: they are
		// in the history.
		if anew || f.of.newest(m) > f.seen {
			return f.read(ctx, 0)
		}
		return nil
	}
	last := f.of.last(m)
	for n := 0; last > f.seen && f.of.before(m) > f.seen; n++ {
		if n == rereads {
			return nil // the next mark tells what is missing
		}
		if n > 0 {
			if err := pause(ctx, hesitate<<n); err != nil {
				return err
			}
		}
		if err := f.read(ctx, 0); err != nil {
			return err
		}
	}
	if last <= f.seen {
		return nil
	}
	if err := f.of.news(m, f.seen); err != nil {
		return err
	}
	f.seen = last
	return nil
}
