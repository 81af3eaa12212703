package principal

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/workflow"
)

// Directory is the workflow directory as it was last read. It remembers the
// last good version of each file, so that a mistake in one does not take a
// workflow away. It is used by one goroutine; the catalogs that it makes are
// anyone's.
type Directory struct {
	root  string
	files map[string]*loadedFile // by path below root
	owner map[string]string      // workflow id -> the file that it was loaded from
	now   func() time.Time
}

// loadedFile is what is known of one file.
type loadedFile struct {
	id       string
	stamp    stamp
	good     *workflow.Definition // the last version that loaded
	errors   []workflow.Problem
	warnings []workflow.Problem
}

// Catalog is an immutable picture of a workflow directory.
type Catalog struct {
	Entries  []CatalogEntry     // by id
	Problems []workflow.Problem // of no workflow: an unreadable folder, a name that can be no id
}

// CatalogEntry is one workflow id. Definition is the version in force; with
// Problems it may be older than the file. It is nil if none ever loaded, and
// then there are Problems.
type CatalogEntry struct {
	ID         string
	File       string // below the workflow directory
	Definition *workflow.Definition
	Problems   []workflow.Problem
	Warnings   []workflow.Problem
}

// Get returns the entry with that id, or nil.
func (c *Catalog) Get(id string) *CatalogEntry {
	i, found := slices.BinarySearchFunc(c.Entries, id, func(e CatalogEntry, id string) int { return strings.Compare(e.ID, id) })
	if !found {
		return nil
	}
	return &c.Entries[i]
}

// NewDirectory is a directory of which nothing is read yet: call Reload.
func NewDirectory(root string) *Directory {
	return &Directory{root: root, files: map[string]*loadedFile{}, owner: map[string]string{}, now: time.Now}
}

// Reload reads what has changed. When the directory itself cannot be read it
// returns an error, and the catalog, never nil, is what was loaded before.
func (d *Directory) Reload() (*Catalog, error) {
	found, err := scan(d.root)
	if err != nil {
		return d.catalog(nil), fmt.Errorf("read workflow directory: %w", err)
	}
	seen := map[string]bool{}
	var changed []foundFile
	for _, f := range found.files {
		seen[f.rel] = true
		known := d.files[f.rel]
		if known == nil {
			known = &loadedFile{id: f.id}
			d.files[f.rel] = known
		}
		if f.problem != "" || !known.stamp.covers(f.stamp) {
			changed = append(changed, f)
		}
	}
	read := d.now()
	for i, version := range loadFiles(changed) {
		d.files[changed[i].rel].take(version, changed[i].stamp.readAt(read))
	}
	for rel := range d.files {
		if !seen[rel] && !found.unread(rel) {
			delete(d.files, rel)
		}
	}
	return d.catalog(found.problems), nil
}

// take replaces what is known of a file. A version that does not load leaves
// the last good one in force.
func (f *loadedFile) take(v version, stamp stamp) {
	f.errors, f.warnings, f.stamp = v.errors, v.warnings, stamp
	if v.definition != nil {
		f.good = v.definition
	}
	if !v.read {
		f.stamp.settled = false
	}
}

// catalog joins the files by their ids. Where two have one, the file that the
// workflow was loaded from stays; if there was none, neither counts.
func (d *Directory) catalog(problems []workflow.Problem) *Catalog {
	byID := map[string][]string{}
	for _, rel := range sortedKeys(d.files) {
		id := d.files[rel].id
		byID[id] = append(byID[id], rel)
	}
	c := &Catalog{Problems: problems}
	owner := map[string]string{}
	for _, id := range sortedKeys(byID) {
		rels := byID[id]
		entry := CatalogEntry{ID: id, File: rels[0]}
		if slices.Contains(rels, d.owner[id]) {
			entry.File = d.owner[id]
		}
		for i, rel := range rels {
			f := d.files[rel]
			entry.Problems = append(entry.Problems, f.errors...)
			entry.Warnings = append(entry.Warnings, f.warnings...)
			if len(rels) > 1 {
				entry.Problems = append(entry.Problems, sameID(rel, rels[(i+1)%len(rels)], id))
			}
		}
		if len(rels) == 1 || entry.File == d.owner[id] {
			entry.Definition = d.files[entry.File].good
		}
		if entry.Definition != nil {
			owner[id] = entry.File
		}
		c.Entries = append(c.Entries, entry)
	}
	d.owner = owner
	return c
}

func sameID(file, other, id string) workflow.Problem {
	return workflow.Problem{File: file, Message: fmt.Sprintf("%s has the id %q too", other, id)}
}
