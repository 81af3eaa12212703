package bus

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	zmq "github.com/pebbe/zmq4"
)

// Server is a ZeroMQ context with its own ZAP handler and the sockets that
// listen in it.
type Server struct {
	pair   *Pair // nil: plaintext
	ctx    *zmq.Context
	gate   *gate // nil: plaintext
	crowd  *crowd
	failed chan error
	quit   chan struct{} // closed by Close
	watch  sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	sockets []interface{ close() error }
	count   int // names the doorbells

	listeners atomic.Int64 // names the monitors
}

// NewServer starts a server with its key pair, or in plaintext where pair is
// nil. allow is asked, from one goroutine, for each peer that connects, and is
// told whether to a publisher; it must not wait.
func NewServer(pair *Pair, allow func(public string, live bool) bool) (*Server, error) {
	s := &Server{pair: pair, failed: make(chan error, 1), quit: make(chan struct{})}
	var err error
	if s.crowd, err = newCrowd(s.fail); err != nil {
		return nil, err
	}
	ctx, err := zmq.NewContext()
	if err != nil {
		return nil, fmt.Errorf("make ZeroMQ context: %w", err)
	}
	s.ctx = ctx
	if pair == nil {
		return s, nil
	}
	if s.gate, err = openGate(ctx, allow); err != nil {
		return nil, errors.Join(err, ctx.Term())
	}
	s.watch.Add(1)
	go s.watchGate()
	return s, nil
}

// Failed reports that the ZAP handler ended by itself, or that a socket or the
// watch over the crowd did. Without the handler nobody new is let in and
// publishers are silent; in any case the process must end.
func (s *Server) Failed() <-chan error { return s.failed }

func (s *Server) watchGate() {
	defer s.watch.Done()
	select {
	case <-s.gate.ended:
	case <-s.quit:
		return
	}
	if s.gate.err != nil {
		s.fail(s.gate.err)
	} else {
		s.fail(errGateEnded)
	}
}

// fail keeps the first reason.
func (s *Server) fail(err error) {
	select {
	case s.failed <- err:
	default:
	}
}

// gateStands tells whether peers are still asked for their keys.
func (s *Server) gateStands() bool {
	if s.gate == nil {
		return true
	}
	select {
	case <-s.gate.ended:
		return false
	default:
		return true
	}
}

// unreadReplies is how many replies, each of up to MaxMessage bytes, libzmq holds
// for one peer that does not read. The others wait in the backlog, which counts
// bytes.
const unreadReplies = 50

// maxTopic bounds what one subscription may be for. libzmq keeps each until its
// subscriber goes, in some forty times its size.
const maxTopic = 1 << 10

// sealed is what CURVE and the command of a subscription add to a topic, at most.
const sealed = 64

// listen makes a socket that listens. It is called by the goroutine that will
// own it.
func (s *Server) listen(kind zmq.Type, endpoint string) (*zmq.Socket, string, error) {
	sock, err := s.ctx.NewSocket(kind)
	if err != nil {
		return nil, "", fmt.Errorf("make %v socket: %w", kind, err)
	}
	err = configure(sock, endpoint)
	domain := requestDomain
	if kind == zmq.XPUB {
		domain = liveDomain
	}
	if s.pair != nil {
		err = errors.Join(err,
			sock.SetCurveServer(1),
			sock.SetCurveSecretkey(s.pair.Secret),
			sock.SetZapDomain(domain))
	}
	switch kind {
	case zmq.ROUTER:
		err = errors.Join(err, sock.SetRouterMandatory(1), sock.SetSndhwm(unreadReplies))
	case zmq.XPUB:
		err = errors.Join(err, sock.SetMaxmsgsize(maxTopic+sealed), sock.SetSndhwm(unreadNews), sock.SetXpubVerbose(1))
	}
	if err != nil {
		err = fmt.Errorf("set up %v socket: %w", kind, err)
	} else if err = s.crowd.watch(s.ctx, sock, fmt.Sprintf("crowd-%d", s.listeners.Add(1))); err == nil {
		endpoint, err = bind(sock, endpoint)
	}
	if err != nil {
		return nil, "", errors.Join(err, sock.Close())
	}
	return sock, endpoint, nil
}

// add keeps what Close has to close, and names its doorbell.
func (s *Server) add(start func(bell string) error, closer interface{ close() error }) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.count++
	if err := start(fmt.Sprintf("bell-%d", s.count)); err != nil {
		return err
	}
	s.sockets = append(s.sockets, closer)
	return nil
}

// Close sends the replies that are queued, for at most a second, and closes
// all sockets, the ZAP handler last.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	close(s.quit)
	s.watch.Wait()
	var err error
	for _, c := range s.sockets {
		err = errors.Join(err, c.close())
	}
	s.crowd.watchers.Wait()
	if s.gate != nil {
		s.gate.close()
	}
	if e := s.ctx.Term(); e != nil {
		err = errors.Join(err, fmt.Errorf("end ZeroMQ context: %w", e))
	}
	return err
}
