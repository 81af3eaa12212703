package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/sim"
)

// History that was acknowledged disappears from the disk. The principal says
// what is missing and does not start, unless it is told to go on without: then
// what is left is there, new runs work, and an agent with a task from before
// gets on with it.
func TestLostHistoryIsRefusedUnlessTheLossIsAccepted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		missing string
		gap     bool // there may be one in the lines of the task from before
		lose    func(*testing.T, *harness.Installation)
	}{
		"events cut in half": {"events", false, func(t *testing.T, in *harness.Installation) { halve(t, in, "app.db.wal") }},
		"lines cut in half":  {"lines", true, func(t *testing.T, in *harness.Installation) { halve(t, in, "logs/*.db.wal") }},
		"an old database": {"events", false, func(t *testing.T, in *harness.Installation) {
			remove(t, in, "app.db")
			remove(t, in, "app.db.wal")
			putBack(t, in, "app.db")
		}},
		"an old database and old lines": {"events", true, func(t *testing.T, in *harness.Installation) {
			remove(t, in, "app.db")
			remove(t, in, "app.db.wal")
			remove(t, in, "logs/*")
			putBack(t, in, "app.db")
			putBack(t, in, "logs")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := harness.New(t)
			in.Workflow("talk.yml", talkative)
			in.Workflow("hello.yml", hello)
			in.StartPrincipalAlone()
			in.StartAgent("web1")
			old := []string{in.Must("cdktr-run", "hello"), in.Must("cdktr-run", "hello")}
			run := in.Must("cdktr-run", "-d", "talk")
			printed := func() int { return strings.Count(bare(t, in, run, "stdout"), "\n") }
			harness.Eventually(t, "the task prints", func() bool { return printed() > 0 })
			in.StopPrincipal()
			setAside(t, in)
			in.RestartPrincipal()
			for range 5 {
				in.Must("cdktr-run", "hello")
			}
			before := printed()
			harness.Eventually(t, "the task prints on", func() bool { return printed() > before+10 })
			// The write-ahead files are emptied now and then; something has to
			// be in them.
			harness.Eventually(t, "there is something to lose", func() bool {
				in.Must("cdktr-run", "hello")
				return filled(t, in, "app.db.wal") && filled(t, in, "logs/*.db.wal")
			})
			in.KillPrincipal()
			c.lose(t, in)

			r := in.Run("cdktr-principal", "--port", "0", "--workflows", in.Workflows)
			if r.Code != 74 || !strings.Contains(r.Stderr, c.missing) || !strings.Contains(r.Stderr, "--accept-loss") {
				t.Errorf("want exit code 74, what is missing and how to go on, got %d\n%s", r.Code, r.Stderr)
			}
			in.StartPrincipalAlone("--accept-loss")
			for _, id := range old {
				if status := show(t, in, id).Status; status != "COMPLETED" {
					t.Errorf("run %s is %s", id, status)
				}
			}
			in.Must("cdktr-run", "hello")
			touch(t, in, "go")
			ended, _ := finish(t, in, run)
			if task := ended.Tasks[0]; task.Status != "COMPLETED" || task.Attempt != 1 {
				t.Errorf("the task is %s in attempt %d, want COMPLETED in the first", task.Status, task.Attempt)
			}
			checkTalk(t, in, run, number(t, filepath.Join(in.Dir, "count")), c.gap)

			// The loss was accepted once: that is the history from now on.
			in.StopPrincipal()
			in.StartPrincipalAlone()
			in.Must("cdktr-run", "hello")
		})
	}
}

// checkTalk checks that the history has, of the talkative task's lines, each or
// a gap that stands for it.
func checkTalk(t *testing.T, in *harness.Installation, run string, want int, mayGap bool) {
	t.Helper()
	lines := sim.Lines{}
	if !mayGap {
		lines.MayGap = sim.NoGap
	}
	last, gaps := int64(0), 0
	for _, r := range records(t, in, run) {
		if err := lines.Add(&r); err != nil {
			t.Error(err)
		}
		if r.Stream == "stdout" {
			last = r.Seq
			if r.Gap != nil {
				gaps++
			}
		}
	}
	if last != int64(want) {
		t.Errorf("the history ends at line %d, the task printed %d", last, want)
	}
	if gaps > 1 {
		t.Errorf("there are %d gap records for one loss", gaps)
	}
}

// files are those of the data directory that a pattern names.
func files(t *testing.T, in *harness.Installation, pattern string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(in.Data, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func halve(t *testing.T, in *harness.Installation, pattern string) {
	t.Helper()
	found := files(t, in, pattern)
	if len(found) == 0 {
		t.Fatalf("there is no %s", pattern)
	}
	for _, file := range found {
		at, err := os.Stat(file)
		if err == nil {
			err = os.Truncate(file, at.Size()/2)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// setAside keeps a copy of the history, for putBack.
func setAside(t *testing.T, in *harness.Installation) {
	t.Helper()
	in.Must("sh", "-c", `mkdir .old && cp -r .data/app.db .data/logs .old/`)
}

func putBack(t *testing.T, in *harness.Installation, name string) {
	t.Helper()
	in.Must("cp", "-r", ".old/"+name, ".data/")
}

func remove(t *testing.T, in *harness.Installation, pattern string) {
	t.Helper()
	for _, file := range files(t, in, pattern) {
		if err := os.RemoveAll(file); err != nil {
			t.Fatal(err)
		}
	}
}

// filled tells whether there is a file with something in it.
func filled(t *testing.T, in *harness.Installation, pattern string) bool {
	t.Helper()
	for _, file := range files(t, in, pattern) {
		if info, err := os.Stat(file); err == nil && info.Size() > 0 {
			return true
		}
	}
	return false
}
