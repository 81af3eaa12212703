package bus

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestGrantedKeysLastAndRevokedOnesAreGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	r := openRing(t, dir)
	ada := Holder{"ada.laptop", "operator", newPair(t).Public}
	web := Holder{"web1", "agent", newPair(t).Public}
	for _, h := range []Holder{ada, web, ada} {
		if err := r.Grant(h); err != nil {
			t.Fatal(err)
		}
	}
	for _, at := range []*Ring{r, openRing(t, dir)} {
		if name, role, ok := at.Lookup(ada.Public); name != ada.Name || role != ada.Role || !ok {
			t.Errorf("ada: got %q, %q, %v", name, role, ok)
		}
		if n := len(at.Holders()); n != 4 {
			t.Errorf("%d holders, want admin, agent, ada and web1", n)
		}
	}
	if public, err := r.Revoke(web.Name); err != nil || public != web.Public {
		t.Errorf("revoke: %q, %v", public, err)
	}
	for _, at := range []*Ring{r, openRing(t, dir)} {
		if _, _, ok := at.Lookup(web.Public); ok {
			t.Error("a revoked key is let in")
		}
		if _, _, ok := at.Lookup(ada.Public); !ok {
			t.Error("another key went with it")
		}
	}
	if err := r.Grant(Holder{"web1", "agent", newPair(t).Public}); err != nil {
		t.Errorf("a revoked name cannot be used again: %v", err)
	}
}

func TestGrantRefusesWhatCannotBe(t *testing.T) {
	r := openRing(t, filepath.Join(t.TempDir(), "keys"))
	key := newPair(t).Public
	for _, c := range []struct {
		h    Holder
		want error
	}{
		{Holder{"", "agent", key}, ErrKeyName},
		{Holder{"../x", "agent", key}, ErrKeyName},
		{Holder{".x", "agent", key}, ErrKeyName},
		{Holder{"-x", "agent", key}, ErrKeyName},
		{Holder{"a b", "agent", key}, ErrKeyName},
		{Holder{"x\n", "agent", key}, ErrKeyName},
		{Holder{strings.Repeat("x", 65), "agent", key}, ErrKeyName},
		{Holder{"x", "root", key}, ErrKeyRole},
		{Holder{"principal", "agent", key}, ErrKeyExists},
		{Holder{"admin", "admin", key}, ErrKeyExists},
	} {
		if err := r.Grant(c.h); !errors.Is(err, c.want) {
			t.Errorf("grant %+v: %v, want %v", c.h, err, c.want)
		}
	}
	if err := r.Grant(Holder{"x", "agent", "short"}); err == nil {
		t.Error("a key that is none is granted")
	}
	for name, want := range map[string]error{"nobody": ErrNoHolder, "admin": ErrOwnKey, "principal": ErrOwnKey} {
		if _, err := r.Revoke(name); !errors.Is(err, want) {
			t.Errorf("revoke %s: %v, want %v", name, err, want)
		}
	}
}

func TestBrokenKeyFileLetsNobodyInAndStopsNobodyElse(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	r := openRing(t, dir)
	good := Holder{"good", "viewer", newPair(t).Public}
	if err := r.Grant(good); err != nil {
		t.Fatal(err)
	}
	rootless := Certificate{Pair: Pair{Public: newPair(t).Public}, Metadata: map[string]string{"role": "root"}}
	for name, text := range map[string]string{"torn": "metadata\n  role = \"adm", "rootless": rootless.text(false)} {
		if err := os.WriteFile(filepath.Join(dir, name+".key"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r = openRing(t, dir)
	if len(r.Skipped()) != 2 || len(r.Holders()) != 3 {
		t.Errorf("skipped %v, holders %v", r.Skipped(), r.Holders())
	}
}

func TestInvitationIsReadAsItWasWritten(t *testing.T) {
	p := newPair(t)
	want := Invitation{
		Certificate:  Certificate{Pair: p, Metadata: map[string]string{"name": "web1", "role": "agent"}},
		PrincipalKey: newPair(t).Public, Address: "tcp://db.internal:5561",
	}
	got, err := ParseInvitation(strings.NewReader(want.Text()))
	if err != nil || got.Pair != p || got.PrincipalKey != want.PrincipalKey || got.Address != want.Address || got.Metadata["role"] != "agent" {
		t.Errorf("got %+v, %v", got, err)
	}
	c, err := parseCertificate(strings.NewReader(want.Text()))
	if err != nil || c.Pair != p {
		t.Errorf("as a certificate: %+v, %v", c, err)
	}
	for _, missing := range []string{"secret-key", "principal-key", "address", "role"} {
		var kept []string
		for _, line := range strings.Split(want.Text(), "\n") {
			if !strings.HasPrefix(strings.TrimSpace(line), missing) {
				kept = append(kept, line)
			}
		}
		if _, err := ParseInvitation(strings.NewReader(strings.Join(kept, "\n"))); err == nil {
			t.Errorf("without %s it is taken", missing)
		}
	}
}

func FuzzParseInvitation(f *testing.F) {
	f.Add("metadata\n  name = \"a\"\n  role = agent\ncurve\n  public-key = \"x\"\nprincipal\n  address = y\n")
	f.Fuzz(func(t *testing.T, text string) {
		i, err := ParseInvitation(strings.NewReader(text))
		if err != nil {
			return
		}
		again, err := ParseInvitation(strings.NewReader(i.Text()))
		if err != nil || again.Pair != i.Pair || again.Address != i.Address {
			t.Errorf("%q is read again as %+v, %v", i.Text(), again, err)
		}
	})
}

func TestRebindDropsWhoIsNotLetInAnyMore(t *testing.T) {
	s := curveSite(t)
	p, err := s.Publisher("tcp://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stays := subscribe(t, s, p, "")
	synced(t, p, stays)
	client := s.client
	s.client = newPair(t)
	s.let(s.client.Public, true)
	goes := subscribe(t, s, p, "")
	synced(t, p, goes)
	s.let(s.client.Public, false)
	s.client = client
	p.Rebind()
	synced(t, p, stays)
	end := time.After(limit)
	for open := true; open; {
		var m Published
		select {
		case m, open = <-goes.Messages():
			if open && m.Topic == "secret" {
				t.Fatal("a revoked subscriber goes on receiving")
			}
		case <-end:
			t.Fatal("a revoked subscriber is not told")
		default:
			p.Publish("secret", []byte("x"))
			time.Sleep(time.Millisecond)
		}
	}
	if !errors.Is(goes.Err(), ErrDenied) {
		t.Errorf("it is told %v", goes.Err())
	}
}
