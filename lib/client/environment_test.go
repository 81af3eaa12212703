package client

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/bus"
)

func TestEnvironmentNamesThePrincipal(t *testing.T) {
	for _, c := range []struct {
		name string
		env  map[string]string
		want Options
		err  string
	}{
		{"nothing", nil, Options{Data: "/home/ada/.cdktr"}, ""},
		{"a data directory", map[string]string{"CDKTR_APP_DATA_DIRECTORY": "/data", "CDKTR_KEYS": "/keys"}, Options{Data: "/data", Keys: "/keys"}, ""},
		{"a port", map[string]string{"CDKTR_PRINCIPAL_PORT": "7000"}, Options{Data: "/home/ada/.cdktr", Address: "127.0.0.1:7000"}, ""},
		{"a place to listen on", map[string]string{"CDKTR_PRINCIPAL_HOST": "0.0.0.0"}, Options{Data: "/home/ada/.cdktr", Address: "127.0.0.1:5561"}, ""},
		{"IPv6", map[string]string{"CDKTR_PRINCIPAL_HOST": "::1"}, Options{Data: "/home/ada/.cdktr", Address: "[::1]:5561"}, ""},
		{"patience", map[string]string{"CDKTR_DEFAULT_ZMQ_TIMEOUT_MS": "500", "CDKTR_RETRY_ATTEMPTS": " 4 "}, Options{Data: "/home/ada/.cdktr", Try: 500 * time.Millisecond, Attempts: 4}, ""},
		{"no port", map[string]string{"CDKTR_PRINCIPAL_PORT": "none"}, Options{}, "CDKTR_PRINCIPAL_PORT"},
		{"no number", map[string]string{"CDKTR_RETRY_ATTEMPTS": "0"}, Options{}, `CDKTR_RETRY_ATTEMPTS: "0" is not a whole number`},
		{"no home", map[string]string{"HOME": ""}, Options{}, "neither CDKTR_APP_DATA_DIRECTORY nor HOME is set"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, name := range []string{"CDKTR_APP_DATA_DIRECTORY", "CDKTR_KEYS", "CDKTR_PRINCIPAL_HOST", "CDKTR_PRINCIPAL_PORT", "CDKTR_DEFAULT_ZMQ_TIMEOUT_MS", "CDKTR_RETRY_ATTEMPTS"} {
				t.Setenv(name, c.env[name])
			}
			home := "/home/ada"
			if value, given := c.env["HOME"]; given {
				home = value
			}
			t.Setenv("HOME", home)
			got, err := FromEnvironment()
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error %v, want one with %q", err, c.err)
				}
				return
			}
			if err != nil || got.Data != c.want.Data || got.Keys != c.want.Keys || got.Address != c.want.Address || got.Try != c.want.Try || got.Attempts != c.want.Attempts {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

// One file is all that a program on another machine needs.
func TestJoinFileReachesThePrincipal(t *testing.T) {
	data := t.TempDir()
	p := start(t, data)
	ring, err := bus.OpenRing(filepath.Join(data, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	admin, err := bus.ReadCertificate(filepath.Join(data, "keys", "admin.key_secret"))
	if err != nil {
		t.Fatal(err)
	}
	admin.Metadata = map[string]string{"name": "hook", "role": "operator"}
	file := filepath.Join(t.TempDir(), "hook.join")
	text := bus.Invitation{Certificate: admin, PrincipalKey: ring.Principal().Public, Address: p.api}.Text()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	remote, err := ReadJoin(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, Options{Remote: remote}).Wait(t.Context(), "r"); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(file, []byte("metadata\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadJoin(file); err == nil || !strings.Contains(err.Error(), "hook.join") {
		t.Errorf("a broken file: %v", err)
	}
}
