package task

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/cdktr/cdktr/lib/wire"
)

func TestSecretsComeFromTheEnvironmentThenFromTheFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "secrets.env")
	put := func(text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("IN_BOTH", "environment")
	t.Setenv("IN_ENV", "")
	s := Secrets{Agent: "web1", File: file}

	put("# ours\n\nexport IN_BOTH=file\nIN_FILE='pa$$ # word'\nPLAIN=a$HOME#b\nIN_FILE=\"last $one\"\n", 0o400)
	got, err := s.Values([]string{"IN_BOTH", "IN_ENV", "IN_FILE", "PLAIN"})
	want := map[string]string{"IN_BOTH": "environment", "IN_ENV": "", "IN_FILE": "last $one", "PLAIN": "a$HOME#b"}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}

	if got, err := s.Values(nil); err != nil || len(got) > 0 {
		t.Errorf("no names: %q, %v", got, err)
	}
	for _, c := range []struct {
		text  string
		mode  os.FileMode
		names string
		want  string
	}{
		{"A=1\n", 0o600, "PGPASSWORD", "secret PGPASSWORD is not set on agent web1 (environment or " + file + ")"},
		{"A=1\n", 0o600, "X A Y", "secrets X, Y are not set on agent web1 (environment or " + file + ")"},
		{"A=hunter2\n", 0o640, "A", "secret A from " + file + ": others may read it (mode 0640): chmod 600 " + file},
		{"A=hunter2\n", 0o604, "A", "secret A from " + file + ": others may read it (mode 0604): chmod 600 " + file},
		{"B=1\nA='hunter2\n", 0o600, "A", "secret A from " + file + ": line 2: the quotes do not match"},
		{"\n\nhunter2\n", 0o600, "A", "secret A from " + file + ": line 3: not NAME=VALUE"},
		{"my secret=hunter2\n", 0o600, "A", "secret A from " + file + ": line 1: not NAME=VALUE"},
		{"A=1\n#" + strings.Repeat("x", maxSecrets), 0o600, "A", "secret A from " + file + ": " + file + " has more than 1048576 bytes"},
	} {
		put(c.text, c.mode)
		if _, err := s.Values(strings.Fields(c.names)); err == nil || err.Error() != c.want {
			t.Errorf("%.20q: %v, want %s", c.text, err, c.want)
		}
	}
	// What the environment has needs no file.
	if _, err := s.Values([]string{"IN_BOTH"}); err != nil {
		t.Error(err)
	}

	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Values([]string{"A"}); err == nil || !strings.Contains(err.Error(), "is not set on agent web1") {
		t.Errorf("no file: %v", err)
	}
	if err := syscall.Mkfifo(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Values([]string{"A"}); err == nil || !strings.Contains(err.Error(), "a named pipe, not a file") {
		t.Errorf("a pipe: %v", err)
	}
	if _, err := (Secrets{Agent: "web1"}).Values([]string{"A"}); err == nil || err.Error() != "secret A is not set on agent web1 (environment)" {
		t.Errorf("no file at all: %v", err)
	}
}

// everything is all lines of a task, as they would travel.
func (o *output) everything() string {
	var b strings.Builder
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, stream := range slices.Sorted(maps.Keys(o.lines)) {
		for _, l := range o.lines[stream] {
			fmt.Fprintf(&b, "%s %d %s%s\n", stream, l.Part, l.Text, l.Bytes)
		}
	}
	return b.String()
}

func TestTaskHasItsSecretsAndNeverShowsThem(t *testing.T) {
	const secret = "hunter2-and-more"
	spec := wire.Spec{Argv: []string{"python3", "-c", `
import os, sys, base64, time
s = os.environ["TOKEN"].encode()
assert s == b"hunter2" + b"-and-more" and os.environ["OWN"] == "the task's"
def out(fd, b):
    while b: b = b[os.write(fd, b):]
for fd in 1, 2:
    out(fd, b"half " + s[:7]); time.sleep(0.05); out(fd, s[7:] + b" whole\n")
    out(fd, b"one byte at a time: ")
    for c in s: out(fd, bytes([c]))
    out(fd, b"\n")
    for pad in b"", b"-", b"--":
        out(fd, base64.b64encode(pad + s + b"!") + b"\n" + base64.urlsafe_b64encode(pad + s) + b"\n")
    out(fd, b"x" * ((1 << 20) - 8) + s + b"y" * (1 << 20) + s + b"\n")
    out(fd, b"not whole: " + s[:-1])
`}, Env: map[string]string{"OWN": "the task's"}}
	p, out := start(t, spec, Options{Secrets: map[string]string{"TOKEN": secret, "OWN": "not used here", "EMPTY": ""}})
	if e := p.Wait(); e.Code != 0 {
		t.Fatalf("%+v: %q", e, out.texts(wire.Stderr))
	}
	for _, stream := range []string{wire.Stdout, wire.Stderr} {
		got := out.texts(stream)
		if len(got) != 11 || got[0] != "half *** whole" || got[1] != "one byte at a time: ***" || got[10] != "not whole: hunter2-and-mor" {
			t.Fatalf("%s: %d lines, %.40q", stream, len(got), got)
		}
		for _, line := range got[2:8] {
			if strings.Count(line, stars) != 1 || len(line) > 10 {
				t.Errorf("%s in base64: %s", stream, line)
			}
		}
		if long := strings.Join(got[8:10], ""); long != strings.Repeat("x", 1<<20-8)+stars+strings.Repeat("y", 1<<20)+stars {
			t.Errorf("%s: the long line has %d bytes", stream, len(long))
		}
	}
	if strings.Contains(out.everything(), secret) {
		t.Error("the secret is shown")
	}
}

func TestSecretIsMaskedInSystemLinesAndReasons(t *testing.T) {
	secrets := map[string]string{"TOKEN": "hunter2"}
	p, out := start(t, wire.Spec{Argv: []string{"sh", "-c", "exit 3", "hunter2"}}, Options{Secrets: secrets})
	p.Wait()
	if got := out.texts(wire.System); !strings.HasSuffix(got[0], ": sh -c exit 3 ***") {
		t.Errorf("%q", got)
	}
	for _, spec := range []wire.Spec{{Argv: []string{"no-hunter2"}}, {Argv: []string{"true"}, Dir: "/hunter2"}} {
		if _, err := Start(spec, Options{Secrets: secrets, Sink: out.sink, TempDir: t.TempDir()}); err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), stars) {
			t.Errorf("%v", err)
		}
	}
}

// An output goes into the history, in clear.
func TestOutputThatHoldsASecretFailsTheTask(t *testing.T) {
	for _, c := range []struct {
		script  string
		outcome string
		reason  string
		said    string
	}{
		{`echo "A=1"; echo "url=//u:$TOKEN@db"`, "unable", "output url holds the secret TOKEN", "output url holds the secret TOKEN"},
		{`echo "b64=$(printf %s "$TOKEN" | base64)"`, "unable", "output b64 holds the secret TOKEN", "output b64 holds the secret TOKEN"},
		{`echo "$TOKEN=1"`, "unable", "output *** holds the secret TOKEN", "output *** holds the secret TOKEN"},
		{`echo "x=$TOKEN"; exit 4`, "exited", "", "output x holds the secret TOKEN"},
		{`echo "words $TOKEN"`, "unable", "$CDKTR_OUTPUT, line 1: not NAME=VALUE", "line 1"},
	} {
		p, out := start(t, script("exec > $CDKTR_OUTPUT\n"+c.script), Options{Secrets: map[string]string{"TOKEN": "hunter2"}})
		e := p.Wait()
		if e.Outcome() != c.outcome || e.Reason != c.reason || len(e.Outputs) > 0 {
			t.Errorf("%s: %+v", c.script, e)
		}
		said := strings.Join(out.texts(wire.System), "\n")
		if text, _ := json.Marshal(e); !strings.Contains(said, c.said) || strings.Contains(said+string(text), "hunter2") {
			t.Errorf("%s: %s", c.script, said)
		}
	}
}

// A reason goes into the history whole, and into messages that are bounded.
func TestReasonIsBounded(t *testing.T) {
	_, err := Start(wire.Spec{Argv: []string{strings.Repeat("é", 50_000)}}, Options{Sink: newOutput().sink, TempDir: t.TempDir()})
	if err == nil || len(err.Error()) > 1100 {
		t.Errorf("%d bytes", len(err.Error()))
	}
}
