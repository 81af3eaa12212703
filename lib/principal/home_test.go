package principal

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/wire"
)

func openHome(t *testing.T, dir string) *Home {
	t.Helper()
	h, err := OpenHome(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

func TestSecondPrincipalIsRefusedWithTheFirstsPID(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	first := openHome(t, dir)
	_, err := OpenHome(dir)
	var taken *TakenError
	if !errors.As(err, &taken) || taken.PID != os.Getpid() || taken.Dir != dir {
		t.Fatalf("got %v", err)
	}
	if !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) || !strings.Contains(err.Error(), dir) {
		t.Errorf("%q says too little", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	openHome(t, dir)
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestPresenceComesAndGoes(t *testing.T) {
	dir := t.TempDir()
	h := openHome(t, dir)
	if err := h.Withdraw(); err != nil {
		t.Errorf("nothing to withdraw: %v", err)
	}
	want := wire.Presence{PID: os.Getpid(), API: "tcp://127.0.0.1:1", Logs: "l", Live: "v", PublicKey: "k"}
	for range 2 { // over what a crash has left
		if err := h.Announce(want); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := client.ReadPresence(dir); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if err := h.Withdraw(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.ReadPresence(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after it was withdrawn: %v", err)
	}
}

func TestPresenceNamesTheBoundPorts(t *testing.T) {
	s := newSite(t)
	p := s.p.Presence()
	if p.PID != os.Getpid() || p.PublicKey != s.ring.Principal().Public || p.API == p.Logs || p.Logs == p.Live || strings.HasSuffix(p.API, ":0") {
		t.Errorf("%+v", p)
	}
}

// A port that was not asked for by name gives way; one that was does not.
func TestLogPortsGiveWayUnlessNamed(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	s := newSite(t)
	for _, named := range []bool{false, true} {
		cfg := s.p.cfg
		cfg.LogsPort = Port{Number: port, Named: named}
		p, err := Open(t.Context(), cfg, &memory{})
		if named != (err != nil) {
			t.Errorf("named %v: %v", named, err)
		}
		if err == nil {
			p.server.Close()
		}
	}
}

func TestSystemdIsTold(t *testing.T) {
	name := filepath.Join(t.TempDir(), "s")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if err := NotifyReady(name); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 32)
	if n, err := socket.Read(text); err != nil || string(text[:n]) != "READY=1" {
		t.Errorf("%q, %v", text[:n], err)
	}
	if err := NotifyReady(""); err != nil {
		t.Error(err)
	}
}
