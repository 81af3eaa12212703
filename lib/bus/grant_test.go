package bus

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
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

func TestNamesThatDifferInCaseAloneAreOneName(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	r := openRing(t, dir)
	web := Holder{"web1", "agent", newPair(t).Public}
	if err := r.Grant(web); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"web1", "WEB1", "Principal", "ADMIN", "Agent"} {
		if err := r.Grant(Holder{name, "agent", newPair(t).Public}); !errors.Is(err, ErrKeyExists) {
			t.Errorf("grant %s: %v", name, err)
		}
	}
	for name, want := range map[string]error{"Web1": ErrNoHolder, "Admin": ErrOwnKey, "PRINCIPAL": ErrOwnKey} {
		if _, err := r.Revoke(name); !errors.Is(err, want) {
			t.Errorf("revoke %s: %v, want %v", name, err, want)
		}
	}
	if again := openRing(t, dir); len(again.Holders()) != 3 || again.Principal() != r.Principal() {
		t.Errorf("the directory has changed: %v", again.Holders())
	}
}

func TestFileThatLetsNobodyInIsNotOverwrittenAndCanBeRevoked(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	r := openRing(t, dir)
	torn := filepath.Join(dir, "torn.key")
	if err := os.WriteFile(torn, []byte("metadata\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// One that appeared since the directory was read would be let in at the
	// next start: its revocation must reach the file.
	late := Certificate{Pair: Pair{Public: newPair(t).Public}, Metadata: map[string]string{"role": "admin"}}
	if err := os.WriteFile(filepath.Join(dir, "late.key"), []byte(late.text(false)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"torn", "late"} {
		if err := r.Grant(Holder{name, "viewer", newPair(t).Public}); !errors.Is(err, ErrKeyExists) || !strings.Contains(err.Error(), "revoke "+name) {
			t.Errorf("grant %s: %v", name, err)
		}
		if public, err := r.Revoke(name); err != nil || public != "" {
			t.Errorf("revoke %s: %q, %v", name, public, err)
		}
		if _, err := r.Revoke(name); !errors.Is(err, ErrNoHolder) {
			t.Errorf("revoke %s again: %v", name, err)
		}
	}
	if again := openRing(t, dir); len(again.Holders()) != 2 || len(again.Skipped()) != 0 {
		t.Errorf("left: %v, %v", again.Holders(), again.Skipped())
	}
}

func TestRevokedAgentKeyIsMadeAnew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	r := openRing(t, dir)
	kept := filepath.Join(dir, "web1.key_secret") // of a principal elsewhere that this machine has joined
	if err := (Certificate{Pair: newPair(t)}).WriteSecret(kept); err != nil {
		t.Fatal(err)
	}
	if err := r.Grant(Holder{"web1", "agent", newPair(t).Public}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Revoke("web1"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(kept); err != nil {
		t.Errorf("revoking a holder took another's secret: %v", err)
	}
	old, err := r.Revoke("agent")
	if err != nil {
		t.Fatal(err)
	}
	again := openRing(t, dir)
	if _, _, ok := again.Lookup(old); ok {
		t.Error("the revoked key came back")
	}
	c, err := ReadCertificate(filepath.Join(dir, "agent.key_secret"))
	if _, role, ok := again.Lookup(c.Public); err != nil || !ok || role != "agent" {
		t.Errorf("there is no new key for agents: %v", err)
	}
}

func TestLookupsGoOnWhileAChangeWaits(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	r := openRing(t, dir)
	unlock, err := lock(filepath.Join(dir, ".lock"))
	if err != nil {
		t.Fatal(err)
	}
	h := Holder{"web1", "agent", newPair(t).Public}
	done := make(chan error)
	go func() { done <- r.Grant(h) }()
	for range 100 {
		r.Lookup(h.Public)
		r.Holders()
	}
	select {
	case err := <-done:
		t.Fatalf("it did not wait for the lock: %v", err)
	default:
	}
	unlock()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, _, ok := r.Lookup(h.Public); !ok {
		t.Error("it was not granted")
	}
}

func TestTwoGrantsAtOnceGiveANameToOne(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	rings := []*Ring{openRing(t, dir), openRing(t, dir)} // as of two processes
	for n := range 20 {
		name := "web" + string(rune('a'+n))
		won := make(chan error)
		for i := range 4 {
			h := Holder{name, "agent", newPair(t).Public}
			go func() { won <- rings[i%2].Grant(h) }()
		}
		granted := 0
		for range 4 {
			switch err := <-won; {
			case err == nil:
				granted++
			case !errors.Is(err, ErrKeyExists):
				t.Error(err)
			}
		}
		if granted != 1 {
			t.Errorf("%s was granted %d times", name, granted)
		}
	}
}

// A process grants and revokes until it is killed; what it had said by then
// must be true, and nothing may be broken.
func TestKeysSurviveKillInTheMiddleOfAChange(t *testing.T) {
	if dir := os.Getenv("BUS_CHANGES"); dir != "" {
		r := openRing(t, dir)
		for n := 0; ; n++ {
			h := Holder{"even", "agent", newPair(t).Public}
			if n%2 == 1 {
				h.Name = "odd"
			}
			if err := r.Grant(h); err != nil {
				t.Fatal(err)
			}
			os.Stdout.WriteString("+" + h.Name + "\n")
			if _, err := r.Revoke(h.Name); err != nil {
				t.Fatal(err)
			}
			os.Stdout.WriteString("-" + h.Name + "\n")
		}
	}
	dir := filepath.Join(t.TempDir(), "keys")
	first := openRing(t, dir)
	for round := range 12 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKeysSurviveKillInTheMiddleOfAChange$")
		cmd.Env = append(os.Environ(), "BUS_CHANGES="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		last := ""
		for n := 0; lines.Scan(); n++ {
			last = lines.Text()
			if n == 5+round {
				// In steps, so that it is hit at another place in each round.
				time.AfterFunc(time.Duration(round)*150*time.Microsecond, func() { cmd.Process.Kill() })
			}
		}
		cmd.Wait()
		r := openRing(t, dir)
		if r.Principal() != first.Principal() || len(r.Skipped()) != 0 {
			t.Fatalf("round %d: another principal, or left out: %v", round, r.Skipped())
		}
		granted := map[string]bool{}
		for _, h := range r.Holders() {
			granted[h.Name] = true
		}
		// After "+x" x may have been revoked, after "-x" the next one granted.
		if name := last[1:]; last[0] == '-' && granted[name] {
			t.Errorf("round %d: %s came back after it was revoked", round, name)
		}
		for _, name := range []string{"even", "odd"} {
			if granted[name] {
				if _, err := r.Revoke(name); err != nil {
					t.Fatal(err)
				}
			}
		}
		left, _ := filepath.Glob(filepath.Join(dir, "*.key*"))
		if len(left) > len(ringFiles)+2 {
			t.Errorf("round %d: files are left: %v", round, left)
		}
	}
}

func TestPythonReadsAJoinFileAsACertificate(t *testing.T) {
	i := Invitation{
		Certificate:  Certificate{Pair: newPair(t), Metadata: map[string]string{"name": "web1", "role": "agent"}},
		PrincipalKey: newPair(t).Public, Address: "tcp://db1:5561",
	}
	file := filepath.Join(t.TempDir(), "web1.join")
	if err := os.WriteFile(file, []byte(i.Text()), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := python(t, "certificates.py", file); got != i.Public+" "+i.Secret {
		t.Errorf("got %s, want %s %s", got, i.Public, i.Secret)
	}
}

func TestReadingOfKeysThatOthersMayChangeIsRefused(t *testing.T) {
	for file, mode := range map[string]os.FileMode{".": 0o770, "principal.key_secret": 0o604, "agent.key_secret": 0o660} {
		dir := filepath.Join(t.TempDir(), "keys")
		openRing(t, dir)
		if err := os.Chmod(filepath.Join(dir, file), mode); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenRing(dir); err == nil || !strings.Contains(err.Error(), "run chmod") {
			t.Errorf("%s with mode %04o: %v", file, mode, err)
		}
	}
}
