package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"

	"github.com/cdktr/cdktr/lib/wire"
)

// shelf is the directory with the files of all spools, and what they know
// together: how much they hold, and whether the principal takes lines.
type shelf struct {
	dir     string
	bounds  bounds
	log     *slog.Logger
	buffers sync.Pool // of *[]byte: what puts encode into

	mu      sync.Mutex
	full    bool       // the last write failed: the log has been told
	number  int        // of the newest file
	spares  []*os.File // empty, to be used again
	present presence
	holds   map[*spool]holding
	held    holding       // by all
	changed chan struct{} // nil: nobody waits
}

func newShelf(dir string, b bounds, log *slog.Logger) *shelf {
	return &shelf{
		dir: dir, bounds: b, log: log, holds: map[*spool]holding{},
		buffers: sync.Pool{New: func() any { return new([]byte) }},
	}
}

// wrote tells the log when the disk begins to refuse lines, and when it ends.
func (f *shelf) wrote(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err != nil && !f.full:
		f.log.Error("lines cannot be written to disk; they stay in memory, where a crash of the agent loses them, and beyond a bound tasks wait, or lines are given up while the principal is away", "error", err)
	case err == nil && f.full:
		f.log.Info("lines are written to disk again")
	}
	f.full = err != nil
}

// segment is one file of a spool, or what would be one if the disk took it.
// Its bytes have places: their numbers in the spool as a whole.
type segment struct {
	path   string
	number int      // among those of its spool
	file   *os.File // nil: not open, or in memory
	own    bool     // made by this incarnation, and open for writing
	memory []byte   // not nil: in memory
	spoilt bool     // the file cannot be written, or not be read to its end: no more goes there
	failed int      // reads, one after the other, that failed
	base   int64    // the place of its first byte
	size   int64    // of the records

	has     tally // the lines in it
	counted bool  // of an earlier incarnation: has is known
	missing tally // the lines behind it that were given up
}

func (g *segment) end() int64 { return g.base + g.size }

// create begins a file with b, in one write.
func (f *shelf) create(h heading, b []byte) (*segment, error) {
	text, err := appendHeading(nil, h)
	if err != nil {
		return nil, err
	}
	file, err := f.blank()
	if err != nil {
		return nil, err
	}
	g := &segment{path: file.Name(), number: h.Number, file: file, own: true, size: int64(len(text) + len(b))}
	if _, err := file.WriteAt(slices.Concat(make([]byte, slotSize), text, b), 0); err != nil {
		g.remove()
		return nil, err
	}
	return g, nil
}

const spoolSuffix = ".spool"

// read returns up to n bytes from a place on: fewer where the file was cut, or
// with an error, which means that it may work later.
func (g *segment) read(place int64, n int) ([]byte, error) {
	at := place - g.base
	if g.memory != nil {
		return g.memory[at:min(at+int64(n), g.size)], nil
	}
	if g.file == nil {
		file, err := os.Open(g.path)
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		g.file = file
	}
	b := make([]byte, n)
	got, err := g.file.ReadAt(b, slotSize+at)
	if err == io.EOF {
		err = nil
	}
	return b[:got], err
}

func (g *segment) close() {
	if g.file != nil {
		_ = g.file.Close()
		g.file = nil
	}
}

// remove is for what was acknowledged. A file that stays is sent once more by
// the agent's next start, and dropped by the principal.
func (g *segment) remove() {
	g.close()
	if g.path != "" {
		_ = os.Remove(g.path)
	}
}

// left returns the spools of earlier incarnations. A file that does not say
// whose lines it has is put aside.
func (f *shelf) left(wake func()) (map[wire.Attempt]*spool, error) {
	files, err := list(f.dir, "", spoolSuffix)
	if err != nil {
		return nil, err
	}
	all := map[wire.Attempt]*spool{}
	for _, path := range files {
		g := &segment{path: path}
		h, err := g.heading()
		if err == errShort && g.size == 0 {
			g.remove() // a spare, or as good as one
			continue
		}
		if err == errShort {
			// The agent died with the file's first write.
			f.log.Warn("a file with lines of a task was only begun; it is removed", "file", path, "bytes", g.size)
			g.remove()
			continue
		}
		if err != nil {
			f.log.Error("a file with lines of a task cannot be read; it is put aside", "file", path, "error", err)
			if err := os.Rename(path, path+badSuffix); err != nil {
				return nil, err
			}
			continue
		}
		s := all[h.Attempt]
		if s == nil {
			s = newSpool(f, h.Workflow, h.Attempt, wake)
			s.urgent = true
			all[h.Attempt] = s
		}
		if g.missing, err = g.told(); err != nil {
			f.log.Warn("a gap will stand for lines that were given up, with the number of the lines alone", "file", path, "error", err)
		}
		g.number = h.Number
		s.segments = append(s.segments, g)
	}
	for _, s := range all {
		slices.SortStableFunc(s.segments, func(x, y *segment) int { return x.number - y.number })
		for _, g := range s.segments {
			g.base = s.end
			s.end = g.end()
			if !g.missing.none() {
				s.end++
			}
		}
		if len(s.segments) > 0 { // some of these the principal may have
			s.tried = s.segments[0].end() + mostSpread
		}
		s.account()
	}
	return all, nil
}

// heading reads whose lines a file of an earlier incarnation has, and how long
// the file is. It leaves the file closed: there may be many.
func (g *segment) heading() (h heading, err error) {
	defer g.close()
	info, err := os.Stat(g.path)
	if err != nil {
		return h, err
	}
	if g.size = max(0, info.Size()-slotSize); g.size == 0 {
		return h, errShort
	}
	for n := 4 << 10; ; {
		b, err := g.read(0, n)
		if err != nil {
			return h, err
		}
		e, size, err := readRecord(b)
		if err == errShort && len(b) == n && size > n {
			n = size
			continue
		}
		if err == nil && e.stream != "" {
			err = errTorn
		}
		if err == nil {
			err = json.Unmarshal(e.payload, &h)
		}
		if err == nil && h.Format != spoolFormat {
			err = fmt.Errorf("it has format %d, this is format %d", h.Format, spoolFormat)
		}
		return h, err
	}
}
