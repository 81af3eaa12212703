package principal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/fsnotify/fsnotify"
)

// watcher has the file system tell of changes in all folders that workflow
// files lie in or are reached by. Which these are it learns at each scan. It
// only tells that something changed: what did, the next scan finds. It is used
// by one goroutine. A nil one watches nothing.
type watcher struct {
	events <-chan fsnotify.Event
	lost   chan error    // changes that went unnoticed
	drain  chan struct{} // closed when what fills lost has ended
	system notifier      // nil: the system gives none
	err    error         // why not all is watched

	folders map[string]os.FileInfo // what is watched
	wanted  map[string]os.FileInfo // by the last scan
	names   map[string]bool        // that count though they are no workflow files: symlinks and what they lead to
}

// notifier is what is used of fsnotify.
type notifier interface {
	Add(name string) error
	Remove(name string) error
	WatchList() []string
	Close() error
}

func newWatcher() *watcher {
	w := &watcher{folders: map[string]os.FileInfo{}}
	system, err := fsnotify.NewWatcher()
	if err != nil {
		w.err = err
		return w
	}
	w.system, w.events = system, system.Events
	w.lost, w.drain = make(chan error, 1), make(chan struct{})
	go func() {
		defer close(w.drain)
		// fsnotify can wait here with its lock held: to take errors only where
		// events are taken would block the next Add for ever.
		for err := range system.Errors {
			select {
			case w.lost <- err:
			default:
			}
		}
	}()
	return w
}

func (w *watcher) close() {
	if w.system != nil {
		_ = w.system.Close() // nothing depends on it any more
		<-w.drain
	}
}

// begin is the start of a scan. What is watched is asked anew, as a folder that
// was moved or removed is watched no longer.
func (w *watcher) begin() {
	if w == nil || w.system == nil {
		return
	}
	w.err = nil
	w.wanted, w.names = map[string]os.FileInfo{}, map[string]bool{}
	watched := map[string]os.FileInfo{}
	for _, name := range w.system.WatchList() {
		watched[name] = w.folders[name]
	}
	w.folders = watched
}

// folder has a folder watched that is about to be read.
func (w *watcher) folder(name string) {
	if w == nil || w.system == nil || w.wanted[name] != nil {
		return
	}
	info, err := os.Stat(name)
	if err != nil || !info.IsDir() {
		return // the scan finds out
	}
	w.wanted[name] = info
	w.add(name, info)
}

func (w *watcher) add(name string, info os.FileInfo) {
	old, watched := w.folders[name]
	if watched {
		if old != nil && os.SameFile(old, info) {
			return
		}
		_ = w.system.Remove(name) // another folder had the name, and may still be there under another
	}
	delete(w.folders, name)
	if w.err != nil {
		return // the next one is refused as this one was
	}
	switch err := w.system.Add(name); {
	case err == nil:
		w.folders[name] = info
	case !errors.Is(err, fs.ErrNotExist):
		w.err = fmt.Errorf("watch %s: %w", name, err)
	}
}

// finish ends a scan that has reached everything. It returns false if a folder
// was not watched while it was read: one that was moved here is watched under
// its old name first, and not at all when the news of that has come.
func (w *watcher) finish() bool {
	if w == nil || w.system == nil {
		return true
	}
	watched := map[string]bool{}
	for _, name := range w.system.WatchList() {
		if watched[name] = true; w.wanted[name] == nil {
			_ = w.system.Remove(name) // gone meanwhile: as well
		}
	}
	all := true
	for name, info := range w.wanted {
		if !watched[name] && w.err == nil {
			all = false
			delete(w.folders, name)
			w.add(name, info)
		}
	}
	return all
}

// way watches the symlinks on the way to a name, and where it leads, as far as
// that is below the root.
func (w *watcher) way(root, name string) {
	if w == nil || w.system == nil {
		return
	}
	for _, step := range steps(name) {
		if root == "" || below(root, step) {
			w.folder(filepath.Dir(step))
			w.names[step] = true
		}
	}
}

// steps are the symlinks that are met on the way to a name, the nearest first,
// and then what they lead to, there or not: all without symlinks in their
// folders. They are none if there is no symlink, and the name is there.
func steps(name string) []string {
	name, err := filepath.Abs(name)
	if err != nil {
		return nil
	}
	const most = 255 // as filepath.EvalSymlinks
	var met []string
	at, rest := "/", strings.Split(name, "/")
	for len(rest) > 0 {
		part := rest[0]
		if rest = rest[1:]; part == "" || part == "." {
			continue
		}
		next := filepath.Join(at, part)
		info, err := os.Lstat(next)
		if err != nil {
			return append(met, next)
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		target, err := os.Readlink(next)
		if met = append(met, next); err != nil || len(met) > most {
			return met
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	if len(met) == 0 {
		return nil
	}
	return append(met, at)
}

// matters tells whether an event can change what is loaded. A program that
// writes other files beside the workflows must not have them read all the time.
func (w *watcher) matters(e fsnotify.Event) bool {
	base := filepath.Base(e.Name)
	if w.names[e.Name] || w.wanted[e.Name] != nil {
		return true
	}
	if passedOver(base) {
		return false
	}
	if isWorkflowFile(base) {
		return true
	}
	if !e.Has(fsnotify.Create) {
		return false
	}
	info, err := os.Lstat(e.Name)
	return err == nil && (info.IsDir() || info.Mode()&fs.ModeSymlink != 0)
}

// refused says why changes are not told of at once; nil: they are.
func (w *watcher) refused() error {
	switch {
	case w == nil || w.err == nil:
		return nil
	case errors.Is(w.err, syscall.ENOSPC):
		return errors.New("there are as many watches as the system allows (fs.inotify.max_user_watches)")
	case errors.Is(w.err, syscall.EMFILE):
		return errors.New("there are as many open files or watchers as the system allows (fs.inotify.max_user_instances, ulimit -n)")
	}
	return w.err
}
