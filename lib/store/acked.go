package store

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// mark is the last position that one writer has acknowledged. Day is the log
// file that holds it, empty for events.
type mark struct {
	Pos int64
	Day string
}

// acked is the side file beside the database. Each writer has two places in it
// and writes them in turn, each with a checksum and on a page of its own: a
// torn write leaves the other place, which is the mark of the commit before,
// and the commit whose mark was torn had not been acknowledged.
//
// The file is also the lock of the whole history. (app.db itself must not be
// opened beside DuckDB: closing it would give up DuckDB's lock.)
type acked struct {
	file *os.File
	id   string // of the database that it belongs to

	mu    sync.Mutex
	turn  [2]uint64 // counts the writes of each writer
	marks [2]mark
}

const (
	ackedPage   = 4096
	ackedMagic  = "cdktr-acked-1"
	unknownLoss = "the record of what was acknowledged"
)

func ackedPath(db string) string { return db + ".acked" }

// openAcked opens and locks the side file; it makes one where there is none.
// complete tells whether it knew what was acknowledged.
func openAcked(db string) (a *acked, complete bool, err error) {
	path := ackedPath(db)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, false, disk("open side file: %w", err)
	}
	defer func() {
		if err != nil {
			_ = file.Close()
		}
	}()
	header := make([]byte, ackedPage)
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, false, disk("lock %s: %w", path, err)
		}
		locked := &LockedError{Path: db}
		_, _ = file.ReadAt(header, 0)
		_, _ = fmt.Sscanf(string(header), ackedMagic+" pid %d", &locked.PID)
		return nil, false, locked
	}

	a = &acked{file: file}
	known := 0
	for w := range a.marks {
		for place := range uint64(2) {
			page := make([]byte, ackedPage)
			if n, _ := file.ReadAt(page, ackedOffset(writer(w), place)); n < ackedPage {
				continue
			}
			id, turn, m, ok := parseMark(writer(w), page)
			if ok && turn >= a.turn[w] {
				if a.turn[w] == 0 {
					known++
				}
				a.id, a.turn[w], a.marks[w] = id, turn, m
			}
		}
	}
	copy(header, fmt.Sprintf("%s pid %d\nThe last positions of the database beside this file that were acknowledged.\n", ackedMagic, os.Getpid()))
	if _, err := file.WriteAt(header, 0); err != nil {
		return nil, false, disk("write %s: %w", path, err)
	}
	return a, known == len(a.marks), nil
}

// reset makes the file say that of the database id these marks were
// acknowledged.
func (a *acked) reset(id string, marks [2]mark) error {
	a.id = id
	for w, m := range marks {
		// Both places: no older mark may come back if one is torn later.
		for range 2 {
			if err := a.write(writer(w), m); err != nil {
				return err
			}
		}
	}
	return syncDir(filepath.Dir(a.file.Name()))
}

// write makes w's mark durable.
func (a *acked) write(w writer, m mark) error {
	a.mu.Lock()
	a.turn[w]++
	turn := a.turn[w]
	a.marks[w] = m
	a.mu.Unlock()

	page := make([]byte, ackedPage)
	copy(page, formatMark(w, a.id, turn, m))
	if _, err := a.file.WriteAt(page, ackedOffset(w, turn)); err != nil {
		return disk("write %s: %w", a.file.Name(), err)
	}
	if err := a.file.Sync(); err != nil {
		return disk("sync %s: %w", a.file.Name(), err)
	}
	return nil
}

func (a *acked) close() error { return a.file.Close() }

func ackedOffset(w writer, turn uint64) int64 {
	return ackedPage * (1 + 2*int64(w) + int64(turn%2))
}

func formatMark(w writer, id string, turn uint64, m mark) string {
	day := m.Day
	if day == "" {
		day = "-"
	}
	text := fmt.Sprintf("%s %d %s %d %d %s", ackedMagic, w, id, turn, m.Pos, day)
	return fmt.Sprintf("%s %08x\n", text, crc32.ChecksumIEEE([]byte(text)))
}

func parseMark(w writer, page []byte) (id string, turn uint64, m mark, ok bool) {
	line, _, _ := strings.Cut(string(page), "\n")
	var magic string
	var of writer
	var sum uint32
	n, err := fmt.Sscanf(line, "%s %d %s %d %d %s %x", &magic, &of, &id, &turn, &m.Pos, &m.Day, &sum)
	if err != nil || n != 7 || magic != ackedMagic || of != w {
		return "", 0, mark{}, false
	}
	if m.Day == "-" {
		m.Day = ""
	}
	if line+"\n" != formatMark(w, id, turn, m) {
		return "", 0, mark{}, false
	}
	return id, turn, m, true
}

// syncDir makes new names in dir durable.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return disk("sync directory: %w", err)
	}
	err = errors.Join(f.Sync(), f.Close())
	if err != nil {
		return disk("sync directory %s: %w", dir, err)
	}
	return nil
}

func exists(path string) (bool, error) {
	switch _, err := os.Stat(path); {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	default:
		return false, disk("%w", err)
	}
}
