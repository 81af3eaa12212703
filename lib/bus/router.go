package bus

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	zmq "github.com/pebbe/zmq4"
)

// Router takes requests from any number of peers and sends them replies.
type Router struct {
	server   *Server
	endpoint string
	bell     *doorbell
	requests *feed[*Request]
	feeding  sync.WaitGroup
	ended    chan struct{}
	err      error // why it ended by itself; read after ended

	mu      sync.Mutex
	replies []reply
	closing bool
}

// Request is one message from a peer. Body is empty where the message was not
// an envelope and then exactly one frame: the empty body is no request in any
// protocol, so that its reader refuses it like any other malformed one.
type Request struct {
	Key  string // the public key that the peer proved; empty in plaintext
	Body []byte

	router   *Router
	envelope [][]byte
	answered atomic.Bool
}

// reply is what is on its way back. The first frame of the envelope names the
// peer to the socket.
type reply struct {
	envelope [][]byte
	body     []byte
}

func (r reply) peer() string { return string(r.envelope[0]) }

// Router listens at an endpoint, tcp://host:port; port 0 takes a free one.
func (s *Server) Router(endpoint string) (*Router, error) {
	r := &Router{server: s, bell: newDoorbell(), ended: make(chan struct{})}
	r.requests = newFeed[*Request](r.bell.ring)
	err := s.add(func(bell string) error {
		ready := make(chan error)
		go r.own(endpoint, bell, ready)
		return <-ready
	}, r)
	if err != nil {
		return nil, err
	}
	r.feeding.Go(r.requests.run)
	return r, nil
}

// Endpoint is where the router listens.
func (r *Router) Endpoint() string { return r.endpoint }

// Requests are to be taken without end; the channel is closed with the server.
func (r *Router) Requests() <-chan *Request { return r.requests.out }

// Reply answers the request. It queues and never waits; any goroutine may
// call it; after the first call it does nothing.
func (q *Request) Reply(body []byte) {
	if q.answered.Swap(true) {
		return
	}
	q.router.mu.Lock()
	q.router.replies = append(q.router.replies, reply{q.envelope, body})
	q.router.mu.Unlock()
	q.router.bell.ring()
}

// close waits until the owner has sent what is queued and closed the socket.
func (r *Router) close() error {
	r.mu.Lock()
	r.closing = true
	r.mu.Unlock()
	r.bell.ring()
	<-r.ended
	close(r.requests.quit)
	r.feeding.Wait()
	return r.err
}

// own makes the socket, uses it and closes it.
func (r *Router) own(endpoint, bell string, ready chan<- error) {
	defer close(r.ended)
	sock, bound, err := r.server.listen(zmq.ROUTER, endpoint)
	if err != nil {
		ready <- err
		return
	}
	defer sock.Close()
	heard, err := r.bell.open(r.server.ctx, bell)
	if err != nil {
		ready <- err
		return
	}
	defer heard.Close()
	defer r.bell.stop()
	r.endpoint = bound
	ready <- nil
	if r.err = r.serve(sock, heard); r.err != nil {
		r.server.fail(r.err)
	}
}

// burst bounds how much is read before replies get their turn.
const burst = 200

func (r *Router) serve(sock, heard *zmq.Socket) error {
	poller := zmq.NewPoller()
	input := poller.Add(sock, zmq.POLLIN)
	poller.Add(heard, zmq.POLLIN)
	back := backlog{peers: make(map[string]*overdue)}
	for {
		// Let those run who were just woken: while the owner waits in
		// libzmq it holds back what is ready on its processor.
		runtime.Gosched()
		replies, closing := r.take()
		if err := back.send(sock, replies, time.Now()); err != nil {
			return fmt.Errorf("send on %s: %w", r.endpoint, err)
		}
		if closing {
			return r.finish(sock, &back)
		}
		events := zmq.POLLIN
		if r.requests.full() {
			events = 0
		}
		if _, err := poller.Update(input, events); err != nil {
			return fmt.Errorf("poll %s: %w", r.endpoint, err)
		}
		wait := turn
		if back.waiting() {
			wait = retryEvery
		}
		if _, err := poller.Poll(wait); err != nil {
			return fmt.Errorf("poll %s: %w", r.endpoint, err)
		}
		hear(heard)
		for range burst {
			if r.requests.full() {
				break
			}
			m, err := receive(sock)
			if again(err) {
				break
			}
			if err != nil {
				return fmt.Errorf("receive on %s: %w", r.endpoint, err)
			}
			r.deliver(m)
		}
	}
}

// finish sends what waits for peers that are reading, for at most a second. What
// libzmq has by then it sends while the context ends.
func (r *Router) finish(sock *zmq.Socket, back *backlog) error {
	for start := time.Now(); back.waiting() && time.Since(start) < time.Second; time.Sleep(retryEvery) {
		if err := back.send(sock, nil, time.Now()); err != nil {
			return fmt.Errorf("send on %s: %w", r.endpoint, err)
		}
	}
	return sock.SetLinger(time.Second)
}

// take empties the queue of replies.
func (r *Router) take() ([]reply, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	replies := r.replies
	r.replies = nil
	return replies, r.closing
}

// deliver hands a message to the consumer. One whose sender has proven no key
// goes no further: that happens when the ZAP handler is gone.
func (r *Router) deliver(m message) {
	if r.server.pair != nil && m.key == "" {
		return
	}
	envelope, body := split(m)
	size := len(body)
	for _, f := range envelope {
		size += len(f)
	}
	r.requests.put(&Request{Key: m.key, Body: body, router: r, envelope: envelope}, size)
}

// split finds the envelope, which a reply returns unchanged: everything up to
// and including the first empty frame after the routing id. Where there is no
// empty frame the routing id alone is the envelope. Body is empty where not
// exactly one frame follows.
func split(m message) (envelope [][]byte, body []byte) {
	for i := 1; i < len(m.frames); i++ {
		if len(m.frames[i]) > 0 {
			continue
		}
		if m.whole && i+2 == len(m.frames) {
			body = m.frames[i+1]
		}
		return m.frames[: i+1 : i+1], body
	}
	return m.frames[:1:1], nil
}
