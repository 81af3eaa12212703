package bus

import (
	"errors"
	"fmt"
	"time"

	zmq "github.com/pebbe/zmq4"
)

// Target is a server to connect to, and the key pair to show it.
type Target struct {
	Endpoint  string // tcp://host:port
	ServerKey string // the server's public key
	Pair      Pair
	Plaintext bool // no keys at all
}

// connection is a connecting socket with its monitor. It is used for one
// connection: after certain failures libzmq never connects a socket again, and
// does not say so, so a new socket is made after each.
type connection struct {
	sock   *zmq.Socket
	events *zmq.Socket
	poller *zmq.Poller
	state  state
	stood  bool // at least for a moment
}

// state is where a connection is in its life.
type state int

const (
	waiting  state = iota // for the server to be there
	standing              // the handshake is done
	lost
	denied // the server does not accept the key
)

// watched are the events of the monitor that matter.
const watched = zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_AUTH

func connect(ctx *zmq.Context, kind zmq.Type, t Target) (*connection, error) {
	sock, err := ctx.NewSocket(kind)
	if err != nil {
		return nil, fmt.Errorf("make %v socket: %w", kind, err)
	}
	err = configure(sock, t.Endpoint)
	if kind == zmq.DEALER {
		err = errors.Join(err, beat(sock))
	}
	if !t.Plaintext {
		err = errors.Join(err,
			sock.SetCurveServerkey(t.ServerKey),
			sock.SetCurvePublickey(t.Pair.Public),
			sock.SetCurveSecretkey(t.Pair.Secret))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("set up %v socket: %w", kind, err), sock.Close())
	}
	c := &connection{sock: sock}
	if err := c.open(ctx, t.Endpoint); err != nil {
		return nil, errors.Join(fmt.Errorf("connect to %s: %w", t.Endpoint, err), c.close())
	}
	return c, nil
}

// open connects; the monitor stands before, so that no event is missed.
func (c *connection) open(ctx *zmq.Context, endpoint string) (err error) {
	const monitor = "inproc://monitor" // the one connection of its context
	if err := c.sock.Monitor(monitor, watched); err != nil {
		return err
	}
	if c.events, err = ctx.NewSocket(zmq.PAIR); err != nil {
		return err
	}
	if err := errors.Join(c.events.SetLinger(0), c.events.Connect(monitor)); err != nil {
		return err
	}
	c.poller = zmq.NewPoller()
	c.poller.Add(c.sock, zmq.POLLIN)
	c.poller.Add(c.events, zmq.POLLIN)
	return c.sock.Connect(endpoint)
}

func (c *connection) close() error {
	err := c.sock.Monitor("", 0)
	if c.events != nil {
		err = errors.Join(err, c.events.Close())
	}
	return errors.Join(err, c.sock.Close())
}

// news reads what the monitor has to tell. The value of a refusal is the
// status of the server's ZAP handler; only 400 speaks of the key.
func (c *connection) news() state {
	for c.state < lost {
		event, _, value, err := c.events.RecvEvent(zmq.DONTWAIT)
		if err != nil {
			break
		}
		switch {
		case event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
			c.state, c.stood = standing, true
		case event == zmq.EVENT_HANDSHAKE_FAILED_AUTH && value == 400:
			c.state = denied
		default:
			c.state = lost
		}
	}
	return c.state
}

// pace says how long to wait before the next connection is made.
type pace struct{ failures int }

// next is longer with each failure in sequence; a connection that stood is the
// first of a new sequence.
func (p *pace) next(stood bool) time.Duration {
	if stood {
		p.failures = 0
	}
	d := min(200*time.Millisecond<<p.failures, 10*time.Second)
	p.failures = min(p.failures+1, 6)
	return d
}

// rest waits for d, or until stopped tells so after a ring.
func rest(heard *zmq.Socket, d time.Duration, stopped func() bool) error {
	poller := zmq.NewPoller()
	poller.Add(heard, zmq.POLLIN)
	for end := time.Now().Add(d); !stopped(); {
		left := time.Until(end)
		if left < time.Millisecond {
			return nil
		}
		if _, err := poller.Poll(min(left, turn)); err != nil {
			return fmt.Errorf("poll doorbell: %w", err)
		}
		hear(heard)
	}
	return nil
}
