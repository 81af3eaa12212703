package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// limit is how long a test waits for what must happen.
const limit = 20 * time.Second

// site is a server with one router that echoes, and a key that it knows.
type site struct {
	*Server
	*Router
	pair   Pair
	client Pair
	others sync.Map // public keys that are let in besides the client's
}

// let lets a key in, or no longer.
func (s *site) let(public string, in bool) {
	if in {
		s.others.Store(public, true)
	} else {
		s.others.Delete(public)
	}
}

func newSite(t testing.TB, endpoint string, pair *Pair, client Pair) *site {
	t.Helper()
	out := &site{client: client}
	s, err := NewServer(pair, func(public string, _ bool) bool {
		_, other := out.others.Load(public)
		return other || public == client.Public
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	r, err := s.Router(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	out.Server, out.Router = s, r
	if pair != nil {
		out.pair = *pair
	}
	return out
}

func newPair(t testing.TB) Pair {
	t.Helper()
	p, err := NewPair()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// curveSite listens on a free port.
func curveSite(t testing.TB) *site {
	pair := newPair(t)
	return newSite(t, "tcp://127.0.0.1:0", &pair, newPair(t))
}

func (s *site) echo() {
	for q := range s.Requests() {
		q.Reply(q.Body)
	}
}

func (s *site) target() Target {
	return Target{Endpoint: s.Endpoint(), ServerKey: s.pair.Public, Pair: s.client, Plaintext: s.pair.Public == ""}
}

func dial(t testing.TB, target Target) *Client {
	t.Helper()
	c, err := Dial(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

func TestRequestCarriesTheProvenKey(t *testing.T) {
	s := curveSite(t)
	c := dial(t, s.target())
	go func() {
		q := <-s.Requests()
		q.Reply([]byte(q.Key))
		q.Reply([]byte("twice"))
		s.echo()
	}()
	got, err := c.Call(within(t), []byte("who"))
	if err != nil || string(got) != s.client.Public {
		t.Errorf("got %q, %v, want %q", got, err, s.client.Public)
	}
	if got, err := c.Call(within(t), []byte("a")); err != nil || string(got) != "a" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestPlaintextServerServesPlaintextClients(t *testing.T) {
	s := newSite(t, "tcp://localhost:0", nil, Pair{})
	go s.echo()
	if got, err := dial(t, s.target()).Call(within(t), []byte("a")); err != nil || string(got) != "a" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestManyCallersEachGetTheirOwnReply(t *testing.T) {
	s := curveSite(t)
	go s.echo()
	var clients []*Client
	for range 2 {
		clients = append(clients, dial(t, s.target()))
	}
	var all sync.WaitGroup
	for p := range 8 {
		all.Go(func() {
			var mine sync.WaitGroup
			for i := range 2000 {
				mine.Go(func() {
					want := fmt.Appendf(nil, "%d/%d %s", p, i, bytes.Repeat([]byte("x"), i))
					got, err := clients[p%2].Call(within(t), want)
					if err != nil || !bytes.Equal(got, want) {
						t.Errorf("%d/%d: got %.20q, %v", p, i, got, err)
					}
				})
			}
			mine.Wait()
		})
	}
	all.Wait()
}

func TestUnknownKeyIsDenied(t *testing.T) {
	s := curveSite(t)
	target := s.target()
	target.Pair = newPair(t)
	c := dial(t, target)
	for range 2 {
		if _, err := c.Call(within(t), []byte("a")); !errors.Is(err, ErrDenied) {
			t.Errorf("got %v", err)
		}
	}
	select {
	case q := <-s.Requests():
		t.Errorf("its request was delivered: %q", q.Body)
	default:
	}
}

func TestCallsGoOnAfterTheServerRestarts(t *testing.T) {
	first := curveSite(t)
	target := first.target()
	c := dial(t, target)
	held := make(chan error, 1)
	go func() { _, err := c.Call(within(t), []byte("held")); held <- err }()
	<-first.Requests()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-held; !errors.Is(err, ErrDisconnected) {
		t.Errorf("in flight: got %v", err)
	}
	waits := make(chan error, 1)
	go func() { _, err := c.Call(within(t), []byte("waits")); waits <- err }()
	gone, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Call(gone, []byte("never sent")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without a server: got %v", err)
	}

	second := newSite(t, target.Endpoint, &first.pair, first.client)
	q := <-second.Requests()
	if string(q.Body) != "waits" {
		t.Errorf("got %q first", q.Body)
	}
	q.Reply(nil)
	if err := <-waits; err != nil {
		t.Error(err)
	}
	go second.echo()
	if got, err := c.Call(within(t), []byte("again")); err != nil || string(got) != "again" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestCloseEndsAllCalls(t *testing.T) {
	s := curveSite(t)
	c := dial(t, s.target())
	got := make(chan error, 1)
	go func() { _, err := c.Call(within(t), []byte("a")); got <- err }()
	<-s.Requests()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := <-got; !errors.Is(err, ErrClosed) {
		t.Errorf("in flight: got %v", err)
	}
	if _, err := c.Call(within(t), []byte("a")); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: got %v", err)
	}
}

func TestLateReplyReachesNobodyElse(t *testing.T) {
	s := curveSite(t)
	c := dial(t, s.target())
	ctx, cancel := context.WithCancel(context.Background())
	got := make(chan error, 1)
	go func() { _, err := c.Call(ctx, []byte("a")); got <- err }()
	late := <-s.Requests()
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	late.Reply([]byte("late"))
	go s.echo()
	if got, err := c.Call(within(t), []byte("b")); err != nil || string(got) != "b" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestBadTargetIsRefusedAtOnce(t *testing.T) {
	good := newPair(t)
	for _, target := range []Target{
		{Endpoint: "nonsense", Plaintext: true},
		{Endpoint: "tcp://127.0.0.1:1", ServerKey: "short", Pair: good},
		{Endpoint: "tcp://127.0.0.1:1", ServerKey: good.Public},
	} {
		if c, err := Dial(target); err == nil {
			c.Close()
			t.Errorf("%+v: no error", target)
		}
		if s, err := Subscribe(target, ""); err == nil {
			s.Close()
			t.Errorf("%+v: no error", target)
		}
	}
}

func TestWrongServerKeyNeverConnects(t *testing.T) {
	s := curveSite(t)
	go s.echo()
	target := s.target()
	target.ServerKey = newPair(t).Public
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	if _, err := dial(t, target).Call(ctx, []byte("a")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestCallThatEndedBeforeTheConnectionIsNeverSent(t *testing.T) {
	gone := curveSite(t)
	target := gone.target()
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	c := dial(t, target)
	short, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Call(short, []byte("ended")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	s := newSite(t, target.Endpoint, &gone.pair, gone.client)
	go func() { _, _ = c.Call(within(t), []byte("waits")) }()
	if q := <-s.Requests(); string(q.Body) != "waits" {
		t.Errorf("got %q", q.Body)
	}
}
