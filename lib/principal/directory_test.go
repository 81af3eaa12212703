package principal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/workfile"
	"github.com/cdktr/cdktr/lib/workflow"
)

const (
	goodWorkflow   = "tasks: {a: {run: one}}\n"
	betterWorkflow = "tasks: {a: {run: two}, b: {run: x}}\n"
	badWorkflow    = "tasks: {a: {rn: one}}\n"
)

func put(t *testing.T, root, name, text string) string {
	t.Helper()
	name = filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
}

// summary is an entry a line: its id, how many tasks the definition has (none:
// -), and its problems.
func summary(c *Catalog) string {
	var b strings.Builder
	for _, e := range c.Entries {
		tasks := "-"
		if e.Definition != nil {
			tasks = fmt.Sprint(len(e.Definition.Tasks))
		}
		fmt.Fprintf(&b, "%s %s\n%s", e.ID, tasks, messages(e.Problems))
	}
	return b.String() + messages(c.Problems)
}

func messages(problems []workflow.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&b, "  %s\n", p)
	}
	return b.String()
}

func reload(t *testing.T, d *Directory, want string) *Catalog {
	t.Helper()
	c, err := d.Reload()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.TrimSpace(summary(c)), strings.TrimSpace(want); got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
	return c
}

func TestOnlyWorkflowFilesAreLoaded(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{
		"hello.yml", "etl/daily.yaml", "etl/deep/er.yml",
		".hidden.yml", ".git/x.yml", ".#hello.yml", "#hello.yml#", "#hello.yml", "hello.yml~", "~hello.yml", ".hello.yml.swp", "hello.yml.tmp", "4913", "readme.md", "x.YML", "yml",
	} {
		put(t, root, name, goodWorkflow)
	}
	reload(t, NewDirectory(root), "etl.daily 1\netl.deep.er 1\nhello 1")
}

func TestBrokenFileKeepsItsLastGoodVersion(t *testing.T) {
	root := t.TempDir()
	put(t, root, "other.yml", goodWorkflow)
	name := put(t, root, "w.yml", badWorkflow)
	d := NewDirectory(root)
	const mistakes = `
  w.yml:1:13: unknown key "rn" (did you mean "run"?)`
	reload(t, d, "other 1\nw -"+mistakes)
	put(t, root, "w.yml", goodWorkflow)
	reload(t, d, "other 1\nw 1")
	put(t, root, "w.yml", betterWorkflow)
	reload(t, d, "other 1\nw 2")
	put(t, root, "w.yml", badWorkflow)
	reload(t, d, "other 1\nw 2"+mistakes)
	reload(t, d, "other 1\nw 2"+mistakes)
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	c := reload(t, d, "other 1")
	if c.Get("w") != nil || c.Get("other") == nil {
		t.Error("Get does not tell what is there")
	}
	put(t, root, "w.yml", badWorkflow)
	reload(t, d, "other 1\nw -"+mistakes) // what was removed is forgotten
}

func TestCatalogIsNotChangedByTheNextReload(t *testing.T) {
	root := t.TempDir()
	put(t, root, "w.yml", goodWorkflow)
	d := NewDirectory(root)
	before := reload(t, d, "w 1")
	put(t, root, "w.yml", betterWorkflow)
	put(t, root, "v.yml", badWorkflow)
	if _, err := d.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := summary(before); got != "w 1\n" {
		t.Error(got)
	}
}

func TestTwoFilesWithOneID(t *testing.T) {
	root := t.TempDir()
	first := put(t, root, "etl/daily.yml", goodWorkflow)
	const both = `
  etl.daily.yml: etl/daily.yml has the id "etl.daily" too
  etl/daily.yml: etl.daily.yml has the id "etl.daily" too`
	d := NewDirectory(root)
	reload(t, d, "etl.daily 1")
	put(t, root, "etl.daily.yml", betterWorkflow)
	reload(t, d, "etl.daily 1"+both)                  // the one that was loaded stays,
	reload(t, d, "etl.daily 1"+both)                  // and goes on staying;
	reload(t, NewDirectory(root), "etl.daily -"+both) // else neither loads.
	if err := os.Remove(first); err != nil {
		t.Fatal(err)
	}
	reload(t, d, "etl.daily 2")
}

func TestSymlinksAreFollowedInsideOnly(t *testing.T) {
	outside, root := t.TempDir(), t.TempDir()
	put(t, outside, "secret.yml", goodWorkflow)
	put(t, root, ".store/real.yml", goodWorkflow) // as a mounted ConfigMap has it
	put(t, root, "sub/x.yml", goodWorkflow)
	link(t, ".store/real.yml", filepath.Join(root, "linked.yml"))
	link(t, filepath.Join(root, "sub", "x.yml"), filepath.Join(root, "absolute.yml"))
	link(t, "sub", filepath.Join(root, "also"))
	link(t, "..", filepath.Join(root, "sub", "loop"))
	link(t, ".", filepath.Join(root, "sub", "self"))
	link(t, "turn.yml", filepath.Join(root, "turn.yml"))
	link(t, filepath.Join(outside, "secret.yml"), filepath.Join(root, "out.yml"))
	link(t, outside, filepath.Join(root, "outside"))
	link(t, "nowhere.yml", filepath.Join(root, "dangling.yml"))
	entry := filepath.Join(t.TempDir(), "entry")
	link(t, root, entry) // the directory itself may be one
	reload(t, NewDirectory(entry), `
absolute 1
also.x 1
dangling -
  dangling.yml: a symlink that leads nowhere: no such file or directory
linked 1
out -
  out.yml: a symlink that leads out of the workflow directory
sub.x 1
turn -
  turn.yml: a symlink that leads nowhere: too many links`)
}

func TestWhatIsNoFileIsReportedAndNeverOpened(t *testing.T) {
	root := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(root, "pipe.yml"), 0o644); err != nil {
		t.Fatal(err)
	}
	put(t, root, "folder.yml/inner.yml", goodWorkflow)
	put(t, root, "huge.yml", goodWorkflow+strings.Repeat("\n", 1<<20))
	put(t, root, "a\nb.yml", goodWorkflow)
	put(t, root, "good.yml", goodWorkflow)
	want := `
folder -
  folder.yml: this is a directory, not a file
good 1
huge -
  huge.yml: the file is larger than 1 MiB
pipe -
  pipe.yml: this is a named pipe, not a file
  a
b.yml: the name "a\nb.yml": that of a workflow file is UTF-8 and has no control characters`
	d := NewDirectory(root)
	reload(t, d, want)
	reload(t, d, want)
	// Also when it became one after it was looked at.
	if _, err := workfile.Read(filepath.Join(root, "pipe.yml")); err == nil || err.Error() != "this is a named pipe, not a file" {
		t.Error(err)
	}
}

func TestVanishedDirectoryKeepsWhatWasLoaded(t *testing.T) {
	root := filepath.Join(t.TempDir(), "workflows")
	put(t, root, "w.yml", goodWorkflow)
	d := NewDirectory(root)
	reload(t, d, "w 1")
	if err := os.Rename(root, root+".away"); err != nil {
		t.Fatal(err)
	}
	c, err := d.Reload()
	if !errors.Is(err, fs.ErrNotExist) || len(c.Entries) != 1 || c.Entries[0].Definition == nil {
		t.Errorf("%v, %s", err, summary(c))
	}
	if said := c.errors(9); len(said) != 1 || !strings.HasPrefix(said[0].String(), root+": read workflow directory") {
		t.Errorf("a status says %v", said)
	}
	if err := os.Rename(root+".away", root); err != nil {
		t.Fatal(err)
	}
	reload(t, d, "w 1")

	c, err = NewDirectory(filepath.Join(root, "w.yml")).Reload()
	if err == nil || len(c.Entries) > 0 {
		t.Errorf("a file as directory: %v", err)
	}
}

func TestUnreadableFolderKeepsWhatWasLoaded(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	root := t.TempDir()
	put(t, root, "sub/w.yml", goodWorkflow)
	d := NewDirectory(root)
	reload(t, d, "sub.w 1")
	sub := filepath.Join(root, "sub")
	if err := os.Chmod(sub, 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(sub, 0o755)
	reload(t, d, "sub.w 1\n  sub: cannot be read: permission denied")
}

func TestUnchangedFileIsNotParsedAgain(t *testing.T) {
	root := t.TempDir()
	name := put(t, root, "w.yml", goodWorkflow)
	d := NewDirectory(root)
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(name, old, old); err != nil {
		t.Fatal(err)
	}
	first := reload(t, d, "w 1").Get("w").Definition
	if again := reload(t, d, "w 1").Get("w").Definition; again != first {
		t.Error("an unchanged file was parsed again")
	}
	// A second write within the clock's grain, of the same size, leaves no
	// trace: a file that was just written is not trusted.
	now := time.Now()
	d.now = func() time.Time { return now }
	for _, text := range []string{"tasks: {a: {run: two}}\n", "tasks: {a: {run: six}}\n"} {
		put(t, root, "w.yml", text)
		if err := os.Chtimes(name, now, now); err != nil {
			t.Fatal(err)
		}
		if got := reload(t, d, "w 1").Get("w").Definition.Tasks[0].Action.Script.Text; !strings.Contains(text, got) {
			t.Errorf("run is %q after %q was written", got, text)
		}
	}
}

func TestCheckTellsAllMistakesOfAllPaths(t *testing.T) {
	root := t.TempDir()
	t.Chdir(root)
	put(t, root, "flows/a/good.yml", goodWorkflow)
	put(t, root, "flows/a/bad.yml", badWorkflow)
	put(t, root, "flows/a.good.yml", "tasks: {a: {run: x}, b: {run: y, dependencies: [a]}}")
	one := put(t, root, "one.yml", "tasks: {a: {}}")
	put(t, root, "notes.txt", "x")
	got, err := CheckFiles([]string{"flows", one, "notes.txt"})
	if err != nil {
		t.Fatal(err)
	}
	want := `  flows/a/bad.yml:1:13: unknown key "rn" (did you mean "run"?)
  flows/a/good.yml: flows/a.good.yml has the id "a.good" too
  flows/a.good.yml: flows/a/good.yml has the id "a.good" too
  ` + one + `:1:9: task "a" has neither run nor config
  notes.txt: the name of a workflow file ends in .yml or .yaml
`
	if messages(got.Errors) != want || got.Files != 4 {
		t.Errorf("%d files, got\n%swant\n%s", got.Files, messages(got.Errors), want)
	}
	if messages(got.Warnings) != "  flows/a.good.yml:1:48: dependencies is an old name; use depends\n" {
		t.Errorf("warnings\n%s", messages(got.Warnings))
	}
	if _, err := CheckFiles([]string{"nothing.yml"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a path that is not there: %v", err)
	}
}

func TestExamplesLoadWithoutAWarning(t *testing.T) {
	got, err := CheckFiles([]string{"../../workflows"})
	if err != nil {
		t.Fatal(err)
	}
	if got.Files < 5 || len(got.Errors)+len(got.Warnings) > 0 {
		t.Errorf("%d files\n%s%s", got.Files, messages(got.Errors), messages(got.Warnings))
	}
}

// BenchmarkDirectory loads 5,000 files, and then finds them unchanged.
func BenchmarkDirectory(b *testing.B) {
	root := b.TempDir()
	text, err := os.ReadFile("../workflow/testdata/existing.yml")
	if err != nil {
		b.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	for i := range 5000 {
		name := filepath.Join(root, fmt.Sprintf("w%d.yml", i))
		if err := os.WriteFile(name, text, 0o644); err != nil {
			b.Fatal(err)
		}
		if err := os.Chtimes(name, old, old); err != nil {
			b.Fatal(err)
		}
	}
	d := NewDirectory(root)
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			d = NewDirectory(root)
			if c, err := d.Reload(); err != nil || len(c.Entries) != 5000 || c.Entries[0].Definition == nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("unchanged", func(b *testing.B) {
		for b.Loop() {
			if _, err := d.Reload(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
