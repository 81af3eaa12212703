package bus

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	zmq "github.com/pebbe/zmq4"
)

// Subscription receives the live stream of one server. It connects by itself,
// and again whenever the connection breaks. The stream has gaps: see Publisher.
type Subscription struct {
	target   Target
	topics   []string
	ctx      *zmq.Context
	bell     *doorbell
	messages *feed[Published]
	feeding  sync.WaitGroup
	ended    chan struct{}
	closing  atomic.Bool
	once     sync.Once
	err      error // why it ended; read after Messages is closed
}

// Subscribe starts a subscription to all topics that begin with one of topics.
// It does not wait for the connection.
func Subscribe(t Target, topics ...string) (*Subscription, error) {
	ctx, err := zmq.NewContext()
	if err != nil {
		return nil, fmt.Errorf("make ZeroMQ context: %w", err)
	}
	s := &Subscription{target: t, topics: topics, ctx: ctx, bell: newDoorbell(), ended: make(chan struct{})}
	s.messages = newFeed[Published](s.bell.ring)
	ready := make(chan error)
	go s.own(ready)
	if err := <-ready; err != nil {
		<-s.ended
		return nil, errors.Join(err, ctx.Term())
	}
	s.feeding.Go(s.messages.run)
	return s, nil
}

// Messages are to be taken without end. The channel is closed when the
// subscription ends: by Close, or because the key is not accepted.
func (s *Subscription) Messages() <-chan Published { return s.messages.out }

// Err tells, after Messages was closed, why: ErrClosed, ErrDenied or the
// socket's error.
func (s *Subscription) Err() error { return s.err }

// Close ends the subscription.
func (s *Subscription) Close() (err error) {
	s.once.Do(func() {
		s.closing.Store(true)
		s.bell.ring()
		<-s.ended
		s.feeding.Wait()
		if e := s.ctx.Term(); e != nil {
			err = fmt.Errorf("end ZeroMQ context: %w", e)
		}
	})
	return err
}

// own makes, uses and closes the sockets.
func (s *Subscription) own(ready chan<- error) {
	defer close(s.ended)
	heard, err := s.bell.open(s.ctx, "bell")
	if err != nil {
		ready <- err
		return
	}
	defer heard.Close()
	defer s.bell.stop()
	conn, err := s.connect()
	ready <- err
	if err != nil {
		return
	}
	s.err = s.work(conn, heard)
	close(s.messages.quit)
}

// work uses one connection after the other until the subscription ends.
func (s *Subscription) work(conn *connection, heard *zmq.Socket) error {
	var p pace
	for {
		end, err := s.serve(conn, heard)
		if err := errors.Join(err, conn.close()); err != nil {
			return err
		}
		if end == denied {
			return ErrDenied
		}
		if err := rest(heard, p.next(conn.stood), s.closing.Load); err != nil {
			return err
		}
		if s.closing.Load() {
			return ErrClosed
		}
		if conn, err = s.connect(); err != nil {
			return err
		}
	}
}

func (s *Subscription) connect() (*connection, error) {
	c, err := connect(s.ctx, zmq.SUB, s.target)
	if err != nil {
		return nil, err
	}
	for _, topic := range s.topics {
		if err := c.sock.SetSubscribe(topic); err != nil {
			return nil, errors.Join(fmt.Errorf("subscribe to %q: %w", topic, err), c.close())
		}
	}
	return c, nil
}

// serve uses one connection until it is lost or denied, or no longer wanted.
func (s *Subscription) serve(conn *connection, heard *zmq.Socket) (state, error) {
	conn.poller.Add(heard, zmq.POLLIN)
	for {
		now := conn.news()
		if s.closing.Load() || now == denied || now == lost {
			return now, nil
		}
		events := zmq.POLLIN
		if s.messages.full() {
			events = 0
		}
		if _, err := conn.poller.UpdateBySocket(conn.sock, events); err != nil {
			return now, fmt.Errorf("poll %s: %w", s.target.Endpoint, err)
		}
		if _, err := conn.poller.Poll(turn); err != nil {
			return now, fmt.Errorf("poll %s: %w", s.target.Endpoint, err)
		}
		hear(heard)
		for range burst {
			if s.messages.full() {
				break
			}
			m, err := receive(conn.sock)
			if again(err) {
				break
			}
			if err != nil {
				return now, fmt.Errorf("receive from %s: %w", s.target.Endpoint, err)
			}
			if m.whole && len(m.frames) == 2 {
				s.messages.put(Published{string(m.frames[0]), m.frames[1]}, len(m.frames[1]))
			}
		}
	}
}
