package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

// needsProc skips a test that must see the processes of the machine.
func needsProc(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("no /proc to see processes in")
	}
}

// follower looks at runs again and again, over restarts of the principal. It
// costs less than a command for each look.
type follower struct {
	*client.Client
	in *harness.Installation
}

func follow(t *testing.T, in *harness.Installation) follower {
	t.Helper()
	c := client.New(client.Options{Data: in.Data, Try: time.Second, Attempts: int(harness.Patience / time.Second)})
	t.Cleanup(func() { _ = c.Close() })
	return follower{c, in}
}

func (f follower) run(t *testing.T, id string) (r wire.Run) {
	t.Helper()
	if err := f.Call(t.Context(), wire.OpRunGet, &wire.RunRef{Run: id}, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// until waits until a run is as wanted.
func (f follower) until(t *testing.T, id, what string, cond func(wire.Run) bool) {
	t.Helper()
	var last wire.Run
	defer func() {
		if t.Failed() {
			t.Logf("the run is %s: %s", last.Status, statuses(last))
		}
	}()
	harness.Eventually(t, what, func() bool {
		last = f.run(t, id)
		return cond(last)
	})
}

// untilCrashed waits until the history has the loss of an attempt of the run's
// first task.
func (f follower) untilCrashed(t *testing.T, id string, attempt int) wire.Event {
	t.Helper()
	var found wire.Event
	harness.Eventually(t, fmt.Sprintf("attempt %d is CRASHED", attempt), func() bool {
		var page wire.Events
		req := &wire.EventsQuery{Filter: wire.Filter{Run: id}}
		if err := f.Call(t.Context(), wire.OpEventsQuery, req, &page); err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(page.Events, func(e wire.Event) bool {
			return e.Task != nil && e.Attempt != nil && *e.Attempt == attempt && e.Status == "CRASHED"
		})
		if i >= 0 {
			found = page.Events[i]
		}
		return i >= 0
	})
	return found
}

// agents are the agents as cdktr-agent list shows them, by name; none while
// there is no principal.
func (f follower) agents(t *testing.T) map[string]wire.Agent {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var page wire.Agents
	if err := f.CallOnce(ctx, wire.OpAgentList, &wire.AgentList{}, &page); err != nil {
		return nil
	}
	all := map[string]wire.Agent{}
	for _, a := range page.Agents {
		all[a.Agent] = a
	}
	return all
}

// finish waits until a run has ended, and returns it with the exit code that
// cdktr-run makes of it.
func finish(t *testing.T, in *harness.Installation, run string) (wire.Run, int) {
	t.Helper()
	r := in.Run("cdktr-run", "--wait", run, "--timeout", harness.Patience.String(), "-o", "json")
	if r.Code == 124 {
		t.Fatalf("the run does not end: %s", in.Must("cdktr-run", "--show", run, "-o", "json"))
	}
	return one[wire.Run](t, r.Stdout), r.Code
}

// way is what became of a task, as "RUNNING CRASHED RUNNING COMPLETED".
func way(events []wire.Event, task string) string {
	var all []string
	for _, e := range events {
		if e.Task != nil && *e.Task == task {
			all = append(all, e.Status)
		}
	}
	return strings.Join(all, " ")
}

// number is what a file that a task wrote says.
func number(t *testing.T, path string) (n int) {
	t.Helper()
	if _, err := fmt.Sscan(read(t, path), &n); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return n
}

// numbered checks that a text has the lines "line 1", "line 2" and so on, each
// once, and returns how many.
func numbered(t *testing.T, text string) int {
	t.Helper()
	if text == "" {
		return 0
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range lines {
		if want := fmt.Sprintf("line %d", i+1); line != want {
			t.Fatalf("line %d is %q, want %q", i+1, line, want)
		}
	}
	return len(lines)
}

// living is shell text that says whether a process runs; a zombie does not.
const living = `living() { local s; s=$(cat "/proc/$1/stat" 2>/dev/null) && case "${s##*) }" in [ZX]*) return 1;; esac; }
`

// there says whether a task made the file.
func there(in *harness.Installation, name string) bool {
	_, err := os.Stat(filepath.Join(in.Dir, name))
	return err == nil
}

// kill ends any process, at once.
func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Fatal(err)
	}
}
