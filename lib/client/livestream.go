package client

import (
	"context"
	"errors"
	"sync"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/wire"
)

// liveStream is the live stream of the principal that answers now. Ports change
// over restarts, so it asks for the address each time.
type liveStream struct {
	c     *Client
	topic string
}

func (l liveStream) open(ctx context.Context) (stream, error) {
	var there wire.PrincipalStatus
	err := l.c.Call(ctx, wire.OpStatus, &wire.Plain{}, &there)
	if refused := (*wire.Error)(nil); errors.As(err, &refused) {
		return nil, nil // what is asked for may be allowed all the same
	}
	if err != nil || there.Live == "" {
		return nil, err
	}
	broken := l.c.lost()
	beside := l.c.Beside(there.Live)
	target, err := beside.resolve()
	if err = errors.Join(err, beside.Close()); err != nil {
		return nil, nil
	}
	sub, err := bus.Subscribe(target, l.topic, wire.TopicMark)
	if err != nil {
		return nil, err
	}
	s := &subscription{sub: sub, lost: broken, out: make(chan *wire.Live), quit: make(chan struct{})}
	s.work.Go(s.decode)
	return s, nil
}

// lost is closed when the connection that stands now breaks.
func (c *Client) lost() <-chan struct{} {
	conn, err := c.current()
	if conn == nil || err != nil {
		broken := make(chan struct{})
		close(broken)
		return broken
	}
	return conn.Life().Done()
}

// subscription is one subscription to the live stream.
type subscription struct {
	sub  *bus.Subscription
	lost <-chan struct{}
	out  chan *wire.Live
	quit chan struct{}
	work sync.WaitGroup
}

func (s *subscription) messages() <-chan *wire.Live { return s.out }
func (s *subscription) broken() <-chan struct{}     { return s.lost }

func (s *subscription) decode() {
	defer close(s.out)
	for p := range s.sub.Messages() {
		m, err := wire.DecodeLive(p.Body)
		if err != nil {
			continue // as good as dropped: the next one shows the hole
		}
		select {
		case s.out <- m:
		case <-s.quit:
			return
		}
	}
}

func (s *subscription) close() {
	close(s.quit)
	_ = s.sub.Close() // nothing is to be done about it
	s.work.Wait()
}
