package ui

import (
	"context"
	"sync"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// stream brings news of a principal that go on: status changes, lines. They are
// handed over in batches, one for each frame at most. Who asks too rarely makes
// the source wait: what is kept is bounded.
type stream[T any] struct {
	s    *session
	stop context.CancelFunc

	mu    sync.Mutex
	kept  []T
	err   error
	ended bool
	news  chan struct{} // holds a token when something is kept, or it ended
	room  chan struct{} // holds a token when something was taken

	last time.Time // of the batch before
}

// batch is what a stream brought since the batch before. The last one has ended
// set, and why.
type batch[T any] struct {
	of    *stream[T]
	items []T
	ended bool
	err   error
}

// keep is how many items wait for a frame at most.
const keep = 20_000

// follow starts a stream. Source gives its news to put until ctx ends; put fails
// when the stream is not wanted any more. Ask for next to get the first batch.
func follow[T any](k *kit, source func(ctx context.Context, p Principal, put func(...T) error) error) *stream[T] {
	st := &stream[T]{s: k.session, news: make(chan struct{}, 1), room: make(chan struct{}, 1)}
	var ctx context.Context
	ctx, st.stop = context.WithCancel(st.s.ctx)
	if !st.s.begin() {
		st.stop()
		return st
	}
	go func() {
		defer st.s.work.Done()
		defer st.stop()
		err := st.read(ctx, source)
		st.mu.Lock()
		st.err, st.ended = err, true
		st.mu.Unlock()
		token(st.news)
	}()
	return st
}

func (st *stream[T]) read(ctx context.Context, source func(ctx context.Context, p Principal, put func(...T) error) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &bug{p}
		}
	}()
	return source(ctx, st.s.p, func(items ...T) error { return st.put(ctx, items) })
}

func (st *stream[T]) put(ctx context.Context, items []T) error {
	for {
		st.mu.Lock()
		full := len(st.kept) >= keep
		if !full {
			st.kept = append(st.kept, items...)
		}
		st.mu.Unlock()
		if !full {
			token(st.news)
			return ctx.Err()
		}
		select {
		case <-st.room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// next makes a command that waits for news. Its message is a later with a
// batch[T]; there is none after the one that has ended set.
func (st *stream[T]) next() tea.Cmd {
	return func() tea.Msg {
		select {
		case <-st.news:
		case <-st.s.ctx.Done():
			return nil
		}
		if wait := frame - time.Since(st.last); wait > 0 {
			t := time.NewTimer(wait)
			defer t.Stop()
			select {
			case <-t.C:
			case <-st.s.ctx.Done():
				return nil
			}
		}
		st.last = time.Now()
		st.mu.Lock()
		b := batch[T]{of: st, items: st.kept, ended: st.ended, err: st.err}
		st.kept = nil
		st.mu.Unlock()
		token(st.room)
		if broken := asBug(b.err); broken != nil {
			return broken
		}
		return later{st.s, b}
	}
}

func token(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
