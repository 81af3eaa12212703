package client

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/cdktr/cdktr/lib/wire"
)

func TestEndpoint(t *testing.T) {
	for address, want := range map[string]string{
		"host":                   "tcp://host:5561",
		"host:1":                 "tcp://host:1",
		"tcp://host":             "tcp://host:5561",
		"tcp://10.0.0.1:65535":   "tcp://10.0.0.1:65535",
		"::1":                    "tcp://[::1]:5561",
		"[::1]":                  "tcp://[::1]:5561",
		"[::1]:7":                "tcp://[::1]:7",
		"":                       "",
		":5561":                  "",
		"host:":                  "",
		"host:0":                 "",
		"host:65536":             "",
		"host:http":              "",
		"http://host":            "",
		"tcp://host:5561/path":   "",
		"ho st":                  "",
		"tcp://host:5561 --keys": "",
	} {
		got, err := Endpoint(address)
		if got != want || (want == "") != (err != nil) {
			t.Errorf("%q: %q, %v; want %q", address, got, err, want)
		}
	}
}

func TestPresenceOfADeadProcessCountsAsAbsent(t *testing.T) {
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	if _, err := ReadPresence(data); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	announce(t, data, wire.Presence{PID: gone.Process.Pid, API: "tcp://127.0.0.1:1"})
	if _, err := ReadPresence(data); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its process is gone: %v", err)
	}
	announce(t, data, wire.Presence{PID: os.Getpid(), API: "tcp://127.0.0.1:1"})
	if p, err := ReadPresence(data); err != nil || p.API != "tcp://127.0.0.1:1" {
		t.Errorf("alive: %+v, %v", p, err)
	}
	if err := os.WriteFile(filepath.Join(data, wire.PresenceFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadPresence(data); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half a file: %v", err)
	}
}
