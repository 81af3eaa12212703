package bus

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// python runs a program of testdata with pyzmq.
func python(t *testing.T, program string, args ...string) string {
	t.Helper()
	if err := exec.Command("python3", "-c", "import zmq").Run(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("python3 with pyzmq is needed: ", err)
		}
		t.Skip("SKIP-TOOL pyzmq: python3 with the module zmq is not installed")
	}
	out, err := exec.Command("python3", append([]string{filepath.Join("testdata", program)}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
	return strings.TrimSpace(string(out))
}

// ringSite is a server with the keys of a ring.
func ringSite(t *testing.T) (s *site, dir string) {
	dir = filepath.Join(t.TempDir(), "keys")
	ring := openRing(t, dir)
	pair := ring.Principal()
	server, err := NewServer(&pair, func(public string, _ bool) bool { _, _, ok := ring.Lookup(public); return ok })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	r, err := server.Router("tcp://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return &site{Server: server, Router: r, pair: pair}, dir
}

func TestPythonReadsOurCertificates(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	openRing(t, dir)
	var paths, want []string
	for _, name := range ringFiles {
		path := filepath.Join(dir, name)
		c, err := ReadCertificate(path)
		if err != nil {
			t.Fatal(err)
		}
		if c.Secret == "" {
			c.Secret = "-"
		}
		paths, want = append(paths, path), append(want, c.Public+" "+c.Secret)
	}
	if got := python(t, "certificates.py", paths...); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestWeReadPythonsCertificates(t *testing.T) {
	dir := t.TempDir()
	python(t, "create.py", dir, "web")
	secret := filepath.Join(dir, "web.key_secret")
	if err := os.Chmod(secret, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadCertificate(secret); err == nil || !strings.Contains(err.Error(), "chmod 0600") {
		t.Errorf("open to others: got %v", err)
	}
	if err := os.Chmod(secret, 0o600); err != nil {
		t.Fatal(err)
	}
	both, err := ReadCertificate(secret)
	if err != nil {
		t.Fatal(err)
	}
	public, err := ReadCertificate(filepath.Join(dir, "web.key"))
	if err != nil {
		t.Fatal(err)
	}
	if public.Public != both.Public || public.Secret != "" || both.Metadata["role"] != "viewer" {
		t.Errorf("got %+v and %+v", public, both)
	}
	if got := python(t, "certificates.py", secret); got != both.Public+" "+both.Secret {
		t.Errorf("got %s, want %+v", got, both)
	}
}

func TestPythonREQSocketIsAFullClient(t *testing.T) {
	s, dir := ringSite(t)
	go s.echo()
	for _, kind := range []string{"req", "correlate"} {
		got := python(t, "request.py", s.Endpoint(), kind, filepath.Join(dir, "principal.key"), filepath.Join(dir, "admin.key_secret"), "one", "two")
		if got != "one\ntwo" {
			t.Errorf("%s: got %s", kind, got)
		}
	}
}

func TestPythonWithoutAListedKeyGetsNoAnswer(t *testing.T) {
	s, dir := ringSite(t)
	go s.echo()
	other := t.TempDir()
	python(t, "create.py", other, "stranger")
	for _, kind := range []string{"req", "plaintext"} {
		got := python(t, "request.py", s.Endpoint(), kind, filepath.Join(dir, "principal.key"), filepath.Join(other, "stranger.key_secret"), "one")
		if got != "silence" {
			t.Errorf("%s: got %s", kind, got)
		}
	}
}
