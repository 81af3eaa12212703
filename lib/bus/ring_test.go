package bus

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

var ringFiles = []string{"principal.key", "principal.key_secret", "admin.key", "admin.key_secret", "agent.key", "agent.key_secret"}

func openRing(t *testing.T, dir string) *Ring {
	t.Helper()
	r, err := OpenRing(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRingIsMadeOnceAndPrivate(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	dir := filepath.Join(t.TempDir(), "data", "keys")
	first := openRing(t, dir)
	for path, want := range map[string]os.FileMode{".": 0o700, "principal.key_secret": 0o600, "admin.key_secret": 0o600, "agent.key_secret": 0o600} {
		info, err := os.Stat(filepath.Join(dir, path))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
	for _, name := range []string{"admin", "agent"} {
		c, err := ReadCertificate(filepath.Join(dir, name+".key_secret"))
		if err != nil {
			t.Fatal(err)
		}
		if n, role, ok := first.Lookup(c.Public); n != name || role != name || !ok {
			t.Errorf("%s: got %q, %q, %v", name, n, role, ok)
		}
	}
	if _, _, ok := first.Lookup(first.Principal().Public); ok {
		t.Error("the principal's own key is let in")
	}
	if again := openRing(t, dir); again.Principal() != first.Principal() {
		t.Error("the second start has another key")
	}
}

func TestProcessesThatStartTogetherGetTheSameKeys(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	if os.Getenv("BUS_RING") != "" {
		os.Stdout.WriteString("key " + openRing(t, os.Getenv("BUS_RING")).Principal().Secret + "\n")
		return
	}
	var cmds []*exec.Cmd
	var outs []*strings.Builder
	for range 4 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestProcessesThatStartTogetherGetTheSameKeys$")
		cmd.Env = append(os.Environ(), "BUS_RING="+dir)
		out := new(strings.Builder)
		cmd.Stdout = out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		cmds, outs = append(cmds, cmd), append(outs, out)
	}
	for i, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Fatal(err, outs[i])
		}
		if !strings.HasPrefix(outs[i].String(), "key ") || outs[i].String()[:40] != outs[0].String()[:40] {
			t.Errorf("process %d: %s, want %s", i, outs[i], outs[0])
		}
	}
}

func TestRingCutShortByACrashIsFinished(t *testing.T) {
	for _, gone := range ringFiles {
		if gone == "principal.key_secret" || strings.HasSuffix(gone, "_secret") {
			continue // written first: never missing beside its public file
		}
		dir := filepath.Join(t.TempDir(), "keys")
		first := openRing(t, dir)
		if err := os.Remove(filepath.Join(dir, gone)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, gone+".tmp"), []byte("half"), 0o666); err != nil {
			t.Fatal(err)
		}
		if openRing(t, dir).Principal() != first.Principal() {
			t.Errorf("%s: another key", gone)
		}
		if _, err := ReadCertificate(filepath.Join(dir, gone)); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(dir, gone+".tmp")); err == nil {
			t.Errorf("%s.tmp is left", gone)
		}
	}
}

func TestRingThatIsWrongIsRefusedWithWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		harm func(dir string) error
		says string
	}{
		"open directory": {func(d string) error { return os.Chmod(d, 0o755) }, "run chmod 0700 "},
		"open secret":    {func(d string) error { return os.Chmod(d+"/admin.key_secret", 0o640) }, "run chmod 0600 "},
		"empty secret":   {func(d string) error { return os.WriteFile(d+"/agent.key_secret", nil, 0o600) }, "public-key"},
		"secret is gone": {func(d string) error { return os.Remove(d + "/principal.key_secret") }, "put it back"},
		"not a secret":   {func(d string) error { return os.Rename(d+"/admin.key", d+"/admin.key_secret") }, "no secret-key"},
		"another public": {func(d string) error { return os.Rename(d+"/admin.key", d+"/agent.key") }, "different keys"},
		"torn pair": {func(d string) error {
			a, _ := os.ReadFile(d + "/admin.key")
			b, _ := os.ReadFile(d + "/agent.key")
			s, _ := os.ReadFile(d + "/agent.key_secret")
			from, _ := parseCertificate(strings.NewReader(string(b)))
			to, _ := parseCertificate(strings.NewReader(string(a)))
			return os.WriteFile(d+"/agent.key_secret", []byte(strings.Replace(string(s), from.Public, to.Public, 1)), 0o600)
		}, "belong together"},
	} {
		dir := filepath.Join(t.TempDir(), "keys")
		openRing(t, dir)
		if err := c.harm(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenRing(dir); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %q", name, err, c.says)
		}
	}
}

func TestSecretKeptElsewhereStillHasItsRole(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	openRing(t, dir)
	c, err := ReadCertificate(filepath.Join(dir, "admin.key"))
	if err != nil || os.Remove(filepath.Join(dir, "admin.key_secret")) != nil {
		t.Fatal(err)
	}
	if _, role, ok := openRing(t, dir).Lookup(c.Public); !ok || role != "admin" {
		t.Errorf("role %q, %v", role, ok)
	}
}
