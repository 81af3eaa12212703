package bus

import (
	"container/list"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"

	zmq "github.com/pebbe/zmq4"

	"github.com/cdktr/cdktr/lib/wire"
)

// Client sends requests to one server and matches the replies. It connects by
// itself, and again whenever the connection breaks.
type Client struct {
	target Target
	ctx    *zmq.Context
	bell   *doorbell
	ended  chan struct{}
	stood  chan struct{} // closed when it has stood for the first time
	first  sync.Once     // closes it
	life   context.Context
	die    context.CancelFunc // when a connection that stood is lost, and at the end

	mu      sync.Mutex
	waiting list.List        // of *call, not yet sent
	flying  map[uint64]*call // sent, not yet answered, by number
	count   uint64
	failed  error // why there are no more calls: ErrDenied, ErrClosed, or the socket's
}

// call is one request. Its fields are guarded by Client.mu until done is
// closed; reply and err are read after that.
type call struct {
	body  []byte
	place *list.Element // in waiting, or nil
	id    uint64        // in flying, or 0
	done  chan struct{}
	reply []byte
	err   error
}

// Dial starts a client. It does not wait for the connection.
func Dial(t Target) (*Client, error) {
	ctx, err := zmq.NewContext()
	if err != nil {
		return nil, fmt.Errorf("make ZeroMQ context: %w", err)
	}
	c := &Client{target: t, ctx: ctx, bell: newDoorbell(), ended: make(chan struct{}), flying: make(map[uint64]*call), stood: make(chan struct{})}
	c.life, c.die = context.WithCancel(context.Background())
	ready := make(chan error)
	go c.own(ready)
	if err := <-ready; err != nil {
		<-c.ended
		return nil, errors.Join(err, ctx.Term())
	}
	return c, nil
}

// Life ends when a connection that stood is lost. The client connects again by
// itself; who would rather look for the server elsewhere learns it here.
func (c *Client) Life() context.Context { return c.life }

// Stood waits until the connection has stood once: the server is there and
// takes our key. It fails as Call does.
func (c *Client) Stood(ctx context.Context) error {
	select {
	case <-c.stood:
		return nil
	case <-c.ended:
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.failed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Call sends a request and waits for its reply. While there is no connection
// it waits for one until ctx ends; a call whose ctx ended before it was sent
// is never sent. It fails with ErrDenied, ErrDisconnected, ErrClosed or the
// error of ctx.
func (c *Client) Call(ctx context.Context, body []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(body) > wire.MaxMessage {
		return nil, fmt.Errorf("send to %s: %d bytes are over the limit of %d", c.target.Endpoint, len(body), wire.MaxMessage)
	}
	k := &call{body: body, done: make(chan struct{})}
	c.mu.Lock()
	if c.failed != nil {
		c.mu.Unlock()
		return nil, c.failed
	}
	k.place = c.waiting.PushBack(k)
	c.mu.Unlock()
	c.bell.ring()
	select {
	case <-k.done:
	case <-ctx.Done():
		c.finish(k, nil, ctx.Err())
	}
	return k.reply, k.err
}

// finish ends a call, once.
func (c *Client) finish(k *call, reply []byte, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(k, reply, err)
}

// settle is finish with the lock held.
func (c *Client) settle(k *call, reply []byte, err error) {
	switch {
	case k.place != nil:
		c.waiting.Remove(k.place)
		k.place = nil
	case k.id != 0:
		delete(c.flying, k.id)
		k.id = 0
	default:
		return // it ended before
	}
	k.reply, k.err = reply, err
	close(k.done)
}

// Close ends the client; calls under way fail with ErrClosed.
func (c *Client) Close() error {
	c.stop(ErrClosed)
	c.bell.ring()
	<-c.ended
	if err := c.ctx.Term(); err != nil {
		return fmt.Errorf("end ZeroMQ context: %w", err)
	}
	return nil
}

// stop fails all calls, also those to come.
func (c *Client) stop(reason error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed == nil {
		c.failed = reason
	}
	for e := c.waiting.Front(); e != nil; e = c.waiting.Front() {
		c.settle(e.Value.(*call), nil, c.failed)
	}
	c.ground(c.failed)
}

// ground fails the calls that were sent. The lock is held.
func (c *Client) ground(reason error) {
	for _, k := range c.flying {
		c.settle(k, nil, reason)
	}
}

func (c *Client) stopped() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed != nil
}

// own makes, uses and closes the sockets.
func (c *Client) own(ready chan<- error) {
	defer close(c.ended)
	defer c.die()
	heard, err := c.bell.open(c.ctx, "bell")
	if err != nil {
		ready <- err
		return
	}
	defer heard.Close()
	defer c.bell.stop()
	conn, err := c.connect()
	ready <- err
	if err == nil {
		err = c.work(conn, heard)
	}
	if err != nil {
		c.stop(err)
	}
}

// work uses one connection after the other until the client is stopped.
func (c *Client) work(conn *connection, heard *zmq.Socket) error {
	var p pace
	for {
		end, err := c.serve(conn, heard)
		if conn.stood {
			c.die()
		}
		if err := errors.Join(err, conn.close()); err != nil {
			return err
		}
		if end == denied {
			c.stop(ErrDenied)
		}
		if c.stopped() {
			return nil
		}
		c.mu.Lock()
		c.ground(ErrDisconnected)
		c.mu.Unlock()
		if err := rest(heard, p.next(conn.stood), c.stopped); err != nil || c.stopped() {
			return err
		}
		if conn, err = c.connect(); err != nil {
			return err
		}
	}
}

func (c *Client) connect() (*connection, error) {
	return connect(c.ctx, zmq.DEALER, c.target)
}

// serve uses one connection until it is lost or denied; waiting and standing
// mean that it is no longer wanted. What arrived before a loss is still read.
//
// Nothing is given to the socket before its connection stands, so that no call
// sticks in a socket that reaches nobody. ZMQ_IMMEDIATE would do that too, but
// with it libzmq drops replies that have arrived when the connection breaks,
// and aborts the process if it was in the middle of one (fq.cpp, "!_more").
func (c *Client) serve(conn *connection, heard *zmq.Socket) (state, error) {
	conn.poller.Add(heard, zmq.POLLIN)
	for {
		now := conn.news()
		if now == standing {
			c.first.Do(func() { close(c.stood) })
		}
		more, err := c.receive(conn.sock)
		if err != nil {
			return now, fmt.Errorf("receive from %s: %w", c.target.Endpoint, err)
		}
		if c.stopped() || now == denied || now == lost && !more {
			return now, nil
		}
		runtime.Gosched() // as in Router.serve
		room := true
		if now == standing {
			if room, err = c.send(conn.sock); err != nil {
				return now, fmt.Errorf("send to %s: %w", c.target.Endpoint, err)
			}
		}
		wait := turn
		if more {
			wait = 0
		}
		events := zmq.POLLIN
		if !room {
			events |= zmq.POLLOUT
		}
		if _, err := conn.poller.UpdateBySocket(conn.sock, events); err != nil {
			return now, fmt.Errorf("poll %s: %w", c.target.Endpoint, err)
		}
		if _, err := conn.poller.Poll(wait); err != nil {
			return now, fmt.Errorf("poll %s: %w", c.target.Endpoint, err)
		}
		hear(heard)
	}
}

// receive takes a burst of replies; more tells that there may be others. A
// reply that nobody waits for is dropped.
func (c *Client) receive(sock *zmq.Socket) (more bool, err error) {
	for range burst {
		m, err := receive(sock)
		if again(err) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if len(m.frames) != 3 || !m.whole || len(m.frames[0]) != 8 || len(m.frames[1]) != 0 {
			continue
		}
		c.mu.Lock()
		if k := c.flying[binary.BigEndian.Uint64(m.frames[0])]; k != nil {
			c.settle(k, m.frames[2], nil)
		}
		c.mu.Unlock()
	}
	return true, nil
}

// send gives the calls that wait to the socket; room is false when it took no
// more, because the server is slow.
func (c *Client) send(sock *zmq.Socket) (room bool, err error) {
	for {
		sent, err := c.sendNext(sock)
		if again(err) {
			return false, nil
		}
		if !sent || err != nil {
			return true, err
		}
	}
}

// sendNext holds the lock, so that a call whose ctx ends is either sent or
// taken out, never both.
func (c *Client) sendNext(sock *zmq.Socket) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	front := c.waiting.Front()
	if front == nil {
		return false, nil
	}
	k := front.Value.(*call)
	id := binary.BigEndian.AppendUint64(nil, c.count+1)
	if err := send(sock, id, nil, k.body); err != nil {
		return false, err
	}
	c.count++
	c.waiting.Remove(front)
	k.place, k.body, k.id = nil, nil, c.count
	c.flying[k.id] = k
	return true, nil
}
