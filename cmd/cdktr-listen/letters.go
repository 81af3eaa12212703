package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// letters is the file of the lines that were refused.
type letters struct{ file *os.File }

// openLetters opens the file to append to. It may hold what others may not
// see, so a new one is its owner's alone.
func openLetters(path string) (*letters, error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	defer dir.Close()
	if err := errors.Join(sync(dir), reserve(f)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &letters{f}, nil
}

// reserve finds out whether there is room to write, before it is needed. It
// changes nothing that the file holds.
func reserve(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Mode().IsRegular() {
		return allocate(f, info.Size())
	}
	_, err = f.Write(nil) // a full device says so even to this
	return err
}

// append returns when the lines are on disk.
func (l *letters) append(lines []byte) error {
	if _, err := l.file.Write(lines); err != nil {
		return err
	}
	return sync(l.file)
}

func (l *letters) close() { _ = l.file.Close() } // all that was written is on disk

// sync is fsync where there is a disk behind the file: not for a pipe.
func sync(f *os.File) error {
	err := f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	return err
}
