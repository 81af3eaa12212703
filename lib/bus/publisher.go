package bus

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	zmq "github.com/pebbe/zmq4"
)

// Bounds of what waits to be published.
const (
	publishItems = 10_000
	publishBytes = 16 << 20
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

// Publish queues a message, or drops it where the queue is full or nobody has
// subscribed to anything. It never waits; any goroutine may call it.
func (p *Publisher) Publish(topic string, body []byte) {
	if !p.Wanted() {
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
	defer sock.Close()
	heard, err := p.bell.open(p.server.ctx, bell)
	if err != nil {
		ready <- err
		return
	}
	defer heard.Close()
	defer p.bell.stop()
	p.endpoint = bound
	ready <- nil
	if p.err = p.serve(sock, heard); p.err != nil {
		p.server.fail(p.err)
	}
}

// serve ends when the ZAP handler does: from then on anybody could subscribe.
func (p *Publisher) serve(sock, heard *zmq.Socket) error {
	poller := zmq.NewPoller()
	poller.Add(sock, zmq.POLLIN)
	poller.Add(heard, zmq.POLLIN)
	for {
		if _, err := poller.Poll(turn); err != nil {
			return fmt.Errorf("poll %s: %w", p.endpoint, err)
		}
		hear(heard)
		if err := p.count(sock); err != nil {
			return fmt.Errorf("receive on %s: %w", p.endpoint, err)
		}
		queue, closing := p.take()
		if !p.server.gateStands() {
			return nil
		}
		for _, m := range queue {
			if err := send(sock, []byte(m.Topic), m.Body); err != nil && !again(err) {
				return fmt.Errorf("send on %s: %w", p.endpoint, err)
			}
		}
		if closing {
			return sock.SetLinger(time.Second)
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

func (p *Publisher) take() ([]Published, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	queue := p.queue
	p.queue, p.bytes = nil, 0
	return queue, p.closing
}
