package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

// Who tries a workflow in one process must not be surprised by the principal:
// every example gives the same run and the same lines there and here.
func TestExamplesRunTheSameWithoutAPrincipal(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	if err := os.CopyFS(in.Workflows, os.DirFS("../../workflows")); err != nil {
		t.Fatal(err)
	}
	in.Workflow("etl/unable.yml", "tasks: {a: {config: !Subprocess {cmd: no-such-program}}, b: {depends: a, run: x}, c: {run: exit 200}, d: {run: kill -9 $$}}")
	in.StartPrincipal()
	files, err := filepath.Glob(filepath.Join(in.Workflows, "*.yml"))
	if err != nil || len(files) < 5 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	for _, file := range append(files, filepath.Join(in.Workflows, "etl", "unable.yml")) {
		rel, err := filepath.Rel(in.Workflows, file)
		if err != nil {
			t.Fatal(err)
		}
		id := strings.ReplaceAll(strings.TrimSuffix(rel, ".yml"), "/", ".")
		t.Run(id, func(t *testing.T) {
			if strings.Contains(read(t, file), "!UvPython") {
				harness.Need(t, "uv")
			}
			there, here := in.Run("cdktr-run", "-o", "json", id), in.Run("cdktr-run", "-o", "json", "--local", file)
			if there.Code != here.Code {
				t.Errorf("exit code %d there, %d here: %s", there.Code, here.Code, here.Stderr)
			}
			a, b := one[wire.Run](t, there.Stdout), one[wire.Run](t, here.Stdout)
			if verdict(there.Stderr, a) != verdict(here.Stderr, b) {
				t.Errorf("stderr %q there, %q here", there.Stderr, here.Stderr)
			}
			if !slices.Equal(keys(there.Stdout), keys(here.Stdout)) {
				t.Errorf("keys %v there, %v here", keys(there.Stdout), keys(here.Stdout))
			}
			if x, y := lasting(there.Stdout, a), lasting(here.Stdout, b); x != y {
				t.Errorf("there %s\nhere  %s", x, y)
			}

			there, here = in.Run("cdktr-run", "-l", id), in.Run("cdktr-run", "-l", "--local", file)
			if x, y := byTask(there.Stdout), byTask(here.Stdout); x != y {
				t.Errorf("-l prints there\n%s\nhere\n%s", x, y)
			}
		})
	}
}

// verdict is what was said of the run as a whole, without its id. How much was
// said while it ran is a matter of time.
func verdict(stderr string, r wire.Run) string {
	var said string
	for line := range strings.Lines(stderr) {
		if strings.HasPrefix(line, "cdktr-run: ") {
			said += strings.ReplaceAll(line, r.Run, "RUN")
		}
	}
	return said
}

// lasting is a run without what differs from run to run: its id and its times.
func lasting(text string, r wire.Run) string {
	text = strings.ReplaceAll(text, r.Run, "RUN")
	times := []*wire.Time{r.Created, r.Started, r.Ended}
	for _, task := range r.Tasks {
		times = append(times, task.Started, task.Ended)
	}
	for _, at := range times {
		if at != nil {
			text = strings.ReplaceAll(text, at.String(), "TIME")
		}
	}
	return text
}

// keys are the names in a text of JSON, in their order.
func keys(text string) []string {
	var all []string
	for _, part := range strings.Split(text, `":`) {
		all = append(all, part[strings.LastIndex(part, `"`)+1:])
	}
	return all
}

var runID = regexp.MustCompile(`\b[0-9a-z]{12}\b`)

// byTask is the output of -l with the lines of each task together, as tasks that
// run side by side may speak in any order, and without the run's id.
func byTask(text string) string {
	lines := strings.SplitAfter(runID.ReplaceAllString(text, "RUN"), "\n")
	slices.SortStableFunc(lines, func(a, b string) int {
		x, _, _ := strings.Cut(a, " | ")
		y, _, _ := strings.Cut(b, " | ")
		return strings.Compare(x, y)
	})
	return strings.Join(lines, "")
}
