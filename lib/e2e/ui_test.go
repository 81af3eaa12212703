package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

// watched is an installation with a run that failed.
func watched(t *testing.T) (in *harness.Installation, failed string) {
	t.Helper()
	in = harness.New(t, "LC_ALL=C.UTF-8")
	in.Workflow("nightly-etl.yml", `
tasks:
  extract: {run: "echo 100 rows"}
  load:
    depends: [extract]
    run: |
      for i in $(seq 200); do echo "batch $i"; done
      echo 'ERROR: duplicate key' >&2
      for i in $(seq 3000); do echo "cleaning up $i"; done
      exit 3
  publish: {depends: [load], run: "true"}
`)
	in.Workflow("hello.yml", "tasks: {greet: {run: echo hello}}")
	in.Workflow("long.yml", `
params: {mode: {default: fast}}
tasks: {wait: {run: 'echo "the mode is ${{ params.mode }}"; exec sleep 600'}}
`)
	in.StartPrincipal()
	in.Must("cdktr-run", "hello")
	r := in.Run("cdktr-run", "nightly-etl")
	if r.Code == 0 {
		t.Fatalf("it did not fail: %+v", r)
	}
	return in, strings.TrimSpace(r.Stdout)
}

// script runs the screen, and then says how it and the terminal are.
const script = `stty -a >before; cdktr-ui; echo "left with $?"; stty -a >after; exec sleep 600`

// The way of somebody who looks why a run failed, at both sizes.
func TestScreenShowsWhyARunFailed(t *testing.T) {
	t.Parallel()
	in, id := watched(t)
	for _, size := range [][2]int{{120, 36}, {80, 24}} {
		t.Run(fmt.Sprint(size[0]), func(t *testing.T) {
			m := openTerminal(t, in, size[0], size[1], script)
			m.until("the failed run", func(screen string) bool {
				for line := range strings.Lines(screen) {
					if strings.Contains(line, id) && (strings.Contains(line, "✗") || strings.Contains(line, "failed")) {
						return word(m.first(), "connected")
					}
				}
				return false
			})
			m.keys("/", "nightly", "Enter")
			m.until("only that workflow", func(screen string) bool { return !strings.Contains(screen, " hello ") || size[0] > 80 })
			m.keys("Enter")
			m.see("Timeline 3 tasks", "upstream failed: load")
			rows := 0
			for line := range strings.Lines(m.screen()) {
				ran := strings.Contains(line, " extract ") || strings.Contains(line, " load  ")
				if ran && strings.Contains(line, "STATE") {
					t.Errorf("a task stands in the heading: %s", line)
				}
				if ran {
					rows++
					if !strings.Contains(line, "█") {
						t.Errorf("it ran, and has no bar: %s", line)
					}
				}
			}
			if rows < 2 {
				t.Errorf("%d tasks that ran", rows)
			}
			m.keys("e")
			m.see("err  ERROR: duplicate key")
			m.keys("?")
			m.see("the first error's lines", "go on from failed tasks", "quit at once") // all of them at once
			m.keys("Escape")                                                            // with the next key at once it would be another one
			m.until("the keys to be put away", func(screen string) bool { return !strings.Contains(screen, "quit at once") })
			m.keys("q")
			m.see("[1 Runs]")
			m.keys("C-c")
			m.see("left with 0")
			if alternate := strings.TrimSpace(m.tmux("display-message", "-p", "#{alternate_on}")); alternate != "0" {
				t.Error("the alternate screen is still on")
			}
			harness.Eventually(t, "the terminal's state", func() bool { return in.Run("test", "-s", "after").Code == 0 })
			if before, after := read(t, filepath.Join(in.Dir, "before")), read(t, filepath.Join(in.Dir, "after")); before != after {
				t.Errorf("the terminal was\n%s\nand is\n%s", before, after)
			}
		})
	}
}

// A workflow is run by its form, watched, and cancelled.
func TestWorkflowIsRunWatchedAndCancelledOnTheScreen(t *testing.T) {
	t.Parallel()
	in, _ := watched(t)
	m := openTerminal(t, in, 80, 24, script)
	m.see("[1 Runs]")
	m.keys("2")
	m.see("[2 Workflows]", "long")
	m.keys("/", "long", "Enter", "r")
	m.see("Run long", "mode", "fast")
	m.keys("slow", "C-s") // instead of the default
	m.see("Timeline 1 task", "RUNNING", "the mode is slow", "█")
	m.keys("x")
	m.see("Cancel run ")
	m.keys("y")
	m.see("CANCELLED")
	var ended []wire.Run
	for _, r := range harness.Lines[wire.Run](t, in.Must("cdktr-logs", "--runs", "-w", "long")) {
		ended = append(ended, show(t, in, r.Run))
	}
	if len(ended) != 1 || ended[0].Status != "CANCELLED" || ended[0].Params["mode"] != "slow" {
		t.Errorf("the runs are %+v", ended)
	}
}

// The principal may go and come: what was seen stays, keys work, and the screen
// is live again by itself.
func TestScreenOutlivesItsPrincipal(t *testing.T) {
	t.Parallel()
	in, id := watched(t)
	m := openTerminal(t, in, 80, 24, script)
	m.see(id)
	m.keys("/", id[:5], "Enter", "Enter")
	m.see("Timeline 3 tasks", "cleaning up 3000")
	in.KillPrincipal()
	killed := time.Now()
	harness.Eventually(t, "the loss to show", func() bool { return !word(m.first(), "connected") })
	if took := time.Since(killed); took > 10*time.Second {
		t.Errorf("the loss showed after %v", took)
	}
	m.see("cleaning up 3000", "█")
	m.keys("k")
	m.see("▸")
	m.keys("R")
	m.see("away")
	m.keys("q")
	m.see(id)
	in.RestartPrincipal()
	harness.Eventually(t, "the screen to be live again", func() bool { return word(m.first(), "connected") })
	again := in.Must("cdktr-run", "hello")
	m.keys("Escape")
	m.see(again)
	m.keys("C-c")
	m.see("left with 0")
}

// Who stops the screen has the terminal as it was before, and the screen again,
// live, as soon as it goes on.
func TestScreenGivesTheTerminalBackWhileItIsStopped(t *testing.T) {
	t.Parallel()
	in, id := watched(t)
	m := openTerminal(t, in, 80, 24, `set -m; stty -a >before
cdktr-ui; stty -a >stopped1; echo "now it is stopped"; read line
fg; stty -a >stopped2; echo "stopped again"; read line
fg; echo "left with $?"; stty -a >after; exec sleep 600`)
	flag := func(name string) string { return strings.TrimSpace(m.tmux("display-message", "-p", "#{"+name+"}")) }
	live := func() {
		t.Helper()
		m.see("[1 Runs]", id, "connected")
		harness.Eventually(t, "the mouse", func() bool { return flag("mouse_any_flag") == "1" })
		m.keys("2")
		m.see("[2 Workflows]")
		m.keys("q")
		again := in.Must("cdktr-run", "hello")
		m.see("[1 Runs]", again)
	}
	stopped := func(says, state string) {
		t.Helper()
		m.see(says)
		if mouse, alternate := flag("mouse_any_flag"), flag("alternate_on"); mouse != "0" || alternate != "0" {
			t.Errorf("%s: mouse %s, alternate screen %s", says, mouse, alternate)
		}
		if before, now := read(t, filepath.Join(in.Dir, "before")), read(t, filepath.Join(in.Dir, state)); before != now {
			t.Errorf("the terminal was\n%s\nand is\n%s", before, now)
		}
	}
	live()
	m.keys("C-z")
	stopped("now it is stopped", "stopped1")
	m.keys("Enter")
	live()
	m.keys("C-z")
	stopped("stopped again", "stopped2")
	m.keys("Enter")
	live()
	m.keys("C-c")
	m.see("left with 0")
}

func TestScreenNeedsATerminal(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	r := in.Run("sh", "-c", "{ cdktr-ui; echo $?; } | cat")
	if strings.TrimSpace(r.Stdout) != "64" || !strings.Contains(r.Stderr, "terminal") {
		t.Errorf("%+v", r)
	}
}
