package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
)

// The first steps for a service: root's shell redirects, in a directory that
// the service's user cannot enter.
func TestServiceUserGrantsAndJoinsFromRootsShell(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can start commands as another user")
	}
	harness.Need(t, "setpriv")
	const somebody = "65534"
	top := t.TempDir()
	homes := map[string]string{"principal": filepath.Join(top, "one"), "agent": filepath.Join(top, "other")}
	private := filepath.Join(top, "root")
	// Those who may pass are all: the directory above is the test's alone.
	for _, dir := range []string{filepath.Dir(top), top} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{homes["principal"], homes["agent"], private} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, home := range homes {
		if err := os.Chown(home, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(private, ".env"), "CDKTR_PRINCIPAL_PORT=x\n")
	// Another process copies: what this one writes, a command that a test beside
	// it is just starting may still hold open, and then nobody can run it.
	for _, name := range []string{"cdktr-principal", "cdktr-agent"} {
		if out, err := exec.Command("install", "-m", "755", harness.Bin(t, name), top).CombinedOutput(); err != nil {
			t.Fatalf("copy %s: %v: %s", name, err, out)
		}
	}
	asService := func(home, stdin string, stdout *os.File, name string, args ...string) (code int, stderr string) {
		t.Helper()
		// As sudo: what is open and the directory stay root's.
		cmd := exec.Command("setpriv", append([]string{"--reuid", somebody, "--regid", somebody, "--clear-groups", filepath.Join(top, name)}, args...)...)
		cmd.Dir, cmd.Env = private, []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}
		cmd.Stdin, cmd.Stdout = strings.NewReader(stdin), stdout
		var said bytes.Buffer
		cmd.Stderr = &said
		if err := cmd.Run(); cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), said.String()
	}
	for name, mode := range map[string]os.FileMode{"web1": 0o644, "web2": 0o600} {
		file := filepath.Join(private, name+".join")
		f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY, mode)
		if err != nil {
			t.Fatal(err)
		}
		code, said := asService(homes["principal"], "", f, "cdktr-principal", "grant", name, "--role", "agent", "--address", "db1")
		f.Close()
		if warned := strings.Contains(said, "is open to other users (mode 0644)"); code != 0 || warned != (mode == 0o644) {
			t.Errorf("grant into a file of mode %04o: exit code %d, stderr %q", mode, code, said)
		}
		code, said = asService(homes["agent"], read(t, file), nil, "cdktr-agent", "--join", "-")
		if code != 0 || !strings.Contains(said, "joined tcp://db1:5561 as "+name+" (agent)") {
			t.Errorf("join: exit code %d, stderr %q", code, said)
		}
	}
}
