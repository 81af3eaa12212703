package principal

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/workfile"
	"github.com/cdktr/cdktr/lib/workflow"
)

// stamp tells whether a file is still what was read.
type stamp struct {
	size     int64
	modified time.Time
	inode    uint64
	settled  bool
}

// settling is how long after its modification a file's time says that it is
// unchanged: within the clock's grain a second write leaves no trace.
const settling = 2 * time.Second

func (s stamp) readAt(now time.Time) stamp {
	s.settled = now.Sub(s.modified) > settling
	return s
}

func (s stamp) covers(now stamp) bool { return s.settled && s.alike(now) }

func (s stamp) alike(other stamp) bool {
	return s.size == other.size && s.inode == other.inode && s.modified.Equal(other.modified)
}

// foundFile is one workflow file on disk. With a problem it is not to be
// opened.
type foundFile struct {
	rel     string // below the root, with slashes
	path    string
	id      string
	stamp   stamp
	problem string
}

// found is what a scan of a directory gave.
type found struct {
	files    []foundFile
	problems []workflow.Problem
	folders  []string // below the root, that could not be read
}

// unread tells whether a file that was not found may still be there.
func (f *found) unread(rel string) bool {
	return slices.ContainsFunc(f.folders, func(folder string) bool { return strings.HasPrefix(rel, folder+"/") })
}

// Bounds for symlinks that make a small tree look endless.
const (
	maxFolderDepth = 64
	maxFolders     = 20_000
)

// scanner walks a workflow directory.
type scanner struct {
	root    string // without symlinks
	folders int    // entered so far
	found   found
	watch   *watcher
}

// scan lists the workflow files, and tells the watcher, if there is one, which
// folders count, each before it is read: so no change is missed. Folders that
// were moved meanwhile are scanned once more, by their new names.
func scan(root string, watch *watcher) (*found, error) {
	for again := 0; ; again++ {
		watch.begin()
		watch.way("", root)
		real, err := filepath.EvalSymlinks(root)
		if err != nil {
			return nil, err
		}
		watch.folder(real)
		entries, err := os.ReadDir(real)
		if err != nil {
			return nil, err
		}
		s := &scanner{root: real, watch: watch}
		s.folder("", entries, []string{real})
		if watch.finish() || again == 2 {
			return &s.found, nil
		}
	}
}

// scanPath is scan for a path that may also be one file.
func scanPath(name string) (f *found, dir bool, err error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, false, err
	}
	if info.IsDir() {
		f, err = scan(name, nil)
		return f, true, err
	}
	s := &scanner{}
	s.file(filepath.Base(name), name, info)
	return &s.found, false, nil
}

// folder walks one folder. within are the real paths of the folders that it
// lies in, itself the last: a symlink to one of them is a loop.
func (s *scanner) folder(rel string, entries []os.DirEntry, within []string) {
	for _, entry := range entries {
		name := entry.Name()
		if passedOver(name) {
			continue
		}
		child := path.Join(rel, name)
		here := filepath.Join(within[len(within)-1], name)
		real := here
		isLink := entry.Type()&fs.ModeSymlink != 0
		wanted := isWorkflowFile(name)
		if !wanted && !isLink && !entry.IsDir() {
			continue
		}
		if isLink {
			target, err := filepath.EvalSymlinks(here)
			if err != nil {
				s.watch.way(s.root, here)
				if wanted {
					s.broken(child, "a symlink that leads nowhere: "+reason(err))
				}
				continue
			}
			if !below(s.root, target) {
				if wanted {
					s.broken(child, "a symlink that leads out of the workflow directory")
				}
				continue
			}
			real = target
		}
		info, err := os.Stat(real)
		if isLink && (wanted || err == nil && info.IsDir()) {
			s.watch.way(s.root, here)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist): // gone since it was listed
		case err != nil:
			s.broken(child, reason(err))
		case info.IsDir() && !wanted:
			if !slices.Contains(within, real) {
				s.enter(child, real, within)
			}
		case wanted:
			s.file(child, real, info)
		}
	}
}

func (s *scanner) enter(rel, real string, within []string) {
	if len(within) > maxFolderDepth {
		s.problem(rel, fmt.Sprintf("left out: folders more than %d deep", maxFolderDepth))
		return
	}
	if s.folders++; s.folders > maxFolders {
		if s.folders == maxFolders+1 {
			s.problem(rel, fmt.Sprintf("left out, and what follows: more than %d folders", maxFolders))
		}
		return
	}
	s.watch.folder(real)
	entries, err := os.ReadDir(real)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		s.found.folders = append(s.found.folders, rel)
		s.problem(rel, "cannot be read: "+reason(err))
		return
	}
	s.folder(rel, entries, append(slices.Clone(within), real))
}

func (s *scanner) file(rel, real string, info fs.FileInfo) {
	id, err := workflow.IDFromPath(rel)
	if err != nil {
		s.problem(rel, err.Error())
		return
	}
	f := foundFile{rel: rel, path: real, id: id, stamp: stampOf(info)}
	switch {
	case !info.Mode().IsRegular():
		f.problem = workfile.NotRegular(info.Mode())
	case info.Size() > workflow.MaxFile:
		f.problem = "the file is larger than 1 MiB"
	}
	s.found.files = append(s.found.files, f)
}

// broken is a file that cannot be looked at.
func (s *scanner) broken(rel, problem string) {
	id, err := workflow.IDFromPath(rel)
	if err != nil {
		s.problem(rel, problem)
		return
	}
	s.found.files = append(s.found.files, foundFile{rel: rel, id: id, problem: problem})
}

func (s *scanner) problem(rel, message string) {
	s.found.problems = append(s.found.problems, workflow.Problem{File: rel, Message: message})
}

// passedOver tells hidden files, and what editors leave beside a file: .x.swp,
// .#x, #x#, x~.
func passedOver(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "#") || strings.HasPrefix(name, "~")
}

func isWorkflowFile(name string) bool {
	ext := path.Ext(name)
	return ext == ".yml" || ext == ".yaml"
}

func below(root, name string) bool {
	rel, err := filepath.Rel(root, name)
	return err == nil && filepath.IsLocal(rel)
}

// reason is an error of the file system without the path, which the reader
// sees already.
func reason(err error) string {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err.Error()
	}
	if text, found := strings.CutPrefix(err.Error(), "EvalSymlinks: "); found {
		return text
	}
	return err.Error()
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
