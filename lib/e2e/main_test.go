package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

func TestMain(m *testing.M) { harness.Main(m) }

// TestScripts runs the sessions at a terminal, of all commands.
func TestScripts(t *testing.T) { harness.Scripts(t, "testdata/scripts") }

// meet is shell text that returns when n tasks of the run have come this far:
// it never does unless they run at the same time.
const meet = `meet() { : >"met-$1-$CDKTR_TASK"; until [ "$(ls | grep -c "^met-$1-")" -ge "$2" ]; do sleep 0.01; done; }
`

// await is shell text that returns when a file of that name is there.
const await = `await() { until [ -e "$1" ]; do sleep 0.01; done; }
`

// touch makes the file that a task awaits.
func touch(t *testing.T, in *harness.Installation, name string) {
	t.Helper()
	write(t, filepath.Join(in.Dir, name), "")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// show is a run as cdktr-run shows it, at any time.
func show(t *testing.T, in *harness.Installation, run string) wire.Run {
	t.Helper()
	return one[wire.Run](t, in.Must("cdktr-run", "--show", run, "-o", "json"))
}

func one[T any](t *testing.T, text string) T {
	t.Helper()
	all := harness.Lines[T](t, text)
	if len(all) != 1 {
		t.Fatalf("expected one JSON value, got %d:\n%s", len(all), text)
	}
	return all[0]
}

// statuses are the statuses of a run's tasks, as "a COMPLETED, b SKIPPED".
func statuses(r wire.Run) string {
	var all []string
	for _, task := range r.Tasks {
		all = append(all, task.Task+" "+task.Status)
	}
	return strings.Join(all, ", ")
}

// events are the status changes of a run, in the order of their positions.
func events(t *testing.T, in *harness.Installation, run string) []wire.Event {
	t.Helper()
	all := harness.Lines[wire.Event](t, in.Must("cdktr-logs", "--events", "-r", run, "-o", "json"))
	if !slices.IsSortedFunc(all, func(a, b wire.Event) int { return int(a.Pos - b.Pos) }) {
		t.Errorf("events of %s are not in the order of pos: %+v", run, all)
	}
	return all
}

// records are the log records of a run.
func records(t *testing.T, in *harness.Installation, run string) []wire.LogRecord {
	t.Helper()
	return harness.Lines[wire.LogRecord](t, in.Must("cdktr-logs", "-r", run, "-o", "json"))
}

// runs are all runs that began in the last day.
func runs(t *testing.T, in *harness.Installation) []wire.Run {
	t.Helper()
	return harness.Lines[wire.Run](t, in.Must("cdktr-logs", "--runs", "-o", "json"))
}
