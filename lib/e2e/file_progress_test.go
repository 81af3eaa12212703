package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
)

// On a terminal the run's id comes first, then pictures, each drawn over the
// one before, and the last one stays.
func TestProgressIsDrawnOnATerminal(t *testing.T) {
	t.Parallel()
	harness.Need(t, "script")
	in := harness.New(t)
	in.Workflow("w.yml", `
tasks:
  extract: {run: "sleep 0.6"}
  load: {depends: extract, run: "exit 3"}
`)
	in.StartPrincipal()
	for _, where := range []string{"w", "--local workflows/w.yml"} {
		r := in.Run("script", "-qec", "stty cols 60 rows 20; TERM=xterm cdktr-run "+where+"; echo exit $?", "/dev/null")
		drawn := strings.ReplaceAll(r.Stdout, "\r\n", "\n")
		if !regexp.MustCompile(`^[0-9a-z]{12}\n\x1b\[`).MatchString(drawn) {
			t.Errorf("%s: the id does not come first:\n%q", where, drawn)
		}
		plain := regexp.MustCompile(`\x1b\[[?0-9;]*[a-zA-Z]|\r`).ReplaceAllString(drawn, "")
		for _, want := range []string{
			`(?m)^  extract  RUNNING    0\.\ds  on \S+$`,
			`(?m)^  load     PENDING          waits for extract$`,
			`(?m)^w [0-9a-z]{12}  FAILED  \d\.\ds\n  extract  COMPLETED  0\.\ds\n  load     FAILED     \d\.\ds  exit 3\ncdktr-run: run [0-9a-z]{12} FAILED; task "load": exit 3\nexit 1\n$`,
		} {
			if !regexp.MustCompile(want).MatchString(plain) {
				t.Errorf("%s: no %s in\n%s", where, want, plain)
			}
		}
		// The modes of the terminal are as they were.
		if strings.Count(drawn, "\x1b[?7l") != strings.Count(drawn, "\x1b[?7h") || strings.Contains(drawn, "\x1b[?25l") {
			t.Errorf("%s: left the terminal in another mode:\n%q", where, drawn)
		}
	}
	for _, flags := range []string{"-q", "-d", "-l"} {
		r := in.Run("script", "-qec", "TERM=xterm cdktr-run "+flags+" w", "/dev/null")
		if strings.Contains(r.Stdout, "\x1b") {
			t.Errorf("%s: drew\n%q", flags, r.Stdout)
		}
	}
}

// ^C leaves the last picture and a line below it.
func TestInterruptLeavesTheTerminalInOrder(t *testing.T) {
	t.Parallel()
	harness.Need(t, "script")
	in := harness.New(t)
	in.Workflow("slow.yml", "tasks: {a: {run: 'touch begun; until [ -e go ]; do sleep 0.01; done'}}")
	in.StartPrincipal()
	r := in.Run("script", "-qec", `sh -c 'TERM=xterm cdktr-run slow & p=$!; until [ -e begun ]; do sleep 0.01; done; sleep 0.5; kill -TERM $p; wait $p; echo exit $?'`, "/dev/null")
	plain := regexp.MustCompile(`\x1b\[[?0-9;]*[a-zA-Z]|\r`).ReplaceAllString(r.Stdout, "")
	if !regexp.MustCompile(`\n  a  RUNNING    \d\.\ds  on \S+\ncdktr-run: interrupted; the run goes on: cdktr-run --wait [0-9a-z]{12}\nexit 130\n$`).MatchString(plain) {
		t.Errorf("got\n%s", plain)
	}
	touch(t, in, "go")
}
