package principal

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

func newPair(t *testing.T) bus.Pair {
	t.Helper()
	pair, err := bus.NewPair()
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// grant has the principal let a new key in.
func (s *site) grant(name, role string) bus.Pair {
	s.t.Helper()
	pair := newPair(s.t)
	granted := ask[wire.KeyGranted](s.t, s.admin, wire.OpKeyGrant, &wire.KeyGrant{Name: name, Role: role, PublicKey: pair.Public})
	if granted.PrincipalKey != s.ring.Principal().Public || granted.API != s.p.api.Endpoint() {
		s.t.Errorf("granted %+v", granted)
	}
	return pair
}

func (s *site) revoke(name string) {
	s.t.Helper()
	ask[wire.Nothing](s.t, s.admin, wire.OpKeyRevoke, &wire.KeyRevoke{Name: name})
}

func (s *site) targetWith(endpoint string, pair bus.Pair) bus.Target {
	return bus.Target{Endpoint: endpoint, ServerKey: s.ring.Principal().Public, Pair: pair}
}

func (s *site) rawWith(endpoint string, pair bus.Pair) *raw {
	s.t.Helper()
	c, err := bus.Dial(s.targetWith(endpoint, pair))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return &raw{s.t, c}
}

// clientWith is a client of one of the principal's ports, as one elsewhere has
// it: by the principal's key and a certificate of its own.
func (s *site) clientWith(endpoint string, pair bus.Pair) *client.Client {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), "a.key_secret")
	if err := (bus.Certificate{Pair: pair}).WriteSecret(file); err != nil {
		s.t.Fatal(err)
	}
	c := client.New(client.Options{
		Remote: &client.Remote{Address: endpoint, Key: s.ring.Principal().Public, Certificate: file},
		Try:    5 * time.Second, Attempts: 1,
	})
	s.t.Cleanup(func() { c.Close() })
	return c
}

// denied tells whether a key is refused at the handshake.
func (s *site) denied(endpoint string, pair bus.Pair) bool {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	_, err := s.rawWith(endpoint, pair).c.Call(ctx, []byte(`{"v":1,"id":"x","op":"ping"}`))
	return errors.Is(err, bus.ErrDenied)
}

func (s *site) subscribeWith(pair bus.Pair) *stream {
	s.t.Helper()
	sub, err := bus.Subscribe(s.targetWith(s.p.live.pub.Endpoint(), pair), "")
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { sub.Close() })
	return &stream{s.t, s.p.epoch, sub.Messages()}
}

// workerWith is worker for a key that was granted.
func (s *site) workerWith(id string, pair bus.Pair) *worker {
	s.t.Helper()
	w := &worker{t: s.t, s: s, c: s.clientWith(s.p.api.Endpoint(), pair), logs: s.clientWith(s.p.logs.Endpoint(), pair), ref: wire.AgentRef{Agent: id, Incarnation: 1}}
	ask[wire.AgentWelcome](s.t, w.c, wire.OpAgentHello, w.hello())
	return w
}

func (w *worker) hello() *wire.AgentHello {
	return &wire.AgentHello{AgentRef: w.ref, Name: "name-of-" + w.ref.Agent, Slots: 1, Version: "test", Held: w.held}
}

func TestRevokedAgentIsDismissedInTheMiddleOfItsTask(t *testing.T) {
	s := newSite(t)
	bad := s.workerWith("bad", s.grant("bad", agent))
	id := s.trigger("hello", "").Run
	lost := bad.take()[0].Attempt
	bad.durable(batch(lost, 1, "before"))
	parked := bad.parked()
	good := s.workerWith("good", s.grant("good", agent))
	other := s.trigger("hello", "").Run
	kept := good.take()[0].Attempt

	s.revoke("bad")

	for what, got := range map[string]wire.Code{
		"a pull that waited": parked.refusal(t),
		"its late result":    bad.report(lost, 0, map[string]int64{"stdout": 1}).refusal(t),
		"its late lines":     bad.send(batch(lost, 2, "after")).refusal(t),
		"another hello":      later[wire.AgentWelcome](bad.c, wire.OpAgentHello, bad.hello()).refusal(t),
		"another agent's id": later[wire.Nothing](bad.c, wire.OpAgentRenew, &wire.AgentRenew{AgentRef: good.ref}).refusal(t),
	} {
		if got != wire.NotAllowed {
			t.Errorf("%s: %s, want not_allowed", what, got)
		}
	}
	if agents := ask[wire.Agents](t, s.admin, wire.OpAgentList, &wire.AgentList{}).Agents; len(agents) != 1 || agents[0].Agent != "name-of-good" || len(agents[0].Tasks) != 1 {
		t.Errorf("agents: %+v", agents)
	}
	// The other agent goes on with what it has, and gets what the first has lost.
	good.report(kept, 0, nil).get(t)
	again := good.take()[0].Attempt
	if again.Run != id || again.Attempt != 2 {
		t.Errorf("queued again as %+v, want attempt 2 of run %s", again, id)
	}
	good.report(again, 0, nil).get(t)
	for _, run := range []string{id, other} {
		if got := ask[wire.RunWaited](t, s.admin, wire.OpRunWait, &wire.RunWait{Run: run}); got.Status != "COMPLETED" {
			t.Errorf("run %s: %+v", run, got)
		}
	}
	if got := s.store.stored(id); strings.Join(got, " ") != "before" {
		t.Errorf("the history has %q", got)
	}
}

func TestResultThatWaitedForLinesIsNotTakenFromARevokedAgent(t *testing.T) {
	s := newSite(t)
	bad := s.workerWith("bad", s.grant("bad", agent))
	id := s.trigger("hello", "").Run
	lost := bad.take()[0].Attempt
	gated := bad.report(lost, 0, map[string]int64{"stdout": 1})
	harness.Eventually(t, "the result waits", func() (waits bool) {
		s.inLoop(func(l *loop) { waits = len(l.gated) > 0 })
		return waits
	})
	s.revoke("bad")
	s.trigger("pair", "") // whatever makes the loop look again
	s.inLoop(func(l *loop) { l.openGates() })
	s.pass(wire.MaxWait)
	if got := gated.refusal(t); got != wire.NotAllowed {
		t.Errorf("refused with %s", got)
	}
	if got := ask[wire.Run](t, s.admin, wire.OpRunGet, &wire.RunRef{Run: id}); got.Status == "COMPLETED" {
		t.Errorf("the run is %+v", got)
	}
}

func TestRevokedPersonGetsNothingMore(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	id := s.trigger("hello", "").Run
	at := w.take()[0].Attempt
	bad, good := s.clientWith(s.p.api.Endpoint(), s.grant("bad", operator)), s.clientWith(s.p.api.Endpoint(), s.grant("good", viewer))
	follow := &wire.LogsQuery{Filter: wire.Filter{Run: id}, ByPos: true, WaitMS: 20_000}
	var waits []*answer[wire.RunWaited]
	var reads []*answer[wire.Logs]
	for _, c := range []*client.Client{bad, good} {
		ask[wire.Pong](t, c, wire.OpPing, &wire.Plain{})
		waits = append(waits, later[wire.RunWaited](c, wire.OpRunWait, &wire.RunWait{Run: id}))
		query := *follow
		reads = append(reads, later[wire.Logs](c, wire.OpLogsQuery, &query))
	}
	harness.Eventually(t, "both wait, for the end and for lines", func() (parked bool) {
		s.inLoop(func(l *loop) { parked = len(l.waiting[id]) == 2 })
		return parked && len(s.p.queries.places) == 2 && len(s.p.queries.active) == 0
	})

	s.revoke("bad")

	w.durable(batch(at, 1, "a secret"))
	w.report(at, 0, map[string]int64{"stdout": 1}).get(t)
	for what, got := range map[string]wire.Code{
		"the run that it waited for":   waits[0].refusal(t),
		"the lines that it waited for": reads[0].refusal(t),
		"a new run":                    later[wire.Triggered](bad, wire.OpRunTrigger, item("hello", "")).refusal(t),
	} {
		if got != wire.NotAllowed {
			t.Errorf("%s: %s", what, got)
		}
	}
	if got := waits[1].get(t); got.Status != "COMPLETED" || !got.Ended {
		t.Errorf("somebody else waited and got %+v", got)
	}
	if got := reads[1].get(t); len(got.Records) != 1 {
		t.Errorf("somebody else followed and got %+v", got)
	}
	// No error tells more than a result would.
	err := bad.CallOnce(context.Background(), wire.OpRunGet, &wire.RunRef{Run: id}, nil)
	wantRefusal(t, err, wire.NotAllowed, "not known here")
}

func TestRevokedSubscriberHearsNothingMore(t *testing.T) {
	s := newSite(t)
	bad, good := s.subscribeWith(s.grant("bad", viewer)), s.subscribeWith(s.grant("good", viewer))
	bad.next("mark")
	good.next("mark")

	s.revoke("bad")

	s.trigger("hello", "")
	late := time.After(harness.Patience)
	for open := true; open; {
		var m bus.Published
		select {
		case m, open = <-bad.in:
			if open && strings.HasPrefix(m.Topic, "event/") {
				t.Fatalf("a revoked subscriber hears %s", m.Topic)
			}
		case <-late:
			t.Fatal("a revoked subscriber is not told")
		}
	}
	harness.Eventually(t, "the other one is back", func() bool { return s.p.live.pub.Wanted("event/") })
	id := s.trigger("hello", "").Run
	if got := good.next("event/hello/" + id + "/").Event; got == nil || got.Status != "PENDING" {
		t.Errorf("another subscriber heard %+v", got)
	}
}

func TestRevokedKeyStaysOutAndItsNameIsFree(t *testing.T) {
	s := newSite(t)
	old := s.grant("web1", agent)
	away := s.grant("web2", agent)
	s.revoke("web1")
	if !s.denied(s.p.api.Endpoint(), old) || !s.denied(s.p.logs.Endpoint(), old) {
		t.Error("a revoked key is let in")
	}
	anew := s.grant("web1", operator)
	if s.denied(s.p.api.Endpoint(), anew) || !s.denied(s.p.api.Endpoint(), old) {
		t.Error("the name's new key must be let in, and the old one not")
	}
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	// While the principal is away the directory is the truth.
	ring, err := bus.OpenRing(filepath.Join(s.data, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ring.Revoke("web2"); err != nil {
		t.Fatal(err)
	}
	s = openSite(t, s.data, s.store)
	if s.denied(s.p.api.Endpoint(), anew) {
		t.Error("a granted key is gone after a restart")
	}
	for _, pair := range []bus.Pair{old, away} {
		if !s.denied(s.p.api.Endpoint(), pair) {
			t.Error("a revoked key came back with a restart")
		}
	}
}

func TestGrantAndRevokeAnswerWhatIsWrong(t *testing.T) {
	s := newSite(t)
	pair := s.grant("ada", operator)
	for _, c := range []struct {
		name, role, key string
		code            wire.Code
	}{
		{"ada", "viewer", newPair(t).Public, wire.Conflict},
		{"ADA", "operator", newPair(t).Public, wire.Conflict},
		{"eve", "operator", pair.Public, wire.Conflict},
		{"principal", "admin", newPair(t).Public, wire.Conflict},
		{"a/b", "agent", newPair(t).Public, wire.BadRequest},
		{"eve", "king", newPair(t).Public, wire.BadRequest},
		{"eve", "viewer", "short", wire.BadRequest},
		{"ada", "operator", pair.Public, ""}, // a retry
	} {
		_, err := try[wire.KeyGranted](s.admin, wire.OpKeyGrant, &wire.KeyGrant{Name: c.name, Role: c.role, PublicKey: c.key})
		if c.code == "" && err == nil {
			continue
		}
		wantRefusal(t, err, c.code)
	}
	for name, code := range map[string]wire.Code{"nobody": wire.NotFound, "../principal": wire.NotFound, "": wire.NotFound, "admin": wire.NotAllowed, "principal": wire.NotAllowed} {
		_, err := try[wire.Nothing](s.admin, wire.OpKeyRevoke, &wire.KeyRevoke{Name: name})
		wantRefusal(t, err, code)
	}
	keys := ask[wire.Keys](t, s.admin, wire.OpKeyList, &wire.KeyList{}).Keys
	if len(keys) != 3 || keys[0].Name != "ada" || keys[0].Role != operator || keys[0].PublicKey != pair.Public {
		t.Errorf("keys: %+v", keys)
	}
}

func TestAgentWhoseHelloMeetsItsRevocationIsDismissed(t *testing.T) {
	s := newSite(t)
	bad := &worker{t: t, s: s, c: s.clientWith(s.p.api.Endpoint(), s.grant("bad", agent)), ref: wire.AgentRef{Agent: "bad", Incarnation: 1}}
	ask[wire.Pong](t, bad.c, wire.OpPing, &wire.Plain{})
	entered, release := make(chan struct{}), make(chan struct{})
	s.p.loop.submit(t.Context(), func(*loop) { close(entered); <-release })
	<-entered
	hello := later[wire.AgentWelcome](bad.c, wire.OpAgentHello, bad.hello())
	harness.Eventually(t, "the hello has passed the door", func() bool { return len(s.p.loop.steps) == 1 })
	revoked := later[wire.Nothing](s.admin, wire.OpKeyRevoke, &wire.KeyRevoke{Name: "bad"})
	harness.Eventually(t, "the key is revoked", func() bool { return len(s.p.loop.steps) == 2 })
	close(release)
	revoked.get(t)
	if got := hello.refusal(t); got != wire.NotAllowed {
		t.Errorf("refused with %s", got)
	}
	harness.Eventually(t, "there is no agent", func() bool {
		return len(ask[wire.Agents](t, s.admin, wire.OpAgentList, &wire.AgentList{}).Agents) == 0
	})
}

func TestKeysAreListedPageByPage(t *testing.T) {
	data := t.TempDir()
	dir := filepath.Join(data, "keys")
	if _, err := bus.OpenRing(dir); err != nil {
		t.Fatal(err)
	}
	for n := range pageSize { // with admin and agent, two more than a page
		put(t, dir, fmt.Sprintf("key%d.key", n), fmt.Sprintf("metadata\n    role = \"viewer\"\ncurve\n    public-key = \"%040d\"\n", n))
	}
	s := openSite(t, data, &memory{})
	first := ask[wire.Keys](t, s.admin, wire.OpKeyList, &wire.KeyList{})
	rest := ask[wire.Keys](t, s.admin, wire.OpKeyList, &wire.KeyList{Cursor: first.Cursor})
	if len(first.Keys) != pageSize || len(rest.Keys) != 2 || rest.Cursor != "" {
		t.Errorf("pages of %d and %d", len(first.Keys), len(rest.Keys))
	}
}
