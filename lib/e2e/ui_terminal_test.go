package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
)

// terminal is a real one, in which a command runs: tmux on a server of its own.
type terminal struct {
	t      *testing.T
	in     *harness.Installation
	socket string
}

// openTerminal runs shell text in a terminal of that size, in the installation.
func openTerminal(t *testing.T, in *harness.Installation, w, h int, script string) *terminal {
	t.Helper()
	harness.Need(t, "tmux")
	// A socket's path must be short.
	dir, err := os.MkdirTemp("", "tm")
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{t: t, in: in, socket: filepath.Join(dir, "s")}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(term.screen())
		}
		_ = exec.Command("tmux", "-S", term.socket, "kill-server").Run() // it ends with its last window
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(in.Dir, "terminal.sh")
	write(t, path, script)
	term.tmux("new-session", "-d", "-x", fmt.Sprint(w), "-y", fmt.Sprint(h), "sh", path)
	return term
}

func (m *terminal) tmux(args ...string) string {
	m.t.Helper()
	cmd := m.in.Command("tmux", append([]string{"-u", "-S", m.socket, "-f", "/dev/null"}, args...)...)
	cmd.Env = append(cmd.Env, "LC_ALL=C.UTF-8", "TERM=xterm-256color")
	out, err := cmd.CombinedOutput()
	if err != nil {
		m.t.Fatalf("tmux %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// screen is what is seen.
func (m *terminal) screen() string { m.t.Helper(); return m.tmux("capture-pane", "-p") }

// first is the first line of it.
func (m *terminal) first() string {
	m.t.Helper()
	line, _, _ := strings.Cut(m.screen(), "\n")
	return line
}

// keys presses keys, by tmux's names: Enter, Escape, C-c; anything else is text.
func (m *terminal) keys(names ...string) {
	m.t.Helper()
	for _, name := range names {
		m.tmux("send-keys", name)
	}
}

// see waits until all of the texts are on the screen.
func (m *terminal) see(texts ...string) {
	m.t.Helper()
	for _, text := range texts {
		m.until("to see "+text, func(screen string) bool { return strings.Contains(screen, text) })
	}
}

func (m *terminal) until(what string, cond func(screen string) bool) {
	m.t.Helper()
	harness.Eventually(m.t, what, func() bool { return cond(m.screen()) })
}

// word tells whether a line has a word of its own.
func word(line, word string) bool {
	for _, w := range strings.Fields(line) {
		if w == word {
			return true
		}
	}
	return false
}
