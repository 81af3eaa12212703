// Package plainfile opens files under names where anything may be: a named
// pipe that nobody writes to, a device without an end, a directory. It never
// waits for one, and tells in words what it is. It knows nothing of contents.
package plainfile

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// KindError tells that something else is there in place of a file.
type KindError struct{ Mode fs.FileMode }

func (e *KindError) Error() string {
	what := "a device"
	switch {
	case e.Mode.IsDir():
		what = "a directory"
	case e.Mode&fs.ModeNamedPipe != 0:
		what = "a named pipe"
	case e.Mode&fs.ModeSocket != 0:
		what = "a socket"
	}
	return "this is " + what + ", not a file"
}

// Open opens a regular file for reading; anything else is a *KindError, wrapped
// with its name as all errors here. It may
// become anything between one look and the next: so opening it does not wait,
// and what was opened is looked at again.
func Open(name string) (*os.File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	// Opening a device may do something already.
	if !info.Mode().IsRegular() {
		return nil, notFile(name, info)
	}
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err = file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = notFile(name, info)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

func notFile(name string, info fs.FileInfo) error {
	return &fs.PathError{Op: "open", Path: name, Err: &KindError{info.Mode()}}
}

// Read returns what is in a regular file of at most so many bytes.
func Read(name string, most int64) ([]byte, error) {
	file, err := Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return ReadFrom(file, most)
}

// ReadFrom is Read of a file that is open.
func ReadFrom(file *os.File, most int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(text)) > most {
		return nil, fmt.Errorf("%s has more than %d bytes", file.Name(), most)
	}
	return text, err
}
