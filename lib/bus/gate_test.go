package bus

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	zmq "github.com/pebbe/zmq4"
)

// quiet makes sure that nobody answers a request.
func quiet(t *testing.T, s *site, target Target) {
	t.Helper()
	sock := peer(t, zmq.REQ, target, func(s *zmq.Socket) error { return s.SetRcvtimeo(500 * time.Millisecond) })
	if _, err := sock.Send("a", 0); err != nil {
		t.Fatal(err)
	}
	if got, err := sock.Recv(0); err == nil {
		t.Errorf("answered with %q", got)
	}
}

func TestOnlyListedKeysAreAnswered(t *testing.T) {
	s := curveSite(t)
	go s.echo()
	stranger := s.target()
	stranger.Pair = newPair(t)
	quiet(t, s, stranger)
	quiet(t, s, Target{Endpoint: s.Endpoint(), Plaintext: true})
	if _, err := dial(t, s.target()).Call(within(t), []byte("a")); err != nil {
		t.Error(err)
	}
}

func TestWithoutItsGateNobodyIsAnswered(t *testing.T) {
	s := curveSite(t)
	go s.echo()
	s.gate.close()
	select {
	case err := <-s.Failed():
		if err == nil {
			t.Error("no reason")
		}
	case <-time.After(limit):
		t.Error("not reported")
	}
	stranger := s.target()
	stranger.Pair = newPair(t)
	quiet(t, s, stranger)
	quiet(t, s, s.target())
}

func TestGateThatPanicsIsReported(t *testing.T) {
	pair := newPair(t)
	s, err := NewServer(&pair, func(string, bool) bool { panic("broken") })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r, err := s.Router("tcp://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, Target{Endpoint: r.Endpoint(), ServerKey: pair.Public, Pair: newPair(t)})
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	go func() { _, _ = c.Call(ctx, []byte("a")) }()
	select {
	case <-s.Failed():
	case <-ctx.Done():
		t.Error("not reported")
	}
}

func TestServerThatWasClosedListensNoMore(t *testing.T) {
	s := curveSite(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Server.Router("tcp://127.0.0.1:0"); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	select {
	case err := <-s.Failed():
		t.Errorf("Close counts as a failure: %v", err)
	default:
	}
}

// used is the processor time of this process.
func used(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestIdleSocketsUseNoProcessor(t *testing.T) {
	s := curveSite(t)
	go s.echo()
	c := dial(t, s.target())
	if _, err := c.Call(within(t), []byte("a")); err != nil {
		t.Fatal(err)
	}
	away := s.target()
	away.Endpoint = "tcp://127.0.0.1:1"
	go func() { _, _ = dial(t, away).Call(within(t), []byte("a")) }()
	before := used(t)
	<-time.After(time.Second) // the measured time itself
	if spent := used(t) - before; spent > 100*time.Millisecond {
		t.Errorf("%v of a second", spent)
	}
}
