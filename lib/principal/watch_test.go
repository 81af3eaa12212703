package principal

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/cdktr/cdktr/lib/harness"
)

// follow runs definitions over a directory that is read again by the clock only
// when the test is long over: what they notice, the file system told.
func follow(t *testing.T, root string, changes ...func(*definitions)) *definitions {
	t.Helper()
	k := newDefinitions(NewDirectory(root), time.Hour, slog.New(slog.DiscardHandler))
	for _, change := range changes {
		change(k)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := k.run(ctx); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { stop(); <-ended })
	return k
}

func shows(t *testing.T, k *definitions, want string) {
	t.Helper()
	want = strings.TrimSpace(want)
	deadline := time.Now().Add(harness.Patience)
	for {
		got := strings.TrimSpace(summary(k.shown.Load()))
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("shows\n%s\nwant\n%s", got, want)
		}
		time.Sleep(time.Millisecond)
	}
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestChangesOfFilesAndFoldersAreNoticedAtOnce(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	at := func(name string) string { return filepath.Join(root, name) }
	k := follow(t, root)
	put(t, root, "w.yml", goodWorkflow)
	shows(t, k, "w 1")
	put(t, root, "w.yml", betterWorkflow)
	shows(t, k, "w 2")
	put(t, root, "w.yml", badWorkflow)
	const mistake = "\n  w.yml:1:13: unknown key \"rn\" (did you mean \"run\"?)"
	shows(t, k, "w 2"+mistake)
	do(t, os.Rename(put(t, root, ".new", goodWorkflow), at("w.yml")))
	shows(t, k, "w 1")
	do(t, os.Rename(at("w.yml"), at("v.yaml")))
	shows(t, k, "v 1")

	put(t, root, "a/b/c/x.yml", goodWorkflow)
	shows(t, k, "a.b.c.x 1\nv 1")
	put(t, root, "a/b/c/x.yml", betterWorkflow)
	shows(t, k, "a.b.c.x 2\nv 1")
	do(t, os.Rename(at("a"), at("z")))
	shows(t, k, "v 1\nz.b.c.x 2")
	put(t, root, "z/b/c/x.yml", goodWorkflow)
	shows(t, k, "v 1\nz.b.c.x 1")
	// The old folder under a new name, and another one under the old name.
	do(t, os.Rename(at("z"), at("y")))
	put(t, root, "z/x.yml", goodWorkflow)
	shows(t, k, "v 1\ny.b.c.x 1\nz.x 1")
	put(t, root, "y/b/c/x.yml", betterWorkflow)
	put(t, root, "z/x.yml", betterWorkflow)
	shows(t, k, "v 1\ny.b.c.x 2\nz.x 2")
	do(t, os.RemoveAll(at("y")))
	do(t, os.Remove(at("v.yaml")))
	shows(t, k, "z.x 2")
	do(t, os.RemoveAll(at("z")))
	shows(t, k, "")
}

func TestChangesBehindSymlinksAreNoticedAtOnce(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	root := filepath.Join(base, "releases", "one")
	put(t, root, "..one/w.yml", goodWorkflow) // as a mounted ConfigMap has it
	put(t, root, "..two/w.yml", betterWorkflow)
	link(t, "..one", filepath.Join(root, "..data"))
	link(t, "..data/w.yml", filepath.Join(root, "w.yml"))
	put(t, root, ".store/deep/x.yml", goodWorkflow)
	link(t, ".store/deep", filepath.Join(root, "folder"))
	link(t, "not/yet.yml", filepath.Join(root, "late.yml"))
	link(t, "releases/one", filepath.Join(base, "workflows"))
	k := follow(t, filepath.Join(base, "workflows"))
	const dangling = "late -\n  late.yml: a symlink that leads nowhere: no such file or directory"
	shows(t, k, "folder.x 1\n"+dangling+"\nw 1")
	put(t, root, "folder/x.yml", betterWorkflow)
	shows(t, k, "folder.x 2\n"+dangling+"\nw 1")
	put(t, root, "..one/w.yml", betterWorkflow)
	shows(t, k, "folder.x 2\n"+dangling+"\nw 2")
	put(t, root, "..two/w.yml", goodWorkflow)
	link(t, "..two", filepath.Join(root, "..swap"))
	do(t, os.Rename(filepath.Join(root, "..swap"), filepath.Join(root, "..data")))
	shows(t, k, "folder.x 2\n"+dangling+"\nw 1")
	do(t, os.Mkdir(filepath.Join(root, "not"), 0o755))
	put(t, root, "not/yet.yml", goodWorkflow)
	shows(t, k, "folder.x 2\nlate 1\nnot.yet 1\nw 1")

	put(t, base, "releases/two/n.yml", goodWorkflow)
	link(t, "releases/two", filepath.Join(base, "swap"))
	do(t, os.Rename(filepath.Join(base, "swap"), filepath.Join(base, "workflows")))
	shows(t, k, "n 1")
	put(t, base, "releases/two/n.yml", betterWorkflow)
	shows(t, k, "n 2")
}

func TestVanishedDirectoryIsWatchedWhenItIsBack(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "in", "workflows")
	for i := range 100 {
		put(t, root, fmt.Sprintf("sub%d/w.yml", i), goodWorkflow)
	}
	k := follow(t, root)
	before := summary(k.shown.Load())
	for _, parent := range []string{root, filepath.Dir(root)} {
		do(t, os.Rename(parent, parent+".away"))
		answered := make(chan *Catalog)
		k.asks <- func(now *Catalog) { answered <- now }
		if got, more, _ := strings.Cut(summary(<-answered), "  "+root); got != before || !strings.HasPrefix(more, ": read workflow directory") {
			t.Errorf("after it was removed:\n%s%s", got, more)
		}
		put(t, root, "sub7/w.yml", betterWorkflow)
		shows(t, k, "sub7.w 2")
		for i := range 100 {
			put(t, root, fmt.Sprintf("sub%d/w.yml", i), goodWorkflow)
		}
		shows(t, k, before)
	}
}

func TestHalfWrittenFileNeverLoads(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	put(t, root, "w.yml", goodWorkflow)
	k := follow(t, root)
	told := k.subscribe()
	file, err := os.Create(filepath.Join(root, "w.yml"))
	do(t, err)
	defer file.Close()
	_, err = file.WriteString("tasks:\n")
	do(t, err)
	for i := range 3 { // each part makes it a file that parses
		_, err := fmt.Fprintf(file, "  t%d: {run: x}\n", i)
		do(t, err)
		time.Sleep(burstMost + quietAfter)
	}
	select {
	case <-told:
		t.Errorf("while it was written:\n%s", summary(k.shown.Load()))
	default:
	}
	do(t, file.Close())
	shows(t, k, "w 3")
}

func TestWhereTheWriterIsUnknownAFileHasToBeLeftAlone(t *testing.T) {
	root := t.TempDir()
	d := NewDirectory(root)
	put(t, root, "w.yml", goodWorkflow)
	reload(t, d, "w 1") // who asks waits for as long as it takes
	now := time.Now()
	d.now = func() time.Time { return now }
	d.beingWritten = func(*os.File) (bool, bool) { return false, false }
	for i, step := range []struct {
		text  string
		after time.Duration
		want  string
	}{
		{betterWorkflow, 0, "w 1"},
		{"", unheard - 1, "w 1"},
		{betterWorkflow + "\n", 1, "w 1"}, // more of it
		{"", unheard - 1, "w 1"},
		{"", 1, "w 2"},
	} {
		if now = now.Add(step.after); step.text != "" {
			put(t, root, "w.yml", step.text)
		}
		c, err := d.look(calm)
		if got := strings.TrimSpace(summary(c)); err != nil || got != step.want || d.left.busy != (got == "w 1") {
			t.Errorf("look %d: %v, %s, %+v", i, err, got, d.left)
		}
	}
	d = NewDirectory(root)
	d.beingWritten = func(*os.File) (bool, bool) { return false, false }
	reload(t, d, "w 2")
}

func TestFileThatIsHeldOpenIsShown(t *testing.T) {
	root := t.TempDir()
	d := NewDirectory(root)
	now := time.Now()
	d.now = func() time.Time { return now }
	d.beingWritten = func(*os.File) (bool, bool) { return true, true }
	put(t, root, "w.yml", goodWorkflow)
	look := func(want string) {
		t.Helper()
		c, err := d.look(calm)
		if got := strings.TrimSpace(summary(c)); err != nil || got != want {
			t.Errorf("%v, %s, want %s", err, got, want)
		}
	}
	look("")
	if d.ready() {
		t.Error("nothing has changed")
	}
	now = now.Add(6 * time.Second)
	if !d.ready() {
		t.Error("it is held open for long")
	}
	look("w -\n  w.yml: a program has it open for writing: it is taken when that program closes it")
	if d.ready() || !d.left.busy {
		t.Error("that is told, and it still is")
	}
	d.beingWritten = func(*os.File) (bool, bool) { return false, true }
	if !d.ready() {
		t.Error("it was closed")
	}
	look("w 1")
}

func TestFileThatIsWrittenAnewIsNeverGone(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	name := put(t, root, "w.yml", goodWorkflow)
	put(t, root, "v.yml", goodWorkflow)
	d := NewDirectory(root)
	reload(t, d, "v 1\nw 1")
	do(t, os.Remove(name))
	do(t, os.Rename(filepath.Join(root, "v.yml"), filepath.Join(root, "v.yaml")))
	for i, want := range []struct {
		mood mood
		text string
	}{{calm, "v 1\nw 1\n"}, {restless, "v 1\nw 1\n"}, {calm, "v 1\n"}} {
		c, err := d.look(want.mood)
		if err != nil || summary(c) != want.text || d.left.missing != (i < 2) {
			t.Errorf("look %d: %v, %s, %+v", i, err, summary(c), d.left)
		}
	}

	put(t, root, "w.yml", goodWorkflow)
	k := newDefinitions(d, time.Hour, slog.New(slog.DiscardHandler))
	do(t, os.Remove(name))
	k.pace.calmAt = time.Now().Add(time.Hour)
	for range 3 {
		k.look()
		shows(t, k, "v 1\nw 1")
	}
	k.pace.calmAt = time.Time{}
	k.look()
	shows(t, k, "v 1")
}

func TestFileThatGoesWhileOthersAreReadIsNoMistake(t *testing.T) {
	root := t.TempDir()
	for i := range 50 {
		put(t, root, fmt.Sprintf("w%02d.yml", i), goodWorkflow)
	}
	d := NewDirectory(root)
	first, err := d.Reload()
	do(t, err)
	last := put(t, root, "w49.yml", betterWorkflow)
	d.beingWritten = func(*os.File) (bool, bool) {
		_ = os.Remove(last) // there or not
		return false, true
	}
	second, err := d.look(calm)
	if err != nil || summary(first) != summary(second) || !d.left.missing {
		t.Errorf("%v, %+v\n%s", err, d.left, summary(second))
	}
}

func TestWhatWasMissingBeforeTheDirectoryWasGoneIsNotGone(t *testing.T) {
	root := filepath.Join(t.TempDir(), "workflows")
	name := put(t, root, "w.yml", goodWorkflow)
	d := NewDirectory(root)
	reload(t, d, "w 1")
	do(t, os.Remove(name))
	for _, change := range []func() error{
		func() error { return nil },
		func() error { return os.Remove(root) },
		func() error { return os.Mkdir(root, 0o755) },
	} {
		do(t, change())
		if c, _ := d.look(calm); c.Get("w") == nil {
			t.Error("it is gone")
		}
	}
	reload(t, d, "")
}

func TestFoldersThatComeAndGoNeverStopTheWatch(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	k := follow(t, root)
	var moving sync.WaitGroup
	for i := range 4 {
		moving.Go(func() {
			a, b := filepath.Join(root, fmt.Sprint("a", i)), filepath.Join(root, fmt.Sprint("b", i))
			for range 100 {
				_ = os.MkdirAll(filepath.Join(a, "in"), 0o755)
				_ = os.WriteFile(filepath.Join(a, "in", "x.yml"), []byte(goodWorkflow), 0o644)
				_ = os.Rename(a, b)
				_ = os.RemoveAll(b)
			}
		})
	}
	moving.Wait()
	put(t, root, "b0/in/w.yml", goodWorkflow)
	shows(t, k, "b0.in.w 1")
	put(t, root, "b0/in/w.yml", betterWorkflow)
	shows(t, k, "b0.in.w 2")
}

func TestOneChangeReadsOneFile(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	old := time.Now().Add(-time.Hour)
	for i := range 200 {
		do(t, os.Chtimes(put(t, root, fmt.Sprintf("w%d.yml", i), goodWorkflow), old, old))
	}
	d := NewDirectory(root)
	var mu sync.Mutex
	var read []string
	d.beingWritten = func(f *os.File) (bool, bool) {
		mu.Lock()
		defer mu.Unlock()
		read = append(read, filepath.Base(f.Name()))
		return false, true
	}
	first, err := d.Reload()
	if err != nil || len(read) != 200 {
		t.Fatalf("%v, %d files were read", err, len(read))
	}
	read = nil
	do(t, os.Chtimes(filepath.Join(root, "w1.yml"), old.Add(1), old.Add(1)))
	put(t, root, "w7.yml", betterWorkflow)
	second, err := d.Reload()
	if err != nil || len(read) != 2 {
		t.Fatalf("%v, read %v", err, read)
	}
	for i := range first.Entries {
		a, b := first.Entries[i], second.Entries[i]
		if (a.Definition == b.Definition) != (a.ID != "w7") {
			t.Errorf("%s was parsed: %v", a.ID, a.Definition != b.Definition)
		}
	}
}

// full is a system that has no watches left.
type full struct{ tries int }

func (f *full) Add(string) error  { f.tries++; return syscall.ENOSPC }
func (*full) Remove(string) error { return nil }
func (*full) WatchList() []string { return nil }
func (*full) Close() error        { return nil }

func TestWithoutWatchesTheDirectoryIsReadByTheClock(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	put(t, root, "a/w.yml", goodWorkflow)
	put(t, root, "b/w.yml", goodWorkflow)
	var log strings.Builder
	system := &full{}
	k := newDefinitions(NewDirectory(root), time.Minute, slog.New(slog.NewTextHandler(&log, nil)))
	k.dir.watch = &watcher{system: system, folders: map[string]os.FileInfo{}}
	for _, text := range []string{betterWorkflow, goodWorkflow} {
		put(t, root, "a/w.yml", text)
		k.look()
		shows(t, k, fmt.Sprintf("a.w %d\nb.w 1", strings.Count(text, "run:")))
	}
	if got := log.String(); strings.Count(got, "only every 1m0s") != 1 || !strings.Contains(got, "max_user_watches") {
		t.Errorf("logged %s", got)
	}
	if system.tries != 2 {
		t.Errorf("%d tries in two looks", system.tries)
	}
}

func TestOtherFilesDoNotCauseALook(t *testing.T) {
	root := t.TempDir()
	put(t, root, "sub/w.yml", goodWorkflow)
	put(t, root, "sub/data.csv", "x")
	link(t, "w.yml", filepath.Join(root, "sub", "other"))
	w := newWatcher()
	defer w.close()
	d := NewDirectory(root)
	d.watch = w
	reload(t, d, "sub.w 1")
	for name, want := range map[string]bool{
		"sub": true, "sub/w.yml": true, "sub/new.yaml": true, "sub/other": true,
		"sub/data.csv": false, "sub/gone": false, "sub/.w.yml.swp": false, "sub/#w.yml": false, "sub/w.yml~": false,
	} {
		got := w.matters(fsnotify.Event{Name: filepath.Join(root, name), Op: fsnotify.Create})
		if got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if w.matters(fsnotify.Event{Name: filepath.Join(root, "sub", "other"), Op: fsnotify.Write}) {
		t.Error("a write to something else")
	}
}

func TestChangesAreToldToWhoSubscribed(t *testing.T) {
	root := t.TempDir()
	put(t, root, "w.yml", goodWorkflow)
	k := newDefinitions(NewDirectory(root), time.Hour, slog.New(slog.DiscardHandler))
	one, two := k.subscribe(), k.subscribe()
	told := func(want bool) {
		t.Helper()
		for _, c := range []<-chan struct{}{one, two} {
			select {
			case <-c:
				if !want {
					t.Error("told of nothing")
				}
			default:
				if want {
					t.Error("not told")
				}
			}
		}
	}
	k.look()
	told(false)
	put(t, root, "w.yml", badWorkflow) // the same definition is in force
	k.look()
	told(false)
	for _, text := range []string{goodWorkflow + "\n", betterWorkflow} {
		put(t, root, "w.yml", text)
		k.look()
	}
	told(true)
	told(false)
	put(t, root, "v.yml", goodWorkflow)
	k.look()
	told(true)
}

func TestErrorsOfTheSystemAreTakenWhileNobodyLooks(t *testing.T) {
	w := newWatcher()
	defer w.close()
	for range 3 {
		select {
		case w.system.(*fsnotify.Watcher).Errors <- fsnotify.ErrEventOverflow:
		case <-time.After(harness.Patience):
			t.Fatal("an error waits for somebody to look")
		}
	}
	if err := <-w.lost; err != fsnotify.ErrEventOverflow {
		t.Error(err)
	}
}
