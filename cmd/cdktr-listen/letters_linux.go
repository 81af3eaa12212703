package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// allocate takes a block of the disk behind the end of a file.
func allocate(f *os.File, end int64) error {
	const block = 4096
	var err error = unix.EINTR
	for errors.Is(err, unix.EINTR) {
		err = unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, end, block)
	}
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return nil // not every file system can
	}
	if err != nil {
		return fmt.Errorf("reserve room in %s: %w", f.Name(), err)
	}
	return nil
}
