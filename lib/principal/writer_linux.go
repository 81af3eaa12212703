package principal

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// beingWritten tells whether any process has the file open to write to it. It
// is not known of files of another user, and on some network file systems.
//
// The kernel gives a read lease only where there is no writer; the lease is
// given back at once.
func beingWritten(file *os.File) (yes, known bool) {
	conn, err := file.SyscallConn()
	if err != nil {
		return false, false
	}
	if e := conn.Control(func(fd uintptr) {
		if _, err = unix.FcntlInt(fd, unix.F_SETLEASE, unix.F_RDLCK); err == nil {
			_, err = unix.FcntlInt(fd, unix.F_SETLEASE, unix.F_UNLCK)
		}
	}); e != nil {
		return false, false
	}
	if errors.Is(err, unix.EAGAIN) {
		return true, true
	}
	return false, err == nil
}
