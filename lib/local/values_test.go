package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

func TestOutputsReachTheTasksDownstream(t *testing.T) {
	in, id := start(t, `tasks:
  count: {run: 'echo rows=7 >> "$CDKTR_OUTPUT"'}
  clean: {depends: count, run: "true"}
  load: {depends: clean, run: 'echo "got ${{ tasks.count.outputs.rows }}"'}
`, Options{Lines: true})
	if got := read(t, in, id); got != "load stdout 1 got 7\n" {
		t.Error(got)
	}
	if got := end(t, in, id); got != "COMPLETED count:COMPLETED clean:COMPLETED load:COMPLETED" {
		t.Error(got)
	}
}

func TestLabelsOfTheFileAreThere(t *testing.T) {
	in, id := start(t, `{agents: {gpu: "true"}, tasks: {train: {run: "true"}}}`, Options{})
	if got := end(t, in, id); got != "COMPLETED train:COMPLETED" {
		t.Error(got)
	}
}

func TestTaskThatTakesTooLongFails(t *testing.T) {
	in, id := start(t, "tasks: {slow: {run: sleep 600, timeout: 200ms}, next: {depends: slow, run: x}}", Options{})
	if got := end(t, in, id); got != "FAILED slow:FAILED next:SKIPPED" {
		t.Error(got)
	}
	if r, err := in.Run(t.Context(), id); err != nil || *r.Tasks[0].Reason != "timeout after 200ms" || *r.Tasks[0].ExitCode != 143 {
		t.Errorf("%+v, %v", r.Tasks[0], err)
	}
}

func TestSecretsOfALocalRun(t *testing.T) {
	t.Setenv("FROM_ENV", "correct-horse")
	file := filepath.Join(t.TempDir(), "secrets.env")
	if err := os.WriteFile(file, []byte("FROM_FILE=battery-staple\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const text = "secrets: [FROM_ENV, FROM_FILE]\ntasks: {a: {run: 'echo $FROM_ENV $FROM_FILE'}}"
	in, id := start(t, text, Options{Lines: true, Secrets: file})
	if got := read(t, in, id); got != "a stdout 1 *** ***\n" {
		t.Error(got)
	}
	in, id = start(t, text, Options{})
	if got := end(t, in, id); got != "FAILED a:FAILED" {
		t.Error(got)
	}
	if r, err := in.Run(t.Context(), id); err != nil || *r.Tasks[0].Reason != "secret FROM_FILE is not set on agent here (environment)" {
		t.Errorf("%+v, %v", r.Tasks[0], err)
	}
}

func TestFailedTaskIsTriedAgain(t *testing.T) {
	dir := t.TempDir()
	in, id := start(t, `tasks:
  flaky:
    run: 'echo "attempt $CDKTR_ATTEMPT"; echo x >> tries; [ "$(wc -l < tries)" = 3 ]'
    working_directory: `+dir+`
    retries: {limit: 3, delay: 20ms}
`, Options{Lines: true})
	var system []string
	got := readAll(t, in, id, func(r wire.LogRecord) {
		if r.Stream == wire.System && r.Seq == 1 {
			system = append(system, *r.Message)
		}
	})
	if got != "flaky stdout 1 attempt 1\nflaky stdout 1 attempt 2\nflaky stdout 1 attempt 3\n" {
		t.Error(got)
	}
	if len(system) != 3 || !strings.HasPrefix(system[0], "started ") || !strings.HasPrefix(system[1], "retry 1 of 3") || !strings.HasPrefix(system[2], "retry 2 of 3") {
		t.Errorf("%q", system)
	}
	if got := end(t, in, id); got != "COMPLETED flaky:COMPLETED" {
		t.Error(got)
	}
}

func TestALocalRunIsScheduledForItsStart(t *testing.T) {
	before := time.Now().Truncate(time.Millisecond)
	in, id := start(t, `tasks: {a: {run: 'echo $CDKTR_SCHEDULED_TIME'}}`, Options{Lines: true})
	_, text, _ := strings.Cut(read(t, in, id), "stdout 1 ")
	got, err := time.Parse("2006-01-02T15:04:05.000Z\n", text)
	if err != nil || got.Before(before) || got.After(time.Now()) {
		t.Errorf("%q, %v", text, err)
	}
}
