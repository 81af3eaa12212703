package bus

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	zmq "github.com/pebbe/zmq4"

	"github.com/cdktr/cdktr/lib/wire"
)

// Bounds of what waits to be published.
const (
	publishItems = 10_000
	publishBytes = 16 << 20

	// unreadNews is how many messages, of up to wire.MaxLive bytes each, libzmq
	// holds for one subscriber that does not read.
	unreadNews = 128

	// Once a breath so much goes to libzmq, so that a burst reaches the
	// subscribers that do read instead of filling what it holds for them.
	breath      = time.Millisecond
	breathItems = unreadNews / 2
	breathBytes = 512 << 10
)

// Publisher sends to whoever subscribes, as fast as each can take it, and
// drops the rest. Nobody ever waits for it.
type Publisher struct {
	server   *Server
	endpoint string
	bell     *doorbell
	ended    chan struct{}
	err      error // why it ended by itself; read after ended
	joined   chan struct{}

	mu      sync.Mutex
	topics  map[string]bool // that somebody has subscribed to
	queue   []Published
	bytes   int
	closing bool
	renew   bool // bind anew: who is subscribed is asked for his key again
}

// Published is one message of the live stream.
type Published struct {
	Topic string
	Body  []byte
}

// Publisher listens at an endpoint, tcp://host:port; port 0 takes a free one.
func (s *Server) Publisher(endpoint string) (*Publisher, error) {
	p := &Publisher{
		server: s, bell: newDoorbell(), ended: make(chan struct{}),
		joined: make(chan struct{}, 1), topics: map[string]bool{},
	}
	err := s.add(func(bell string) error {
		ready := make(chan error)
		go p.own(endpoint, bell, ready)
		return <-ready
	}, p)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Endpoint is where the publisher listens.
func (p *Publisher) Endpoint() string { return p.endpoint }

// Joined holds a signal when somebody has subscribed since it was last taken:
// what is published from now on reaches him.
func (p *Publisher) Joined() <-chan struct{} { return p.joined }

// Wanted tells whether a message of that topic would go to anybody, so that a
// caller can save itself the work of encoding.
func (p *Publisher) Wanted(topic string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wanted(topic) && len(p.queue) < publishItems && p.bytes < publishBytes
}

// wanted is called with the lock held.
func (p *Publisher) wanted(topic string) bool {
	if len(p.topics) == 0 {
		return false
	}
	for n := range len(topic) + 1 {
		if p.topics[topic[:n]] {
			return true
		}
	}
	return false
}

// Publish queues a message, or drops it where it is larger than wire.MaxLive,
// the queue is full or nobody has subscribed to it: who reads a flood reads it
// from the history, at his own pace. It never waits; any goroutine may call it.
func (p *Publisher) Publish(topic string, body []byte) {
	if len(body) > wire.MaxLive {
		return
	}
	p.mu.Lock()
	fits := len(p.queue) < publishItems && p.bytes+len(body) <= publishBytes && p.wanted(topic)
	if fits {
		p.queue = append(p.queue, Published{topic, body})
		p.bytes += len(body)
	}
	p.mu.Unlock()
	if fits {
		p.bell.ring()
	}
}

// Rebind drops all subscribers. They come back by themselves, and those whose
// key is not let in any more are refused: keys are asked for at the handshake
// alone. Until it is done nothing that is published goes to anybody.
func (p *Publisher) Rebind() {
	p.mu.Lock()
	p.renew = true
	p.queue, p.bytes = nil, 0
	p.mu.Unlock()
	p.bell.ring()
}

func (p *Publisher) close() error {
	p.mu.Lock()
	p.closing = true
	p.mu.Unlock()
	p.bell.ring()
	<-p.ended
	return p.err
}

// own makes the socket, uses it and closes it.
func (p *Publisher) own(endpoint, bell string, ready chan<- error) {
	defer close(p.ended)
	sock, bound, err := p.server.listen(zmq.XPUB, endpoint)
	if err != nil {
		ready <- err
		return
	}
	heard, err := p.bell.open(p.server.ctx, bell)
	if err != nil {
		ready <- errors.Join(err, sock.Close())
		return
	}
	defer heard.Close()
	defer p.bell.stop()
	p.endpoint = bound
	ready <- nil
	for renew := true; renew && p.err == nil; {
		renew, p.err = p.serve(sock, heard)
		p.err = errors.Join(p.err, sock.Close())
		if renew && p.err == nil {
			sock, p.err = p.rebound()
		}
	}
	if p.err != nil {
		p.server.fail(p.err)
	}
}

// rebound listens again where the last socket did. libzmq gives an address up a
// moment after its socket was closed.
func (p *Publisher) rebound() (sock *zmq.Socket, err error) {
	p.mu.Lock()
	clear(p.topics)
	p.mu.Unlock()
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		sock, _, err = p.server.listen(zmq.XPUB, p.endpoint)
		if !errors.Is(err, syscall.EADDRINUSE) || time.Since(start) > 5*time.Second {
			return sock, err
		}
	}
}

// serve ends when the ZAP handler does: from then on anybody could subscribe.
// renew: because the socket is to be made anew.
func (p *Publisher) serve(sock, heard *zmq.Socket) (renew bool, err error) {
	poller := zmq.NewPoller()
	poller.Add(sock, zmq.POLLIN)
	poller.Add(heard, zmq.POLLIN)
	for more := false; ; {
		wait := turn
		if more {
			time.Sleep(breath)
			wait = 0
		}
		if _, err := poller.Poll(wait); err != nil {
			return false, fmt.Errorf("poll %s: %w", p.endpoint, err)
		}
		hear(heard)
		if err := p.count(sock); err != nil {
			return false, fmt.Errorf("receive on %s: %w", p.endpoint, err)
		}
		var queue []Published
		var closing, anew bool
		queue, more, closing, anew = p.take()
		if !p.server.gateStands() {
			return false, nil
		}
		if anew && !closing {
			return true, nil
		}
		for _, m := range queue {
			if err := send(sock, []byte(m.Topic), m.Body); err != nil && !again(err) {
				return false, fmt.Errorf("send on %s: %w", p.endpoint, err)
			}
		}
		clear(queue)
		if closing && !more {
			return false, sock.SetLinger(time.Second)
		}
	}
}

// count reads subscriptions. Each topic comes with every subscriber and goes
// with its last.
func (p *Publisher) count(sock *zmq.Socket) error {
	for {
		m, err := receive(sock)
		switch {
		case again(err):
			return nil
		case err != nil:
			return err
		case len(m.frames[0]) == 0:
		case m.frames[0][0] == 1:
			p.mu.Lock()
			p.topics[string(m.frames[0][1:])] = true
			p.mu.Unlock()
			select {
			case p.joined <- struct{}{}:
			default:
			}
		case m.frames[0][0] == 0:
			p.mu.Lock()
			delete(p.topics, string(m.frames[0][1:]))
			p.mu.Unlock()
		}
	}
}

// take takes a breath's messages out of the queue. They share its memory: who
// has sent them clears them.
func (p *Publisher) take() (some []Published, more, closing, renew bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, size := 0, 0
	for n < len(p.queue) && n < breathItems && size < breathBytes {
		size += len(p.queue[n].Body)
		n++
	}
	some, p.queue = p.queue[:n:n], p.queue[n:]
	p.bytes -= size
	if more = len(p.queue) > 0; !more {
		p.queue = nil
	}
	renew, p.renew = p.renew, false
	return some, more, p.closing, renew
}
