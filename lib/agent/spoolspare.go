package agent

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Making a file and removing it costs more than all else that a spool does for
// a short task. So a few of those that are done with are kept, empty, for the
// next spools: a file's name tells nothing of what is in it. A spare that an
// agent's death leaves behind is cleared by its next start.

// mostSpares is for about as many tasks as end at a time.
const mostSpares = 16

// blank returns an empty file: a spare, or a new one.
func (f *shelf) blank() (*os.File, error) {
	f.mu.Lock()
	if last := len(f.spares) - 1; last >= 0 {
		defer f.mu.Unlock()
		file := f.spares[last]
		f.spares = f.spares[:last]
		return file, nil
	}
	f.mu.Unlock()
	for {
		f.mu.Lock()
		f.number++
		path := filepath.Join(f.dir, fmt.Sprintf("%08d%s", f.number, spoolSuffix))
		f.mu.Unlock()
		file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		if errors.Is(err, os.ErrExist) {
			continue // of an earlier incarnation
		}
		return file, err
	}
}

// retire is for a segment of which all is acknowledged, and to which nobody
// writes any more: a late write would end in the lines of another task.
func (f *shelf) retire(g *segment) {
	if g.own && g.file != nil && !g.spoilt && g.file.Truncate(0) == nil && f.spare(g.file) {
		g.file = nil
		return
	}
	g.remove()
}

// spare keeps an empty file for later, unless there are enough.
func (f *shelf) spare(file *os.File) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.spares) == mostSpares {
		return false
	}
	f.spares = append(f.spares, file)
	return true
}

// close removes the spares.
func (f *shelf) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, file := range f.spares {
		g := segment{path: file.Name(), file: file}
		g.remove()
	}
	f.spares = nil
}
