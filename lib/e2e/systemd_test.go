package e2e

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
)

// The units are taken by systemd without a word, and start our commands with
// flags that they know.
func TestSystemdTakesTheUnits(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("systemd is Linux's alone")
	}
	harness.Need(t, "systemd-analyze")
	units, err := filepath.Glob("../../docs/systemd/*.service")
	if err != nil || len(units) != 2 {
		t.Fatalf("found the units %v, %v", units, err)
	}
	dir, bin := t.TempDir(), filepath.Dir(harness.Bin(t, "cdktr-agent"))
	start := regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/(\S+)(.*)$`)
	for _, unit := range units {
		text := read(t, unit)
		command := start.FindStringSubmatch(text)
		if command == nil || command[1]+".service" != filepath.Base(unit) {
			t.Errorf("%s starts %q", unit, command)
			continue
		}
		// Help ends the parsing of what came before it.
		args := append(strings.Fields(command[2]), "--help")
		if out, err := exec.Command(filepath.Join(bin, command[1]), args...).CombinedOutput(); err != nil {
			t.Errorf("%s: its flags %q: %v\n%s", unit, command[2], err, out)
		}
		here := filepath.Join(dir, filepath.Base(unit))
		write(t, here, strings.ReplaceAll(text, "/usr/local/bin", bin))
		if out, err := exec.Command("systemd-analyze", "verify", "--man=no", here).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("systemd-analyze verify %s: %v\n%s", unit, err, out)
		}
	}
}
