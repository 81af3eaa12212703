package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/wire"
)

// ErrDenied tells that the principal does not know the key that was shown.
var ErrDenied = errors.New("the principal refused this key")

// ErrNoKey tells that there is no key to show to the principal, or no public
// key to know it by.
var ErrNoKey = errors.New("no key")

// ErrBadKey tells that a key file is there and cannot be used: it is broken, or
// open to other users.
var ErrBadKey = errors.New("unusable key")

// AwayError tells that no principal answered within the retry budget.
type AwayError struct {
	Address string
	Tried   time.Duration
	Err     error // the last reason, if there is one
}

func (e *AwayError) Error() string {
	text := fmt.Sprintf("cannot reach the principal at %s", e.Address)
	if e.Tried > 0 {
		text += fmt.Sprintf(" (tried for %s)", e.Tried.Round(time.Millisecond))
	}
	if e.Err != nil && !errors.Is(e.Err, context.DeadlineExceeded) && !errors.Is(e.Err, context.Canceled) {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *AwayError) Unwrap() error { return e.Err }

// Options say where the principal is and who asks.
type Options struct {
	Address  string               // host, host:port or tcp://host:port; empty: the principal of Data
	Data     string               // data directory, holds principal.json
	Keys     string               // key directory; empty: Data/keys
	Identity string               // the certificate to show: admin (default) or agent
	Remote   *Remote              // in place of Address and Keys: a principal elsewhere
	Fallback *Remote              // where no principal runs on Data, and no Address is given
	Try      time.Duration        // one try, default 3 s
	Attempts int                  // the budget is Try times Attempts; default 20
	Waiting  func(address string) // called once, when the first try has failed
}

// Remote is a principal that is known by its key.
type Remote struct {
	Address     string // as Options.Address
	Key         string // the principal's public key, Z85
	Certificate string // file with the key pair to show
}

// Client talks to one principal, over restarts of it. Any number of goroutines
// may use it.
type Client struct {
	o      Options
	ids    atomic.Uint64
	prefix string
	told   sync.Once

	dialing chan struct{} // holds a token while one goroutine connects
	failed  failure       // guarded by dialing
	life    context.Context
	end     context.CancelFunc // by Close

	mu     sync.Mutex
	conn   *bus.Client
	target bus.Target
	closed bool
}

// failure is the last attempt to connect that failed. Those who waited for it
// share it: one after the other, each would wait as long again.
type failure struct {
	at  time.Time
	err error
}

// New returns a client. It does not connect: the first call does.
func New(o Options) *Client {
	if o.Try <= 0 {
		o.Try = 3 * time.Second
	}
	if o.Attempts <= 0 {
		o.Attempts = 20
	}
	if o.Identity == "" {
		o.Identity = "admin"
	}
	c := &Client{o: o, prefix: rand.Text()[:8] + "-", dialing: make(chan struct{}, 1)}
	c.life, c.end = context.WithCancel(context.Background())
	return c
}

// Request is any of wire's requests.
type Request interface{ SetHeader(wire.Header) }

// patient requests are answered late by design; Patience is how late.
type patient interface{ Patience() time.Duration }

// Call sends req and decodes the answer into result. While the principal is
// away it keeps trying, until ctx ends or the budget is used up: then the
// error is an *AwayError. A refusal is a *wire.Error, an unknown key
// ErrDenied.
//
// A request may reach the principal twice when the connection breaks. All
// requests bear that, but for a trigger without a key: use Trigger.
func (c *Client) Call(ctx context.Context, op wire.Op, req Request, result any) error {
	return c.call(ctx, op, req, result, time.Duration(c.o.Attempts)*c.o.Try)
}

// CallOnce is Call with a single try.
func (c *Client) CallOnce(ctx context.Context, op wire.Op, req Request, result any) error {
	return c.call(ctx, op, req, result, 0)
}

func (c *Client) call(ctx context.Context, op wire.Op, req Request, result any, budget time.Duration) error {
	id := c.prefix + strconv.FormatUint(c.ids.Add(1), 36)
	req.SetHeader(wire.Header{V: wire.Version, ID: id, Op: op})
	body, err := wire.EncodeRequest(req)
	if err != nil {
		return fmt.Errorf("encode %s: %w", op, err)
	}
	if len(body) > wire.MaxMessage {
		return &wire.Error{Code: wire.TooLarge, Message: fmt.Sprintf("%s: a request of %d bytes is over the limit of %d", op, len(body), wire.MaxMessage)}
	}
	patience := c.o.Try
	if p, ok := req.(patient); ok {
		patience += p.Patience()
	}
	reached := false
	for start := time.Now(); ; {
		reply, connected, err := c.try(ctx, body, patience)
		reached = reached || connected
		if err == nil {
			err = wire.DecodeReply(reply, id, result)
			if !busy(op, err) || time.Since(start) >= budget {
				return err
			}
		}
		switch {
		case ctx.Err() != nil:
			return c.ended(ctx, start, reached)
		case errors.Is(err, bus.ErrDenied):
			return ErrDenied
		case errors.Is(err, ErrNoKey), errors.Is(err, ErrBadKey):
			return err
		case c.isClosed():
			return bus.ErrClosed
		case busy(op, err): // it is there, and the budget goes on
		case connected && !errors.Is(err, context.DeadlineExceeded):
			start = time.Now() // it was there a moment ago: a new budget
		}
		if tried := time.Since(start); tried >= budget {
			return &AwayError{Address: c.address(), Tried: tried, Err: reason(err)}
		}
		c.told.Do(func() {
			if c.o.Waiting != nil {
				c.o.Waiting(c.address())
			}
		})
		if pause(ctx, 50*time.Millisecond) != nil {
			return c.ended(ctx, start, reached)
		}
	}
}

// busy tells that a query was refused for the moment only: the principal is
// stopping, or has too many of them.
func busy(op wire.Op, err error) bool {
	var refused *wire.Error
	return op.Reads() && errors.As(err, &refused) && refused.Code == wire.Unavailable
}

// ended is the error of a call whose context ended: while nobody had answered,
// or while the answer was to come.
func (c *Client) ended(ctx context.Context, start time.Time, reached bool) error {
	if reached {
		return ctx.Err()
	}
	return &AwayError{Address: c.address(), Tried: time.Since(start), Err: ctx.Err()}
}

// try makes one attempt; connected tells that the connection stood when the
// request was given to it.
func (c *Client) try(ctx context.Context, body []byte, patience time.Duration) (reply []byte, connected bool, err error) {
	conn, err := c.connect(ctx)
	if err != nil {
		return nil, false, err
	}
	tctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// Without its connection the call would wait for it, while the principal
	// may be somewhere else by now.
	defer context.AfterFunc(conn.Life(), cancel)()
	reply, err = conn.Call(tctx, body)
	// A caller that gave up says nothing about the connection that others use.
	if err != nil && ctx.Err() == nil {
		c.drop(conn)
	}
	return reply, true, err
}

// connect returns the standing connection, or makes one and waits until it
// stands.
func (c *Client) connect(ctx context.Context) (*bus.Client, error) {
	if conn, err := c.current(); conn != nil || err != nil {
		return conn, err
	}
	begun := time.Now()
	select {
	case c.dialing <- struct{}{}:
		defer func() { <-c.dialing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if conn, err := c.current(); conn != nil || err != nil {
		return conn, err
	}
	if c.failed.at.After(begun) {
		return nil, c.failed.err
	}
	target, err := c.resolve()
	c.mu.Lock()
	c.target = target
	c.mu.Unlock()
	if err != nil {
		return nil, err
	}
	conn, err := bus.Dial(target)
	if err != nil {
		return nil, err
	}
	err = c.prove(ctx, conn, target)

	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && c.closed {
		err = bus.ErrClosed
	}
	if err != nil {
		err = errors.Join(err, conn.Close())
		if ctx.Err() == nil {
			c.failed = failure{time.Now(), err}
		}
		return nil, err
	}
	c.conn = conn
	return conn, nil
}

func (c *Client) current() (*bus.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, bus.ErrClosed
	}
	return c.conn, nil
}

func (c *Client) isClosed() bool {
	_, err := c.current()
	return err != nil
}

// errMoved tells that the principal is elsewhere now: dial again, there.
var errMoved = errors.New("the principal has moved")

// lookAgain is how often one who waits for a connection looks whether the
// principal has started anew somewhere else.
const lookAgain = 100 * time.Millisecond

// prove waits until the connection stands: for one try, until the client is closed, or
// until another place is the right one.
func (c *Client) prove(ctx context.Context, conn *bus.Client, target bus.Target) error {
	ctx, cancel := context.WithTimeout(ctx, c.o.Try)
	defer cancel()
	defer context.AfterFunc(c.life, cancel)()
	answer := make(chan error, 1)
	go func() { answer <- conn.Stood(ctx) }()
	ticker := time.NewTicker(lookAgain)
	defer ticker.Stop()
	for {
		select {
		case err := <-answer:
			return err
		case <-ticker.C:
			if now, err := c.resolve(); err == nil && now != target {
				cancel()
				<-answer
				return errMoved
			}
		}
	}
}

// drop closes conn, so that the next call looks for the principal anew. Of many
// callers the one that takes it out closes it.
func (c *Client) drop(conn *bus.Client) {
	c.mu.Lock()
	mine := c.conn == conn
	if mine {
		c.conn = nil
	}
	c.mu.Unlock()
	if mine {
		conn.Close()
	}
}

// Close ends the client; calls under way fail.
func (c *Client) Close() error {
	c.mu.Lock()
	conn := c.conn
	c.conn, c.closed = nil, true
	c.mu.Unlock()
	c.end()
	if conn == nil {
		return nil
	}
	return conn.Close()
}

// reason hides what says no more than "it did not answer". Closed is the
// connection, by another call that got no answer, not the client.
func reason(err error) error {
	for _, silent := range []error{context.DeadlineExceeded, bus.ErrDisconnected, bus.ErrClosed} {
		if errors.Is(err, silent) {
			return nil
		}
	}
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
