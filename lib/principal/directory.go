package principal

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/workflow"
)

// Directory is the workflow directory as it was last read. It remembers the
// last good version of each file, so that a mistake in one does not take a
// workflow away, and what it left for later: files that were being written. It
// is used by one goroutine; the catalogs that it makes are anyone's.
type Directory struct {
	root  string
	files map[string]*loadedFile // by path below root
	owner map[string]string      // workflow id -> the file that it was loaded from
	left  leftover               // by the last look
	watch *watcher               // is told which folders count; may be nil

	now          func() time.Time
	beingWritten func(*os.File) (yes, known bool)
}

// loadedFile is what is known of one file.
type loadedFile struct {
	id       string
	path     string
	missing  bool // when it was last looked for
	stamp    stamp
	sum      sum                  // of the bytes that were parsed last
	good     *workflow.Definition // the last version that loaded
	errors   []workflow.Problem
	warnings []workflow.Problem

	busy   time.Time // since when somebody writes it; zero: nobody
	seen   stamp     // then: what it was when it last changed,
	seenAt time.Time // and when that was seen first
	told   bool      // then: for so long that it is a problem
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
	return &Directory{root: root, files: map[string]*loadedFile{}, owner: map[string]string{}, now: time.Now, beingWritten: beingWritten}
}

// Reload reads what has changed; for a file that is just being written it waits
// a moment. When the directory itself cannot be read it returns an error, and
// the catalog, never nil, is what was loaded before.
func (d *Directory) Reload() (*Catalog, error) {
	now, err := d.look(asked)
	for pause := 10 * time.Millisecond; d.left.busy && pause < unheard; pause *= 2 {
		time.Sleep(pause)
		now, err = d.look(asked)
	}
	return now, err
}

// mood says what becomes of a file that is missing. Editors, git and rm -rf of
// the whole directory all have files missing for a moment.
type mood int

const (
	restless mood = iota // it stays
	calm                 // it is gone if it was missing the last time too
	asked                // it is gone
)

// look reads what has changed and is whole.
func (d *Directory) look(m mood) (*Catalog, error) {
	found, err := scan(d.root, d.watch)
	d.left = leftover{gone: err != nil}
	if err != nil {
		for _, f := range d.files {
			f.missing = false // what comes back may come bit by bit
		}
		err = fmt.Errorf("read workflow directory: %w", err)
		return d.catalog([]workflow.Problem{{File: d.root, Message: err.Error()}}), err
	}
	seen, ids := map[string]bool{}, map[string]int{} // how many files have the id
	var changed []candidate
	for _, f := range found.files {
		seen[f.rel] = true
		ids[f.id]++
		known := d.files[f.rel]
		if known == nil {
			known = &loadedFile{id: f.id}
			d.files[f.rel] = known
		}
		known.missing = false
		if known.path = f.path; f.problem != "" || !known.stamp.covers(f.stamp) {
			changed = append(changed, candidate{f, *known})
		}
	}
	for i, version := range d.loadFiles(changed) {
		f := d.files[changed[i].rel]
		if version.gone { // since it was found
			delete(seen, changed[i].rel)
			ids[f.id]--
			continue
		}
		f.take(version, d.now())
		d.left.busy = d.left.busy || !f.busy.IsZero()
	}
	for rel, f := range d.files {
		switch {
		case seen[rel] || found.unread(rel):
		case ids[f.id] > 0 || f.unknown() || m == asked || m == calm && f.missing:
			delete(d.files, rel)
		default:
			f.missing, d.left.missing = true, true
		}
	}
	return d.catalog(found.problems), nil
}

// ready tells whether a look would find more of what the last one left.
func (d *Directory) ready() bool {
	for _, f := range d.files {
		if f.busy.IsZero() {
			continue
		}
		_, _, whole, err := d.readWhole(f.path, *f)
		if whole || err != nil || f.overdue(d.now()) && !f.told {
			return true
		}
	}
	return d.left.gone
}

// take replaces what is known of a file. A version that does not load leaves
// the last good one in force; one that is not whole changes nothing.
func (f *loadedFile) take(v version, now time.Time) {
	f.stamp = v.stamp
	if v.busy {
		f.stamp.settled = false
		if f.busy.IsZero() {
			f.busy = now
		}
		if !f.seen.alike(v.stamp) {
			f.seen, f.seenAt = v.stamp, now
		}
		f.told = f.overdue(now)
		return
	}
	f.busy, f.seen, f.told = time.Time{}, stamp{}, false
	if v.same {
		return
	}
	f.sum, f.errors, f.warnings = v.sum, v.errors, v.warnings
	if v.definition != nil {
		f.good = v.definition
	}
}

// overdue tells that somebody has been writing the file for longer than writing
// one takes.
func (f *loadedFile) overdue(now time.Time) bool {
	return !f.busy.IsZero() && now.Sub(f.busy) > 5*time.Second
}

// unknown tells that there is nothing to say of the file yet.
func (f *loadedFile) unknown() bool { return f.good == nil && len(f.errors) == 0 && !f.told }

// catalog joins the files by their ids. Where two have one, the file that the
// workflow was loaded from stays; if there was none, neither counts.
func (d *Directory) catalog(problems []workflow.Problem) *Catalog {
	byID := map[string][]string{}
	for _, rel := range sortedKeys(d.files) {
		if f := d.files[rel]; !f.unknown() {
			byID[f.id] = append(byID[f.id], rel)
		}
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
			if f.told {
				entry.Problems = append(entry.Problems, workflow.Problem{File: rel, Message: "a program has it open for writing: it is taken when that program closes it"})
			}
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

// defines tells whether the same definitions are in force in both.
func (c *Catalog) defines(other *Catalog) bool {
	return slices.EqualFunc(c.Entries, other.Entries, func(a, b CatalogEntry) bool { return a.ID == b.ID && a.Definition == b.Definition })
}

func sameID(file, other, id string) workflow.Problem {
	return workflow.Problem{File: file, Message: fmt.Sprintf("%s has the id %q too", other, id)}
}
