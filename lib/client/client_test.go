package client

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

func status(ctx context.Context, c *Client) (string, error) {
	var st wire.PrincipalStatus
	err := c.Call(ctx, wire.OpStatus, &wire.Plain{}, &st)
	return st.Epoch, err
}

func TestPrincipalIsFoundByItsDataDirectory(t *testing.T) {
	p := start(t, t.TempDir())
	for _, identity := range []string{"", "admin", "agent"} {
		c := open(t, Options{Data: p.data, Identity: identity})
		if at, err := status(t.Context(), c); err != nil || at != p.api {
			t.Errorf("as %q: reached %q, %v", identity, at, err)
		}
	}
}

func TestPrincipalIsFoundByItsAddressAndKeys(t *testing.T) {
	p := start(t, t.TempDir())
	far := t.TempDir() // a machine without principal.json
	for _, address := range []string{p.api, strings.TrimPrefix(p.api, "tcp://")} {
		c := open(t, Options{Address: address, Data: far, Keys: filepath.Join(p.data, "keys")})
		if at, err := status(t.Context(), c); err != nil || at != p.api {
			t.Errorf("%s: reached %q, %v", address, at, err)
		}
	}
}

func TestClientFollowsARestartToAnotherPort(t *testing.T) {
	data := t.TempDir()
	first := start(t, data)
	waiting := make(chan string, 1)
	c := open(t, Options{Data: data, Try: 500 * time.Millisecond, Attempts: 60, Waiting: func(address string) { waiting <- address }})
	if at, err := status(t.Context(), c); err != nil || at != first.api {
		t.Fatalf("%q, %v", at, err)
	}
	first.stop()
	var second *principal
	started := make(chan struct{})
	go func() {
		defer close(started)
		<-waiting
		second = start(t, data)
	}()
	at, err := status(t.Context(), c)
	<-started
	if err != nil || at != second.api || at == first.api {
		t.Errorf("reached %q, %v", at, err)
	}
}

// Nothing was under way when the connection broke, so nothing failed; the next
// call must not sit out its patience at the old place.
func TestIdleClientFollowsThePrincipalAtOnce(t *testing.T) {
	data := t.TempDir()
	first := start(t, data)
	c := open(t, Options{Data: data, Try: longTry})
	if _, err := status(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	first.stop()
	second := start(t, data)
	begun := time.Now()
	if at, err := status(t.Context(), c); err != nil || at != second.api || time.Since(begun) > longTry/3 {
		t.Errorf("reached %q, %v, after %v", at, err, time.Since(begun))
	}
}

func TestDialIsGivenUpWhenThePrincipalIsElsewhere(t *testing.T) {
	data := t.TempDir()
	first := start(t, data)
	first.stop()
	// Who listens at the old place takes the connection and never speaks.
	deaf, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	there, err := ReadPresence(data)
	if err != nil {
		t.Fatal(err)
	}
	there.API = "tcp://" + deaf.Addr().String()
	announce(t, data, there)
	c := open(t, Options{Data: data, Try: longTry})
	reached := make(chan string, 1)
	begun := time.Now()
	go func() {
		at, _ := status(t.Context(), c)
		reached <- at
	}()
	conn, err := deaf.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	second := start(t, data)
	if at := <-reached; at != second.api || time.Since(begun) > longTry/3 {
		t.Errorf("reached %q after %v", at, time.Since(begun))
	}
}

// longTry is a Try that no test wants to wait for.
const longTry = 15 * time.Second

// The request is under way when the principal goes; the next one answers it.
func TestCallOutlivesARestart(t *testing.T) {
	data := t.TempDir()
	first := start(t, data)
	first.silence(true)
	c := open(t, Options{Data: data, Try: 10 * time.Second})
	done := make(chan error, 1)
	var got wire.Triggered
	go func() {
		var err error
		got, err = c.Trigger(t.Context(), wire.TriggerItem{Workflow: "w"})
		done <- err
	}()
	harness.Eventually(t, "the trigger is there", func() bool { return first.heard() == 1 })
	first.stop()
	second := start(t, data)
	if err := <-done; err != nil || got.Run == "" {
		t.Errorf("%+v, %v", got, err)
	}
	if second.requests()[0].ID != first.requests()[0].ID {
		t.Error("the request came again under another id")
	}
}

func TestAwayAfterTheBudget(t *testing.T) {
	nowhere := t.TempDir()
	dead := start(t, t.TempDir())
	dead.stop()
	for name, o := range map[string]Options{
		"nobody there":  {Data: nowhere},
		"a dead one":    {Data: dead.data},
		"at an address": {Address: dead.api, Data: nowhere, Keys: filepath.Join(dead.data, "keys")},
	} {
		var told atomic.Int32
		o.Try, o.Attempts, o.Waiting = 100*time.Millisecond, 3, func(string) { told.Add(1) }
		c := open(t, o)
		begun := time.Now()
		_, err := status(t.Context(), c)
		var away *AwayError
		want := dead.api
		if name == "nobody there" {
			want = "tcp://127.0.0.1:5561"
		}
		if !errors.As(err, &away) || away.Address != want || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
		if took := time.Since(begun); took < 300*time.Millisecond || told.Load() != 1 {
			t.Errorf("%s: gave up after %v, told %d times", name, took, told.Load())
		}
		if err := c.CallOnce(t.Context(), wire.OpStatus, &wire.Plain{}, nil); !errors.As(err, &away) {
			t.Errorf("%s, one try: %v", name, err)
		}
	}
}

// A principal that lets calls in and never answers them is away too.
func TestAwayWhenNothingIsAnswered(t *testing.T) {
	p := start(t, t.TempDir())
	p.silence(true)
	c := open(t, Options{Data: p.data, Try: 100 * time.Millisecond, Attempts: 3})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := c.Run(ctx, "r")
	var away *AwayError
	if !errors.As(err, &away) || away.Address != p.api {
		t.Errorf("got %v", err)
	}
}

// A caller that ran out of time learns whether anybody was there.
func TestContextThatEndsBeforeAnybodyWasReached(t *testing.T) {
	p := start(t, t.TempDir())
	p.silence(true)
	short := func(o Options) error {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		_, err := open(t, o).Run(ctx, "r")
		return err
	}
	var away *AwayError
	if err := short(Options{Data: p.data}); !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &away) {
		t.Errorf("reached, not answered: %v", err)
	}
	if err := short(Options{Data: t.TempDir()}); !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &away) {
		t.Errorf("not reached: %v", err)
	}
}

// Those who wait for the same attempt to connect share its end.
func TestManyCallersGiveUpTogether(t *testing.T) {
	p := start(t, t.TempDir())
	p.stop()
	c := open(t, Options{Data: p.data, Try: 200 * time.Millisecond})
	begun := time.Now()
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			var away *AwayError
			if err := c.CallOnce(t.Context(), wire.OpStatus, &wire.Plain{}, nil); !errors.As(err, &away) {
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
	if took := time.Since(begun); took > 4*time.Second {
		t.Errorf("40 callers waited for %v, one after the other", took)
	}
}

func TestUnknownKeyIsDeniedAtOnce(t *testing.T) {
	p, other := start(t, t.TempDir()), start(t, t.TempDir())
	theirs := filepath.Join(other.data, "keys")
	server, err := os.ReadFile(filepath.Join(p.data, "keys", "principal.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(theirs, "principal.key"), server, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{
		"found":   {Data: p.data, Keys: theirs},
		"address": {Address: p.api, Data: t.TempDir(), Keys: theirs},
	} {
		if _, err := status(t.Context(), open(t, o)); !errors.Is(err, ErrDenied) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMissingKeyIsSaidAtOnce(t *testing.T) {
	p := start(t, t.TempDir())
	empty := t.TempDir()
	for name, o := range map[string]Options{
		"found":   {Data: p.data, Keys: empty},
		"address": {Address: p.api, Data: empty},
	} {
		if _, err := status(t.Context(), open(t, o)); !errors.Is(err, ErrNoKey) || !strings.Contains(err.Error(), empty) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRefusalIsPassedOn(t *testing.T) {
	p := start(t, t.TempDir())
	_, err := open(t, Options{Data: p.data}).Run(t.Context(), "r")
	var refused *wire.Error
	if !errors.As(err, &refused) || refused.Code != wire.NotFound {
		t.Errorf("got %v", err)
	}
}

func TestTooLargeARequestIsNotSent(t *testing.T) {
	p := start(t, t.TempDir())
	c := open(t, Options{Data: p.data})
	_, err := c.Trigger(t.Context(), wire.TriggerItem{Workflow: strings.Repeat("x", wire.MaxMessage)})
	var refused *wire.Error
	if !errors.As(err, &refused) || refused.Code != wire.TooLarge || p.heard() != 0 {
		t.Errorf("got %v, %d requests arrived", err, p.heard())
	}
}

// A call that ends early, for whatever reason, is nobody else's business.
func TestOneCallsEndDisturbsNoOther(t *testing.T) {
	p := start(t, t.TempDir())
	c := open(t, Options{Data: p.data, Try: 300 * time.Millisecond, Attempts: 100})
	if _, err := status(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	p.silence(true)
	waited := make(chan error, 1)
	go func() {
		_, err := c.Wait(t.Context(), "r") // has 20 s more than the others
		waited <- err
	}()
	harness.Eventually(t, "the wait is there", func() bool { return p.heard() == 2 })
	standing, _ := c.current()

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Run(ctx, "r"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the call whose context ended: %v", err)
	}
	if conn, _ := c.current(); conn != standing {
		t.Error("the end of its context broke the connection")
	}
	var away *AwayError
	if err := c.CallOnce(t.Context(), wire.OpRunGet, &wire.RunRef{Run: "r"}, nil); !errors.As(err, &away) {
		t.Errorf("the call without an answer: %v", err)
	}
	p.silence(false)
	if err := <-waited; err != nil {
		t.Errorf("the call beside them: %v", err)
	}
}

func TestTriggerHasAKeyOfItsOwn(t *testing.T) {
	p := start(t, t.TempDir())
	c := open(t, Options{Data: p.data})
	seen := map[string]bool{}
	for range 3 {
		got, err := c.Trigger(t.Context(), wire.TriggerItem{Workflow: "w"})
		if err != nil || len(got.Run) < 16 || seen[got.Run] {
			t.Errorf("key %q, %v", got.Run, err)
		}
		seen[got.Run] = true
	}
	if got, err := c.Trigger(t.Context(), wire.TriggerItem{Workflow: "w", Key: "mine"}); err != nil || got.Run != "mine" {
		t.Errorf("key %q, %v", got.Run, err)
	}
}

func TestWaitAsksAgainUntilTheRunHasEnded(t *testing.T) {
	p := start(t, t.TempDir())
	got, err := open(t, Options{Data: p.data}).Wait(t.Context(), "r")
	if err != nil || !got.Ended || p.heard() != 2 {
		t.Errorf("%+v, %v, asked %d times", got, err, p.heard())
	}
}

func TestClosedClientCallsNobody(t *testing.T) {
	p := start(t, t.TempDir())
	p.silence(true)
	c := open(t, Options{Data: p.data})
	done := make(chan error, 1)
	go func() {
		_, err := c.Run(t.Context(), "r")
		done <- err
	}()
	harness.Eventually(t, "the call is there", func() bool { return p.heard() == 1 })
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, bus.ErrClosed) {
		t.Errorf("the call under way: %v", err)
	}
	if _, err := status(t.Context(), c); !errors.Is(err, bus.ErrClosed) {
		t.Errorf("a later call: %v", err)
	}
}
