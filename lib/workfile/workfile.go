// Package workfile reads a workflow file from the disk, where anything may have
// that name: it never waits for one, and takes no more than a workflow can have.
package workfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/cdktr/cdktr/lib/workflow"
)

// Read returns the bytes of a regular file. It may become anything between one
// look and the next: so opening it does not wait, and what was opened is looked
// at again. Of a file that is too large it returns a byte more than
// workflow.Parse takes.
func Read(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	// Opening a device may do something already.
	if !info.Mode().IsRegular() {
		return nil, errors.New(NotRegular(info.Mode()))
	}
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err = file.Stat(); err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New(NotRegular(info.Mode()))
	}
	return io.ReadAll(io.LimitReader(file, workflow.MaxFile+1))
}

// NotRegular says what is there in place of a file.
func NotRegular(mode fs.FileMode) string {
	what := "a device"
	switch {
	case mode.IsDir():
		what = "a directory"
	case mode&fs.ModeNamedPipe != 0:
		what = "a named pipe"
	case mode&fs.ModeSocket != 0:
		what = "a socket"
	}
	return "this is " + what + ", not a file"
}
