package principal

import (
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/cdktr/cdktr/lib/plainfile"
	"github.com/cdktr/cdktr/lib/workfile"
	"github.com/cdktr/cdktr/lib/workflow"
)

// version is what reading a file once gave.
type version struct {
	definition *workflow.Definition
	errors     []workflow.Problem
	warnings   []workflow.Problem
	stamp      stamp
	sum        sum  // of the file's bytes; zero: they could not be read
	same       bool // the bytes are those that were parsed before
	busy       bool // somebody writes the file: nothing else here counts
	gone       bool // it is there no longer: the same
}

type sum [sha256.Size]byte

// candidate is a file that may have changed, with what is known of it.
type candidate struct {
	foundFile
	known loadedFile
}

// loadFiles reads and parses the files, as many at once as there are cores,
// and returns when all are done.
func (d *Directory) loadFiles(files []candidate) []version {
	versions := make([]version, len(files))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		workers.Go(func() {
			for i := range next {
				versions[i] = d.loadWhole(files[i])
			}
		})
	}
	for i := range files {
		next <- i
	}
	close(next)
	workers.Wait()
	return versions
}

// loadWhole reads a file that may be written at this moment, and parses it when
// it is whole and not what was parsed before.
func (d *Directory) loadWhole(f candidate) version {
	if f.problem != "" {
		return version{errors: []workflow.Problem{{File: f.rel, Message: f.problem}}}
	}
	text, now, whole, err := d.readWhole(f.path, f.known)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return version{gone: true}
	case err != nil:
		return version{errors: []workflow.Problem{{File: f.rel, Message: reason(err)}}}
	case !whole:
		return version{busy: true, stamp: now}
	}
	v := version{sum: sha256.Sum256(text), stamp: now}
	if v.sum == f.known.sum {
		v.same = true
		return v
	}
	v.definition, v.errors, v.warnings = workflow.Parse(f.id, f.rel, text)
	return v
}

// unheard is how long a file that somebody may still write to has to stay as it
// is, where the system does not tell who writes.
const unheard = 200 * time.Millisecond

// readWhole reads a file and tells whether that was all of it: it did not
// change meanwhile, and nobody has it open to write more.
func (d *Directory) readWhole(name string, known loadedFile) (text []byte, after stamp, whole bool, err error) {
	file, err := plainfile.Open(name)
	if err != nil {
		return nil, stamp{}, false, err
	}
	defer file.Close()
	read := d.now()
	before, err := statStamp(file)
	if err != nil {
		return nil, stamp{}, false, err
	}
	if text, err = io.ReadAll(io.LimitReader(file, workflow.MaxFile+1)); err != nil {
		return nil, stamp{}, false, err
	}
	// In this order: who opens it after this look leaves a change behind.
	written, told := d.beingWritten(file)
	if after, err = statStamp(file); err != nil {
		return nil, stamp{}, false, err
	}
	after = after.readAt(read)
	whole = !written && after.alike(before)
	if !told && !after.settled {
		whole = whole && known.seen.alike(after) && read.Sub(known.seenAt) >= unheard
	}
	return text, after, whole, nil
}

func statStamp(file *os.File) (stamp, error) {
	info, err := file.Stat()
	if err != nil {
		return stamp{}, err
	}
	return stampOf(info), nil
}

func stampOf(info os.FileInfo) stamp {
	s := stamp{size: info.Size(), modified: info.ModTime()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode = uint64(sys.Ino)
	}
	return s
}

// loadFile reads and parses one file as it is now, which messages call shown.
func loadFile(f foundFile, shown string) version {
	problem := f.problem
	if problem == "" {
		data, err := workfile.Read(f.path)
		if err == nil {
			var v version
			v.definition, v.errors, v.warnings = workflow.Parse(f.id, shown, data)
			return v
		}
		problem = reason(err)
	}
	return version{errors: []workflow.Problem{{File: shown, Message: problem}}}
}
