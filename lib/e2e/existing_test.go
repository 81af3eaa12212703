package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

func TestFilesOfAnExistingInstallationRunUnchanged(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	if err := os.CopyFS(in.Workflows, os.DirFS("testdata/existing")); err != nil {
		t.Fatal(err)
	}
	in.StartPrincipal()

	want := map[string]struct{ name, schedule, output string }{
		"simple":             {"Simple", "", "a b; $HOME\n"},
		"etl.daily":          {"Data Pipeline", "0 0 2 * * *", "extracted --all\ncleaned\nloaded\n"},
		"etl.reports.weekly": {"Weekly Report", "0 30 6 * * MON", "counted\nreported\n"},
	}
	var listed []string
	for _, w := range harness.Lines[wire.Workflow](t, in.Must("cdktr-run", "--list", "-o", "json")) {
		listed = append(listed, w.Workflow)
		if w.Name == nil || *w.Name != want[w.Workflow].name || len(w.Errors) > 0 {
			t.Errorf("%s is listed with a wrong name or with errors: %+v", w.Workflow, w)
		}
		schedule := ""
		if w.Schedule != nil {
			schedule = *w.Schedule
		}
		if schedule != want[w.Workflow].schedule {
			t.Errorf("%s: schedule %q, want %q", w.Workflow, schedule, want[w.Workflow].schedule)
		}
	}
	if all := []string{"etl.daily", "etl.reports.weekly", "simple"}; !slices.Equal(listed, all) {
		t.Fatalf("listed are %q, want %q", listed, all)
	}
	for id, w := range want {
		run := in.Must("cdktr-run", id)
		if got := in.Must("cdktr-logs", "-r", run, "-s", "stdout", "-o", "cat") + "\n"; got != w.output {
			t.Errorf("%s printed %q, want %q", id, got, w.output)
		}
	}

	r := in.Run("cdktr-principal", "check", "workflows")
	if r.Code != 0 || r.Stdout != "" || !strings.Contains(r.Stderr, `weekly.yaml:9:`) || !strings.Contains(r.Stderr, "dependencies") {
		t.Errorf("check of old files is to succeed with a warning about dependencies: %+v", r)
	}
}

// The slow parent decides: the others have long completed when the join is
// still to be seen waiting.
func TestJoinRunsOnceAfterAllOfItsParents(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("join.yml", `
tasks:
  join: {depends: [slow, a, b, c], run: echo joined}
  a: {run: "true"}
  b: {run: "true"}
  c: {depends: b, run: "true"}
  slow: {run: 'until [ -e go ]; do sleep 0.01; done'}
`)
	in.StartPrincipal()
	run := in.Must("cdktr-run", "-d", "join")
	harness.Eventually(t, "all parents but one complete", func() bool {
		return statuses(show(t, in, run)) == "join PENDING, a COMPLETED, b COMPLETED, c COMPLETED, slow RUNNING"
	})
	touch(t, in, "go")
	in.Must("cdktr-run", "--wait", run)

	var rows []string
	for _, e := range events(t, in, run) {
		if e.Task != nil {
			rows = append(rows, *e.Task+" "+e.Status)
		}
	}
	if n := len(rows); n < 3 || rows[n-3] != "slow COMPLETED" || rows[n-2] != "join RUNNING" || rows[n-1] != "join COMPLETED" {
		t.Errorf("the join did not run once and last:\n%s", strings.Join(rows, "\n"))
	}
	if strings.Count(strings.Join(rows, "\n"), "join RUNNING") != 1 {
		t.Errorf("the join ran more than once:\n%s", strings.Join(rows, "\n"))
	}
}

// Many runs of one DAG at once: each keeps its own count of parents.
func TestEveryTaskOfConcurrentRunsStartsOnceAndAfterItsParents(t *testing.T) {
	t.Parallel()
	in := harness.New(t, "CDKTR_AGENT_MAX_CONCURRENCY=16")
	in.Workflow("mesh.yml", `
tasks:
  a: {run: "true"}
  b: {depends: a, run: "true"}
  c: {depends: a, run: "true"}
  d: {depends: [a, b, c], run: "true"}
  e: {depends: [d], run: "true"}
  f: {depends: [d, b], run: "true"}
  g: {depends: [e, f, c], run: "true"}
`)
	parents := map[string]string{"a": "", "b": "a", "c": "a", "d": "abc", "e": "d", "f": "db", "g": "efc"}
	in.StartPrincipal()
	ids := strings.Fields(in.Must("sh", "-c", "for i in 1 2 3 4 5 6 7 8; do cdktr-run -d mesh & done; wait"))
	if len(ids) != 8 {
		t.Fatalf("8 runs were started, acknowledged are %q", ids)
	}
	for _, id := range ids {
		in.Must("cdktr-run", "--wait", id)
		began, done := map[string]int64{}, map[string]int64{}
		for _, e := range events(t, in, id) {
			switch {
			case e.Task == nil:
			case e.Status == "RUNNING" && began[*e.Task] != 0:
				t.Errorf("run %s: task %s started twice", id, *e.Task)
			case e.Status == "RUNNING":
				began[*e.Task] = e.Pos
			case e.Status == "COMPLETED":
				done[*e.Task] = e.Pos
			}
		}
		for task, of := range parents {
			for _, parent := range strings.Split(of, "") {
				if began[task] == 0 || done[parent] == 0 || done[parent] > began[task] {
					t.Errorf("run %s: %s completed at %d, %s after it began at %d", id, parent, done[parent], task, began[task])
				}
			}
		}
	}
}

func TestIdsComeFromPaths(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	for _, name := range []string{"a.yml", "a/b.yaml", "a/b/c.yml", ".hidden.yml", ".git/x.yml", "notes.txt", "a/c.yml~"} {
		in.Workflow(name, "tasks: {t: {run: 'true'}}")
	}
	if err := os.Symlink("/etc", filepath.Join(in.Workflows, "outside")); err != nil {
		t.Fatal(err)
	}
	in.StartPrincipalAlone()
	var got []string
	for _, w := range harness.Lines[wire.Workflow](t, in.Must("cdktr-run", "--list", "-o", "json")) {
		got = append(got, w.Workflow)
	}
	if want := "[a a.b a.b.c]"; fmt.Sprint(got) != want {
		t.Errorf("workflows are %v, want %s", got, want)
	}
}
