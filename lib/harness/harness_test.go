package harness

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The commands are stand-ins: these tests are about the harness alone.
func TestMain(m *testing.M) {
	if err := os.Setenv("CDKTR_BIN", filepath.Join("testdata", "fake")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	Main(m)
}

func TestNothingOutlivesItsTest(t *testing.T) {
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("no /proc to see it")
	}
	var dir, data string
	t.Run("test", func(t *testing.T) {
		in := New(t)
		dir, data = in.Dir, in.Data
		in.StartPrincipal()
		in.StartAgent("a")
		in.KillPrincipal()
		in.StartPrincipal()
		Eventually(t, "two children in sessions of their own", func() bool { return len(in.Living()) >= 4 })
		Eventually(t, "the agent's watchdog", func() bool { return len(Watchdogs(in.agents["a"].PID())) == 1 })
	})
	if left := living(dir, data); len(left) > 0 {
		t.Errorf("processes %v live on", left)
	}
}

func TestDaemonThatDoesNotStartSaysWhy(t *testing.T) {
	in := New(t, "FAKE_BROKEN=1")
	_, err := in.startPrincipal(nil)
	if err == nil || !strings.Contains(err.Error(), "exit code 78") || !strings.Contains(err.Error(), "no luck") {
		t.Errorf("got %v, want the exit code and what it said", err)
	}
}

func TestPrincipalThatStopsWithAnErrorIsNoticed(t *testing.T) {
	in := New(t, "FAKE_EXIT=3")
	in.StartPrincipal()
	if err := in.stopPrincipal(); err == nil || !strings.Contains(err.Error(), "exit code 3") {
		t.Errorf("got %v, want exit code 3", err)
	}
}

func TestCommandsSeeThisInstallationOnly(t *testing.T) {
	t.Setenv("CDKTR_PRINCIPAL_HOST", "elsewhere")
	in := New(t)
	env := in.Must("sh", "-c", "env | grep ^CDKTR_; pwd")
	if want := "CDKTR_APP_DATA_DIRECTORY=" + in.Data + "\n" + in.Dir; env != want {
		t.Errorf("a command sees\n%s\nwant\n%s", env, want)
	}
	if r := in.Run("cdktr-run", "5"); r.Code != 5 || r.Stderr != "talk\n" {
		t.Errorf("got %+v", r)
	}
}

func TestFieldOfJSON(t *testing.T) {
	const doc = `{"a":{"b":[{"n":"x.y","v":1},{"n":"z","v":null}]},"s":"two\nlines","big":12345678901234567890,"e":[]}`
	for path, want := range map[string]string{
		"a.b[n=x.y].v": "1", "a.b[1].v": "null", "a.b[-2].n": "x.y", "a.b.len": "2", "e.len": "0",
		"s": "two\nlines", "big": "12345678901234567890", "a.b[0]": `{"n":"x.y","v":1}`,
	} {
		if got, err := field(doc, path); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", path, got, err, want)
		}
	}
	for _, path := range []string{"x", "a.b[n=q]", "a.b[2]", "a.b[-3]", "s.x", "e[0]", "a.b[", "a..b"} {
		if got, err := field(doc, path); err == nil {
			t.Errorf("%s: %q, want an error", path, got)
		}
	}
	if _, err := field(doc+doc, "s"); err == nil {
		t.Error("two values were taken for one")
	}
	if got, err := lineField("{\"a\":1}\n\n{\"a\":2}\n", "[1].a"); err != nil || got != "2" {
		t.Errorf("second line: %q, %v", got, err)
	}
}

func TestMissingToolIsNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if err := missing("jq"); err == nil || err.Error() != "SKIP-TOOL jq: not on the PATH" {
		t.Errorf("got %v", err)
	}
	if err := missing("pyzmq"); err == nil || !strings.HasPrefix(err.Error(), "SKIP-TOOL pyzmq: ") {
		t.Errorf("got %v", err)
	}
}
