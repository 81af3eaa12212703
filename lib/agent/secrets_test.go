package agent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/wire"
)

func withSecrets(name string, spec wire.Spec, secrets ...string) wire.Lease {
	return wire.Lease{Attempt: wire.Attempt{Run: "r1", Task: name, Attempt: 1}, Workflow: "w", Spec: spec, Secrets: secrets}
}

// holders names the files below a directory that hold the text.
func holders(t *testing.T, dir, text string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(text)) {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// What an agent keeps and what it sends never holds a secret: the principal is
// away, so that all of it is on the disk.
func TestSecretIsInTheTaskAlone(t *testing.T) {
	t.Setenv("FROM_ENV", "correct-horse")
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "secrets.env")
	if err := os.WriteFile(file, []byte("FROM_FILE='battery staple'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newPrincipal(t)
	a := run(t, p, Options{Dir: dir, Secrets: file})
	p.await("a pull", func() bool { return p.pull > 0 })
	p.locked(func() { p.deaf[wire.OpLogsAppend], p.deaf[wire.OpAgentReport] = true, true })
	id := p.lease(withSecrets("t", script(`
[ "$FROM_ENV" = correct-"horse" ]
echo "$FROM_ENV"; echo "$FROM_FILE" >&2
echo "x=$FROM_FILE" > "$CDKTR_OUTPUT"`), "FROM_ENV", "FROM_FILE"))
	until(t, "the result is on disk", func() bool { return len(kept(t, dir)) == 1 })
	for _, secret := range []string{"correct-horse", "battery staple"} {
		if found := holders(t, dir, secret); len(found) > 0 {
			t.Errorf("%q is in %q", secret, found)
		}
	}
	if found := holders(t, dir, "***"); len(found) == 0 {
		t.Error("no line is on the disk")
	}
	a.dog.mu.Lock()
	pid := a.dog.now.cmd.Process.Pid
	a.dog.mu.Unlock()
	if env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)); err == nil && len(env) > 0 {
		t.Errorf("the watchdog's environment: %q", env)
	}

	p.locked(func() { clear(p.deaf) })
	r := p.awaitResult(id)
	if r.Outcome != "unable" || *r.ExitCode != 0 || r.Reason != "output x holds the secret FROM_FILE" || len(r.Outputs) > 0 {
		t.Errorf("%+v", r)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(slices.Concat(p.texts(id, "stdout"), p.texts(id, "stderr"), p.texts(id, "system")), "\n") + string(text)
	if !strings.HasPrefix(all, "***\n***\n") || strings.Contains(all, "horse") || strings.Contains(all, "staple") {
		t.Errorf("%s", all)
	}
}

func TestChangeOfTheSecretsCountsAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secrets.env")
	p := newPrincipal(t)
	run(t, p, Options{Name: "web1", Secrets: file})
	spec := script(`[ "$PGPASSWORD" = "$WANT" ] && echo "$PGPASSWORD"`)
	for i, c := range []struct{ text, outcome, reason string }{
		{"", "unable", "secret PGPASSWORD is not set on agent web1 (environment or " + file + ")"},
		{"PGPASSWORD=one\n", "exited", ""},
		{"PGPASSWORD=two\n", "exited", ""},
	} {
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, want, _ := strings.Cut(strings.TrimSpace(c.text), "=")
		spec.Env = map[string]string{"WANT": want}
		id := p.lease(withSecrets(fmt.Sprint(i), spec, "PGPASSWORD"))
		r := p.awaitResult(id)
		if r.Outcome != c.outcome || r.Reason != c.reason || c.outcome == "exited" && *r.ExitCode != 0 {
			t.Errorf("%q: %+v", c.text, r)
		}
		if got := p.texts(id, "stdout"); c.outcome == "exited" && !slices.Equal(got, []string{"***"}) {
			t.Errorf("%q: %q", c.text, got)
		}
		if got := p.texts(id, "system"); c.outcome == "unable" && !slices.Equal(got, []string{"cannot start: " + c.reason}) {
			t.Errorf("%q", got)
		}
	}
}
