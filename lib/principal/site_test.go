package principal

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

// site is a principal that runs in this process, on real sockets with real
// keys, over a history in memory.
type site struct {
	t     *testing.T
	p     *Principal
	store *memory
	data  string
	ring  *bus.Ring
	admin *client.Client
	stop  context.CancelFunc
	ended chan struct{}
	err   error // of Run; read after ended
}

// The workflows that every site has.
var workflows = map[string]string{
	"hello.yml":    "tasks: {a: {run: echo hello}}\n",
	"pair.yml":     "tasks: {a: {run: x}, b: {run: y}}\n",
	"declared.yml": "params: {date: today, full: false}\ntasks: {a: {run: x}}\n",
	"broken.yml":   "tasks: {a: {rn: x}}\n",
}

func newSite(t *testing.T, changes ...func(*Config)) *site {
	t.Helper()
	data := t.TempDir()
	for name, text := range workflows {
		put(t, filepath.Join(data, "workflows"), name, text)
	}
	return openSite(t, data, &memory{}, changes...)
}

// openSite starts a principal on what is there already.
func openSite(t *testing.T, data string, store *memory, changes ...func(*Config)) *site {
	t.Helper()
	ring, err := bus.OpenRing(filepath.Join(data, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Data:             data,
		Version:          "test",
		Log:              slog.New(slog.NewTextHandler(io.Discard, nil)),
		Host:             "127.0.0.1",
		Ring:             ring,
		Workflows:        filepath.Join(data, "workflows"),
		Refresh:          time.Hour,
		HeartbeatTimeout: 30 * time.Second,
	}
	for _, change := range changes {
		change(&cfg)
	}
	p, err := Open(t.Context(), cfg, store)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &site{t: t, p: p, store: store, data: data, ring: ring, stop: stop, ended: make(chan struct{})}
	go func() {
		s.err = p.Run(ctx)
		close(s.ended)
	}()
	t.Cleanup(func() { stop(); <-s.ended })
	s.admin = s.client("admin")
	return s
}

// end stops the principal and returns what Run did.
func (s *site) end() error {
	s.t.Helper()
	s.stop()
	return s.over()
}

// over waits for the principal's own end.
func (s *site) over() error {
	s.t.Helper()
	select {
	case <-s.ended:
		return s.err
	case <-time.After(harness.Patience):
		s.t.Fatal("the principal does not end")
		return nil
	}
}

func (s *site) client(identity string) *client.Client {
	c := client.New(client.Options{Address: s.p.api.Endpoint(), Data: s.data, Identity: identity, Try: 5 * time.Second, Attempts: 1})
	s.t.Cleanup(func() { c.Close() })
	return c
}

// target is one of the principal's ports for a key of the key directory.
func (s *site) target(endpoint, identity string) bus.Target {
	s.t.Helper()
	cert, err := bus.ReadCertificate(filepath.Join(s.data, "keys", identity+".key_secret"))
	if err != nil {
		s.t.Fatal(err)
	}
	return bus.Target{Endpoint: endpoint, ServerKey: s.ring.Principal().Public, Pair: cert.Pair}
}

// raw is a connection for messages that no client would send.
func (s *site) raw(endpoint, identity string) *raw {
	s.t.Helper()
	c, err := bus.Dial(s.target(endpoint, identity))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return &raw{s.t, c}
}

type raw struct {
	t *testing.T
	c *bus.Client
}

// ask sends a message and returns the reply, which has to come.
func (r *raw) ask(body string) wire.Reply {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	text, err := r.c.Call(ctx, []byte(body))
	if err != nil {
		r.t.Fatalf("no answer to %.200s: %v", body, err)
	}
	var reply wire.Reply
	if err := json.Unmarshal(text, &reply); err != nil {
		r.t.Fatalf("%v in %s", err, text)
	}
	return reply
}

// ask is a call that has to succeed.
func ask[T any](t *testing.T, c *client.Client, op wire.Op, req client.Request) T {
	t.Helper()
	out, err := try[T](c, op, req)
	if err != nil {
		t.Fatalf("%s: %v", op, err)
	}
	return out
}

func try[T any](c *client.Client, op wire.Op, req client.Request) (out T, err error) {
	err = c.CallOnce(context.Background(), op, req, &out)
	return out, err
}

// later is a call whose answer comes when it comes.
func later[T any](c *client.Client, op wire.Op, req client.Request) *answer[T] {
	a := &answer[T]{done: make(chan struct{})}
	go func() {
		defer close(a.done)
		a.value, a.err = try[T](c, op, req)
	}()
	return a
}

type answer[T any] struct {
	done  chan struct{}
	value T
	err   error
}

func (a *answer[T]) get(t *testing.T) T {
	t.Helper()
	select {
	case <-a.done:
	case <-time.After(harness.Patience):
		t.Fatal("no answer")
	}
	if a.err != nil {
		t.Fatal(a.err)
	}
	return a.value
}

// refusal is the code that a call was refused with, or "" with the test failed.
func (a *answer[T]) refusal(t *testing.T) wire.Code {
	t.Helper()
	<-a.done
	return codeOf(t, a.err)
}

func codeOf(t *testing.T, err error) wire.Code {
	t.Helper()
	var refused *wire.Error
	if !errors.As(err, &refused) {
		t.Errorf("got %v, want a refusal", err)
		return ""
	}
	return refused.Code
}

func wantRefusal(t *testing.T, err error, code wire.Code, parts ...string) {
	t.Helper()
	if got := codeOf(t, err); got != code {
		t.Errorf("refused with %s (%v), want %s", got, err, code)
	}
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not say %q", err, part)
		}
	}
}

func (s *site) trigger(workflow, key string) wire.Triggered {
	s.t.Helper()
	return ask[wire.Triggered](s.t, s.admin, wire.OpRunTrigger, item(workflow, key))
}

func item(workflow, key string) *wire.Trigger {
	return &wire.Trigger{TriggerItem: wire.TriggerItem{Workflow: workflow, Key: key}}
}

// inLoop does a thing in the loop's goroutine and returns when it is done.
func (s *site) inLoop(do func(*loop)) {
	s.t.Helper()
	done := make(chan struct{})
	s.p.loop.submit(s.t.Context(), func(l *loop) {
		defer close(done)
		do(l)
	})
	select {
	case <-done:
	case <-time.After(harness.Patience):
		s.t.Fatal("the loop is stuck")
	}
}

// pass lets the loop's timers see a later time.
func (s *site) pass(d time.Duration) {
	s.t.Helper()
	s.inLoop(func(l *loop) { l.timers.fire(readClock().Mono + d) })
}
