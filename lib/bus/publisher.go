package bus

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	zmq "github.com/pebbe/zmq4"
)

// Bounds of what waits to be published.
const (
	publishItems = 10_000
	publishBytes = 16 << 20
	// publishOne bounds one message. libzmq holds a thousand for a subscriber
	// that does not read.
	publishOne = 64 << 10
)

// Publisher sends to whoever subscribes, as fast as each can take it, and
// drops the rest. Nobody ever waits for it.
type Publisher struct {
	server   *Server
	endpoint string
	bell     *doorbell
	ended    chan struct{}
	err      error        // why it ended by itself; read after ended
	wanted   atomic.Int64 // subscribed topics

	mu      sync.Mutex
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
	p := &Publisher{server: s, bell: newDoorbell(), ended: make(chan struct{})}
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

// Wanted tells whether anybody has subscribed to anything, so that a caller can
// save itself the work of encoding.
func (p *Publisher) Wanted() bool { return p.wanted.Load() > 0 }

// Publish queues a message, or drops it where it is larger than 64 KiB, the queue
// is full or nobody has subscribed to anything: who reads a flood reads it from
// the history, at his own pace. It never waits; any goroutine may call it.
func (p *Publisher) Publish(topic string, body []byte) {
	if !p.Wanted() || len(body) > publishOne {
		return
	}
	p.mu.Lock()
	fits := len(p.queue) < publishItems && p.bytes+len(body) <= publishBytes
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
	p.wanted.Store(0)
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
	for {
		if _, err := poller.Poll(turn); err != nil {
			return false, fmt.Errorf("poll %s: %w", p.endpoint, err)
		}
		hear(heard)
		if err := p.count(sock); err != nil {
			return false, fmt.Errorf("receive on %s: %w", p.endpoint, err)
		}
		queue, closing, anew := p.take()
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
		if closing {
			return false, sock.SetLinger(time.Second)
		}
	}
}

// count reads subscriptions: each topic comes with its first subscriber and
// goes with its last.
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
			p.wanted.Add(1)
		case m.frames[0][0] == 0:
			p.wanted.Add(-1)
		}
	}
}

func (p *Publisher) take() (queue []Published, closing, renew bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	queue, renew = p.queue, p.renew
	p.queue, p.bytes, p.renew = nil, 0, false
	return queue, p.closing, renew
}
