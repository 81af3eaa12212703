package principal

import (
	"math"

	"golang.org/x/sys/unix"
)

// freeSpace is how much an ordinary user may still write to the file system of
// a directory.
func freeSpace(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	if s.Blocks == 0 {
		return math.MaxInt64, nil // a file system without a size
	}
	return int64(s.Bavail) * blockSize(&s), nil
}
