package bus

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	zmq "github.com/pebbe/zmq4"

	"github.com/cdktr/cdktr/lib/wire"
)

// live is a publisher and a subscription that is known to receive.
func live(t *testing.T, topics ...string) (*site, *Publisher, *Subscription) {
	t.Helper()
	s := curveSite(t)
	p, err := s.Publisher("tcp://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sub := subscribe(t, s, p, append(topics, "sync")...)
	return s, p, sub
}

func subscribe(t *testing.T, s *site, p *Publisher, topics ...string) *Subscription {
	t.Helper()
	target := s.target()
	target.Endpoint = p.Endpoint()
	sub, err := Subscribe(target, topics...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sub.Close() })
	return sub
}

// synced publishes until the subscription receives.
func synced(t *testing.T, p *Publisher, sub *Subscription) {
	t.Helper()
	end := time.After(limit)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		p.Publish("sync", nil)
		select {
		case <-sub.Messages():
			return
		case <-tick.C:
		case <-end:
			t.Fatal("nothing arrives")
		}
	}
}

// subscribed is how many topics anybody has subscribed to.
func subscribed(p *Publisher) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.topics)
}

// nextOf skips what synced left behind.
func nextOf(t *testing.T, sub *Subscription) Published {
	t.Helper()
	for {
		select {
		case m, open := <-sub.Messages():
			if !open {
				t.Fatal("the subscription ended: ", sub.Err())
			}
			if m.Topic != "sync" {
				return m
			}
		case <-time.After(limit):
			t.Fatal("nothing arrives")
		}
	}
}

func TestSubscriberGetsItsTopicsInOrder(t *testing.T) {
	_, p, sub := live(t, "log/etl/")
	synced(t, p, sub)
	const some = unreadNews / 2 // that wait for one who is slow
	for first := 0; first < 500; first += some {
		for i := range some {
			p.Publish("log/other/", []byte("no"))
			p.Publish("log/etl/run/", fmt.Append(nil, first+i))
		}
		for i := range some {
			if m := nextOf(t, sub); m.Topic != "log/etl/run/" || string(m.Body) != fmt.Sprint(first+i) {
				t.Fatalf("message %d: %+v", first+i, m)
			}
		}
	}
}

// A thousand messages wait for one who does not read: large ones would be
// without bound.
func TestLargeNewsIsLeftToTheHistory(t *testing.T) {
	_, p, sub := live(t, "a")
	synced(t, p, sub)
	p.Publish("a", make([]byte, wire.MaxLive+1))
	p.Publish("a", []byte("small"))
	if m := nextOf(t, sub); string(m.Body) != "small" {
		t.Errorf("%d bytes arrive", len(m.Body))
	}
}

// libzmq keeps every topic, in much more than it takes on the way.
func TestOverlongTopicCostsItsSubscriberAlone(t *testing.T) {
	s, p, sub := live(t)
	synced(t, p, sub)
	target := s.target()
	target.Endpoint = p.Endpoint()
	subscribe(t, s, p, strings.Repeat("x", maxTopic))
	for end := time.Now().Add(limit); subscribed(p) != 2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the longest topic is not taken")
		}
	}

	const monitor = "inproc://monitor"
	rude := peer(t, zmq.XSUB, target, func(s *zmq.Socket) error { return s.Monitor(monitor, zmq.EVENT_DISCONNECTED) })
	ctx, err := rude.Context()
	if err != nil {
		t.Fatal(err)
	}
	events, err := ctx.NewSocket(zmq.PAIR)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { events.Close() })
	if err := errors.Join(events.SetLinger(0), events.SetRcvtimeo(limit), events.Connect(monitor)); err != nil {
		t.Fatal(err)
	}
	if _, err := rude.Send("\x01"+strings.Repeat("x", maxTopic+sealed), 0); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := events.RecvEvent(0); err != nil {
		t.Fatal("a longer one is taken: ", err)
	}
	synced(t, p, sub)
	if n := subscribed(p); n != 2 {
		t.Errorf("%d topics are subscribed to", n)
	}
}

func TestSubscriberThatDoesNotReadHoldsUpNobody(t *testing.T) {
	s, p, slow := live(t, "a")
	synced(t, p, slow)
	quick := subscribe(t, s, p, "a", "sync")
	synced(t, p, quick)
	body := make([]byte, 1<<10)
	start := time.Now()
	for range 100_000 {
		p.Publish("a", body)
	}
	if took := time.Since(start); took > 20*time.Second { // a hang, not a slow machine
		t.Errorf("publishing took %v", took)
	}
	nextOf(t, quick)
}

// What waits for one who does not read is bounded, and the others lose nothing
// by him: here everything arrives, because the good one is never behind by more
// than what a breath has.
func TestStoppedSubscribersCostLittleMemory(t *testing.T) {
	// In a process of its own: there is nothing else whose memory counts.
	const child = "CDKTR_TEST_STOPPED_SUBSCRIBERS"
	if os.Getenv(child) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), child+"=1")
		out, err := cmd.CombinedOutput()
		t.Logf("%s", out)
		if err != nil {
			t.Error(err)
		}
		return
	}
	s, p, good := live(t, "a")
	synced(t, p, good)
	target := s.target()
	target.Endpoint = p.Endpoint()
	const stopped, size, count = 4, wire.MaxLive, 1200
	for i := range stopped {
		peer(t, zmq.SUB, target, func(s *zmq.Socket) error {
			return errors.Join(s.SetRcvhwm(1), s.SetRcvbuf(4096), s.SetSubscribe("a"), s.SetSubscribe(fmt.Sprint("stopped ", i)))
		})
	}
	for end := time.Now().Add(limit); subscribed(p) != 2+stopped; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not all subscribe")
		}
	}
	// What this test throws away is not to be counted, nor what the race
	// detector notes of it.
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	body := make([]byte, 0, size)
	before := resident(t)
	got := 0
	for i := range count {
		body = fmt.Appendf(body[:0], "%-*d", size, i) // the good one has the last: it is sent
		p.Publish("a", body)
		if m := nextOf(t, good); strings.TrimSpace(string(m.Body)) == fmt.Sprint(i) {
			got++
		}
	}
	grown := resident(t) - before
	t.Logf("%d MiB published, %d MiB more held for %d subscribers that do not read", count*size>>20, grown>>20, stopped)
	if got != count {
		t.Errorf("%d of %d messages reach the one that reads", got, count)
	}
	// libzmq holds a message once for all of them.
	if most := unreadNews*size + 24<<20; grown > most {
		t.Errorf("%d bytes are held, want at most %d", grown, most)
	}
}

func TestSubscriptionGoesOnAfterTheServerRestarts(t *testing.T) {
	first, p, sub := live(t, "a")
	synced(t, p, sub)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := newSite(t, "tcp://127.0.0.1:0", &first.pair, first.client)
	again, err := second.Publisher(p.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	synced(t, again, sub)
}

func TestSubscriberWithoutAListedKeyIsDenied(t *testing.T) {
	s, p, _ := live(t, "a")
	s.client = newPair(t)
	sub := subscribe(t, s, p, "")
	select {
	case m, open := <-sub.Messages():
		if open || !errors.Is(sub.Err(), ErrDenied) {
			t.Errorf("got %+v, %v", m, sub.Err())
		}
	case <-time.After(limit):
		t.Error("it is not told")
	}
}

func TestWithoutTheGateNothingIsPublished(t *testing.T) {
	s, p, sub := live(t, "a")
	synced(t, p, sub)
	s.gate.close()
	<-s.Failed()
	p.Publish("a", []byte("secret"))
	select {
	case <-p.ended:
	case <-time.After(limit):
		t.Error("the publisher goes on")
	}
	select {
	case m := <-sub.Messages():
		if m.Topic == "a" {
			t.Errorf("got %+v", m)
		}
	default:
	}
}
