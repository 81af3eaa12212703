package local

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestIDIsThePathUnderTheWorkflowDirectoryElseTheName(t *testing.T) {
	root := t.TempDir()
	put := func(rel string) string {
		t.Helper()
		name := filepath.Join(root, rel)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("tasks: {a: {run: x}}"), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	link := func(to, rel string) string {
		t.Helper()
		name := filepath.Join(root, rel)
		if err := os.Symlink(to, name); err != nil {
			t.Fatal(err)
		}
		return name
	}
	dir := filepath.Join(root, "workflows")
	inside, outside := put("workflows/etl/daily.yml"), put("try/daily.yaml")
	for _, c := range []struct{ name, dir, id string }{
		{inside, dir, "etl.daily"},
		{outside, dir, "daily"},
		{inside, filepath.Join(root, "gone"), "daily"},
		{inside, filepath.Join(root, "work"), "daily"}, // not the start of a name
		{inside, link(dir, "linked"), "etl.daily"},
		{filepath.Join(root, "linked", "etl", "daily.yml"), dir, "etl.daily"},
		{link(outside, "workflows/borrowed.yml"), dir, "borrowed"},
	} {
		l, err := Load(c.name, c.dir, "x")
		if err != nil || l.Workflow == nil || l.Workflow.ID != c.id {
			t.Errorf("%s in %s: %+v, %v", c.name, c.dir, l, err)
		}
	}
	if got := FileOf(dir, "etl.daily"); got != inside {
		t.Errorf("etl.daily is in %q", got)
	}
	if got := FileOf(dir, "etl.gone"); got != "" {
		t.Errorf("etl.gone is in %q", got)
	}
}

func TestWhatIsNoFileIsSaidSo(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe.yml")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		pipe:       "shown: this is a named pipe, not a file",
		dir:        "shown: this is a directory, not a file",
		"/dev/tty": "shown: this is a device, not a file",
	} {
		l, err := Load(name, dir, "shown")
		if err != nil || len(l.Errors) != 1 || l.Errors[0].String() != want {
			t.Errorf("%s: %+v, %v", name, l, err)
		}
	}
	if _, err := Load(filepath.Join(dir, "gone.yml"), dir, "gone.yml"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
