package harness

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestScripts(t *testing.T) { Scripts(t, "testdata/scripts") }

// An assertion that cannot fail would guard nothing.
func TestScriptFailsWhereItShould(t *testing.T) {
	for line, want := range map[string]string{
		"exit-code 3 cdktr-run 4":                           "exit code 4, want 3",
		"exit-code 3 cdktr-walk":                            "cdktr-walk",
		"exec cdktr-run\njson tasks[task=load].exit_code 4": `tasks[task=load].exit_code is "3", want "4"`,
		"exec cdktr-run\njson tasks[task=lad].exit_code 4":  "no element with task=lad",
		"exec cdktr-run\njsonl [0].run abce":                `[0].run is "abcd", want "abce"`,
		"exec cdktr-run\ncapture X nothing":                 `no field "nothing"`,
		"start-principal\nstop-agent web2":                  `no agent "web2"`,
		"kill-principal":                                    "no principal was started",
		"env FAKE_EXIT=4\nstart-principal\nstop-principal":  "exit code 4",
		"env FAKE_BROKEN=1\nstart-principal":                "no luck",
		"signal-principal WINCH":                            "usage: signal-principal",
		"start-agent a\nsignal-agent a WINCH":               "usage: signal-agent",
		"! start-principal":                                 "cannot be negated",
		"wait-for ( true":                                   "missing closing )",
		"need cdktr-walk\nexec false":                       "SKIP-TOOL cdktr-walk: not on the PATH",
	} {
		t.Run(strings.ReplaceAll(line, "\n", "; "), func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "s.txtar"), []byte(line), 0o600); err != nil {
				t.Fatal(err)
			}
			r := &recorder{T: t}
			done := make(chan struct{})
			go func() {
				defer close(done)
				testscript.RunT(r, params(dir))
			}()
			<-done
			if !strings.Contains(r.said.String(), want) || strings.Contains(r.said.String(), "PASS") {
				t.Errorf("want it to end with %q, got\n%s", want, r.said.String())
			}
		})
	}
}

// recorder is a test that may fail.
type recorder struct {
	*testing.T
	said strings.Builder
}

func (r *recorder) Run(_ string, f func(testscript.T)) { f(r) }
func (r *recorder) Parallel()                          {}
func (r *recorder) Verbose() bool                      { return false }
func (r *recorder) Log(args ...any)                    { fmt.Fprintln(&r.said, args...) }
func (r *recorder) FailNow()                           { runtime.Goexit() }
func (r *recorder) Fatal(args ...any)                  { r.Log(args...); r.FailNow() }
func (r *recorder) Skip(args ...any)                   { r.Fatal(args...) }
