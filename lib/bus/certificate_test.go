package bus

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestCertificateTextReadsBack(t *testing.T) {
	c := Certificate{Pair: newPair(t), Metadata: map[string]string{"name": "web", "role": "agent", "empty": ""}}
	for _, secret := range []bool{true, false} {
		got, err := parseCertificate(strings.NewReader(c.text(secret)))
		if err != nil || got.Public != c.Public || got.Metadata["role"] != "agent" || len(got.Metadata) != 3 {
			t.Errorf("got %+v, %v", got, err)
		}
		if secret != (got.Secret == c.Secret) || !secret && strings.Contains(c.text(false), c.Secret) {
			t.Errorf("secret %v: got %+v", secret, got)
		}
	}
}

func FuzzCertificate(f *testing.F) {
	f.Add("metadata\n    role = \"agent\"\ncurve\n    public-key = \"" + strings.Repeat("#", keyLength) + "\"\n")
	f.Add("# x\ncurve\n\tpublic-key=" + strings.Repeat("=", keyLength) + "\n\tsecret-key = 'x'\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCertificate(strings.NewReader(text))
		if err == nil && (len(c.Public) != keyLength || len(c.Secret) != 0 && len(c.Secret) != keyLength) {
			t.Errorf("accepted %+v", c)
		}
	})
}

// A key directory is read under its lock: a file there that is none must not
// hold up all who want a key.
func TestWhatIsNoFileIsNoCertificateAndHoldsNobodyUp(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	if _, err := OpenRing(dir); err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(
		syscall.Mkfifo(in("pipe.key"), 0o600),
		os.Symlink("/dev/zero", in("device.key")),
		os.WriteFile(in("line.key"), bytes.Repeat([]byte("x"), maxCertificate), 0o600),
		os.WriteFile(in("large.key"), bytes.Repeat([]byte("#\n"), maxCertificate), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	r, err := OpenRing(dir)
	if err != nil {
		t.Fatal(err)
	}
	said := errors.Join(r.Skipped()...).Error()
	for _, want := range []string{
		"pipe.key: this is a named pipe, not a file", "device.key: this is a device, not a file",
		"line.key: it holds no public-key", "large.key has more than 65536 bytes",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("no word of %q in\n%s", want, said)
		}
	}
	if err := errors.Join(os.Remove(in("principal.key_secret")), syscall.Mkfifo(in("principal.key_secret"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenRing(dir); err == nil || !strings.Contains(err.Error(), "this is a named pipe") {
		t.Errorf("the principal's own key is a pipe: %v", err)
	}
}
