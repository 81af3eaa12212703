//go:build !linux

package principal

import "golang.org/x/sys/unix"

// blockSize is the unit in which a file system counts its room.
func blockSize(s *unix.Statfs_t) int64 { return int64(s.Bsize) }
