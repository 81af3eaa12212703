package bus

import (
	"errors"
	"fmt"
	"net"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	zmq "github.com/pebbe/zmq4"

	"github.com/cdktr/cdktr/lib/wire"
)

func TestEnvelopeComesBackUnchanged(t *testing.T) {
	f := func(s ...string) (out [][]byte) {
		for _, x := range s {
			out = append(out, []byte(x))
		}
		return out
	}
	long := f(strings.Split(strings.Repeat("x,", maxFrames-1)+"x", ",")...)
	for name, c := range map[string]struct {
		frames   [][]byte
		cut      bool
		envelope [][]byte
		body     string
	}{
		"REQ":              {f("id", "", "body"), false, f("id", ""), "body"},
		"REQ_CORRELATE":    {f("id", "req", "", "body"), false, f("id", "req", ""), "body"},
		"hops":             {f("id", "a", "b", "", "body"), false, f("id", "a", "b", ""), "body"},
		"empty body":       {f("id", "", ""), false, f("id", ""), ""},
		"no body":          {f("id", ""), false, f("id", ""), ""},
		"two bodies":       {f("id", "", "a", "b"), false, f("id", ""), ""},
		"no empty frame":   {f("id", "body"), false, f("id"), ""},
		"many frames":      {long, true, f("x"), ""},
		"cut after body":   {append(f("id", ""), long[2:]...), true, f("id", ""), ""},
		"cut at the body":  {append(f(strings.Split(strings.Repeat("x", maxFrames-2), "")...), nil, []byte("a")), true, append(f(strings.Split(strings.Repeat("x", maxFrames-2), "")...), nil), ""},
		"the body is last": {f("id", "", "a", ""), false, f("id", ""), ""},
	} {
		envelope, body := split(message{frames: c.frames, whole: !c.cut})
		if fmt.Sprintf("%q", envelope) != fmt.Sprintf("%q", c.envelope) || string(body) != c.body {
			t.Errorf("%s: got %q and %q", name, envelope, body)
		}
	}
}

// peer is a bare socket in the test's own hands.
func peer(t *testing.T, kind zmq.Type, target Target, setUp ...func(*zmq.Socket) error) *zmq.Socket {
	t.Helper()
	ctx, err := zmq.NewContext()
	if err != nil {
		t.Fatal(err)
	}
	sock, err := ctx.NewSocket(kind)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sock.Close(); ctx.Term() })
	err = errors.Join(sock.SetLinger(0), sock.SetRcvtimeo(limit), sock.SetSndtimeo(limit))
	if !target.Plaintext {
		err = errors.Join(err, sock.SetCurveServerkey(target.ServerKey), sock.SetCurvePublickey(target.Pair.Public), sock.SetCurveSecretkey(target.Pair.Secret))
	}
	for _, f := range setUp {
		err = errors.Join(err, f(sock))
	}
	if err := errors.Join(err, sock.Connect(target.Endpoint)); err != nil {
		t.Fatal(err)
	}
	return sock
}

func TestAnyKindOfSocketIsAnswered(t *testing.T) {
	s := curveSite(t)
	go func() {
		for q := range s.Requests() {
			if len(q.Body) == 0 {
				q.Reply([]byte("bad"))
			} else {
				q.Reply(q.Body)
			}
		}
	}()
	correlate := func(s *zmq.Socket) error { return s.SetReqCorrelate(1) }
	frames := make([]string, 1000)
	for name, c := range map[string]struct {
		sock *zmq.Socket
		send []string
		want []string
	}{
		"REQ":             {peer(t, zmq.REQ, s.target()), []string{"a"}, []string{"a"}},
		"REQ_CORRELATE":   {peer(t, zmq.REQ, s.target(), correlate), []string{"a"}, []string{"a"}},
		"DEALER":          {peer(t, zmq.DEALER, s.target()), []string{"x", "y", "", "a"}, []string{"x", "y", "", "a"}},
		"no empty frame":  {peer(t, zmq.DEALER, s.target()), []string{"a"}, []string{"bad"}},
		"two body frames": {peer(t, zmq.REQ, s.target()), []string{"a", "b"}, []string{"bad"}},
		"1,000 frames":    {peer(t, zmq.DEALER, s.target()), frames, []string{"", "bad"}},
		"1,000 full ones": {peer(t, zmq.DEALER, s.target()), strings.Split(strings.Repeat("x", 1000), ""), []string{"bad"}},
		"empty body":      {peer(t, zmq.REQ, s.target()), []string{""}, []string{"bad"}},
		"4 MiB":           {peer(t, zmq.REQ, s.target()), []string{strings.Repeat("x", wire.MaxMessage)}, []string{strings.Repeat("x", wire.MaxMessage)}},
	} {
		for range 2 {
			parts := make([][]byte, len(c.send))
			for i, p := range c.send {
				parts[i] = []byte(p)
			}
			if _, err := c.sock.SendMessage(parts); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got, err := c.sock.RecvMessage(0); err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s: got %.80q, %v", name, got, err)
			}
		}
	}
}

func TestOversizeMessageCostsItsSenderAlone(t *testing.T) {
	s := curveSite(t)
	go s.echo()
	c := dial(t, s.target())
	if _, err := c.Call(within(t), []byte("a")); err != nil {
		t.Fatal(err)
	}
	big := peer(t, zmq.DEALER, s.target(), func(s *zmq.Socket) error { return s.SetRcvtimeo(300 * time.Millisecond) })
	if _, err := big.SendMessage("", strings.Repeat("x", wire.MaxMessage+overhead+1)); err != nil {
		t.Fatal(err)
	}
	if got, err := big.RecvMessage(0); err == nil {
		t.Errorf("it got %.80q", got)
	}
	if _, err := c.Call(within(t), []byte("a")); err != nil {
		t.Error(err)
	}
	if _, err := c.Call(within(t), make([]byte, wire.MaxMessage+1)); err == nil || errors.Is(err, ErrDisconnected) {
		t.Errorf("the client sent it: %v", err)
	}
}

func TestGarbageOnThePortHarmsNobody(t *testing.T) {
	s := curveSite(t)
	go s.echo()
	c := dial(t, s.target())
	for _, garbage := range []string{"", "GET / HTTP/1.1\r\n\r\n", strings.Repeat("\xff", 1<<16), "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00CURVE" + strings.Repeat("\x00", 100)} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.Endpoint(), "tcp://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = conn.Write([]byte(garbage)) // the server may hang up first
		if got, err := c.Call(within(t), []byte("a")); err != nil || string(got) != "a" {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

func TestPeerThatDoesNotReadHoldsUpNobody(t *testing.T) {
	s := curveSite(t)
	go func() {
		for q := range s.Requests() {
			q.Reply(append(q.Body, make([]byte, 4<<10)...))
		}
	}()
	slow := peer(t, zmq.DEALER, s.target(), func(s *zmq.Socket) error { return errors.Join(s.SetRcvhwm(1), s.SetRcvbuf(4096)) })
	const asked = 5000 // more than fit into the sockets and the system
	for i := range asked {
		if _, err := slow.SendMessage("", fmt.Sprintf("%04d", i)); err != nil {
			t.Fatal(err)
		}
	}
	c := dial(t, s.target())
	for i := range 500 {
		start := time.Now()
		if _, err := c.Call(within(t), []byte("a")); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > 10*time.Second { // a hang, not a slow machine
			t.Fatalf("call %d took %v", i, took)
		}
	}
	for i := range asked { // it reads late, and still gets all in order
		if got, err := slow.RecvMessage(0); err != nil || len(got) != 2 || got[1][:4] != fmt.Sprintf("%04d", i) {
			t.Fatalf("reply %d: %.20q, %v", i, got, err)
		}
	}
}

// resident is how much memory this process has, in bytes.
func resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("SKIP-TOOL procfs:", err)
	}
	var size, pages int
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

func TestLargeRepliesThatNobodyReadsTakeBoundedMemory(t *testing.T) {
	s := curveSite(t)
	page := make([]byte, 1<<20)
	answered := make(chan struct{}, 500)
	go func() {
		for q := range s.Requests() {
			q.Reply(page)
			answered <- struct{}{}
		}
	}()
	before := resident(t)
	slow := peer(t, zmq.DEALER, s.target(), func(s *zmq.Socket) error { return errors.Join(s.SetRcvhwm(1), s.SetRcvbuf(4096)) })
	for range cap(answered) {
		if _, err := slow.SendMessage("", "page"); err != nil {
			t.Fatal(err)
		}
	}
	for range cap(answered) {
		<-answered
	}
	c := dial(t, s.target())
	for range 20 { // its turn comes after those of the slow one
		if _, err := c.Call(within(t), []byte("a")); err != nil {
			t.Fatal(err)
		}
	}
	if grown := resident(t) - before; grown > 250<<20 {
		t.Errorf("%d MiB more for %d MiB that nobody reads", grown>>20, cap(answered))
	}
}

func TestConsumerThatDoesNotTakeLeavesRepliesGoing(t *testing.T) {
	s := curveSite(t)
	c := dial(t, s.target())
	go func() { _, _ = c.Call(within(t), []byte("first")) }()
	first := <-s.Requests()
	flood := peer(t, zmq.DEALER, s.target(), func(s *zmq.Socket) error { return s.SetSndtimeo(200 * time.Millisecond) })
	sent := 0
	for ; sent < 100_000; sent++ { // ends when the server has stopped reading
		if _, err := flood.SendMessage("", strings.Repeat("x", 1<<14)); err != nil {
			break
		}
	}
	if sent == 100_000 {
		t.Fatal("it reads without bound")
	}
	waiting := s.Router.requests
	waiting.mu.Lock()
	if n, bytes := len(waiting.items), waiting.bytes; n > feedItems || bytes > feedBytes+1<<14 {
		t.Errorf("%d requests of %d bytes wait", n, bytes)
	}
	waiting.mu.Unlock()
	other := dial(t, s.target())
	got := make(chan error, 1)
	go func() { _, err := other.Call(within(t), []byte("x")); got <- err }()
	first.Reply([]byte("late"))
	go s.echo()
	if err := <-got; err != nil {
		t.Error(err)
	}
}

func TestEndpointInUseIsTheSystemsError(t *testing.T) {
	s := curveSite(t)
	if _, err := s.Server.Router(s.Endpoint()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v", err)
	}
	for _, endpoint := range []string{"", "tcp://127.0.0.1", "ipc:///tmp/x", "tcp://no.such.host.invalid:1", "tcp://127.0.0.1:99999"} {
		if _, err := s.Server.Router(endpoint); err == nil {
			t.Errorf("%q: bound", endpoint)
		}
	}
}

func TestCloseSendsWhatIsQueued(t *testing.T) {
	for range 10 {
		s := curveSite(t)
		c := dial(t, s.target())
		got := make(chan error, 500)
		for i := range 500 {
			go func() { _, err := c.Call(within(t), fmt.Append(nil, i)); got <- err }()
		}
		var requests []*Request
		for range 500 {
			requests = append(requests, <-s.Requests())
		}
		for _, q := range requests {
			q.Reply(q.Body)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		for range 500 {
			if err := <-got; err != nil {
				t.Fatal(err)
			}
		}
		if _, open := <-s.Requests(); open {
			t.Error("Requests is not closed")
		}
		requests[0].Reply(nil) // after the end it does nothing
		c.Close()
	}
}
