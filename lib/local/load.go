package local

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/cdktr/cdktr/lib/workfile"
	"github.com/cdktr/cdktr/lib/workflow"
)

// Loaded is what is in a workflow file. With Errors there is no Workflow.
type Loaded struct {
	Workflow *workflow.Definition
	Errors   []workflow.Problem
	Warnings []workflow.Problem
}

// Load reads a workflow file as a principal does whose workflow directory is
// dir. A file that is not in there is called by its name alone. Problems call
// the file shown. The error is about a path that cannot be read, and is an
// fs.PathError.
func Load(name, dir, shown string) (Loaded, error) {
	problem := func(err error) Loaded {
		return Loaded{Errors: []workflow.Problem{{File: shown, Message: err.Error()}}}
	}
	text, err := workfile.Read(name)
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return Loaded{}, fmt.Errorf("read the workflow file: %w", &fs.PathError{Op: "open", Path: shown, Err: path.Err})
	}
	if err != nil {
		return problem(err), nil
	}
	id, err := workflow.IDFromPath(within(dir, name))
	if err != nil {
		return problem(err), nil
	}
	var l Loaded
	l.Workflow, l.Errors, l.Warnings = workflow.Parse(id, shown, text)
	return l, nil
}

// within is the path of a file below dir, with slashes, and its name where it
// is not below. A symlink to the file is named as it is, not as what it leads
// to; the folders on the way count as what they are.
func within(dir, name string) string {
	base := filepath.Base(name)
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return base
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(name))
	if err != nil {
		return base
	}
	rel, err := filepath.Rel(root, filepath.Join(folder, base))
	if err != nil || !filepath.IsLocal(rel) {
		return base
	}
	return filepath.ToSlash(rel)
}

// FileOf finds the file of a workflow that somebody has called by its id: a
// path below dir, or empty.
func FileOf(dir, id string) string {
	for _, ext := range []string{".yml", ".yaml"} {
		name := filepath.Join(dir, filepath.FromSlash(strings.ReplaceAll(id, ".", "/"))+ext)
		if _, err := workfile.Read(name); err == nil {
			return name
		}
	}
	return ""
}
