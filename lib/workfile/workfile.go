// Package workfile reads a workflow file from the disk, where anything may have
// that name: it never waits for one, and takes no more than a workflow can have.
package workfile

import (
	"errors"
	"io"
	"io/fs"

	"github.com/cdktr/cdktr/lib/plainfile"
	"github.com/cdktr/cdktr/lib/workflow"
)

// Read returns the bytes of a regular file. Of a file that is too large it
// returns a byte more than workflow.Parse takes.
func Read(name string) ([]byte, error) {
	file, err := plainfile.Open(name)
	if kind := (*plainfile.KindError)(nil); errors.As(err, &kind) {
		return nil, kind // who reads it names the file
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, workflow.MaxFile+1))
}

// NotRegular says what is there in place of a file.
func NotRegular(mode fs.FileMode) string { return (&plainfile.KindError{Mode: mode}).Error() }
