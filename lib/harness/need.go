package harness

import (
	"fmt"
	"os/exec"
	"testing"
)

// Need skips the test, under the name of the tool, where one is missing:
// a program on the PATH, or pyzmq. `make test` prints such skips at its end,
// and in CI counts them as failures.
func Need(t testing.TB, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if err := missing(tool); err != nil {
			t.Skip(err)
		}
	}
}

func missing(tool string) error {
	probe := exec.Command("python3", "-c", "import zmq; assert zmq.has('curve')")
	if tool != "pyzmq" {
		path, err := exec.LookPath(tool)
		if err != nil {
			return fmt.Errorf("SKIP-TOOL %s: not on the PATH", tool)
		}
		// A version manager's stub is on the PATH for a tool that is not.
		flag := "--version"
		if tool == "tmux" {
			flag = "-V"
		}
		probe = exec.Command(path, flag)
	}
	if err := probe.Run(); err != nil {
		return fmt.Errorf("SKIP-TOOL %s: does not start: %w", tool, err)
	}
	return nil
}
