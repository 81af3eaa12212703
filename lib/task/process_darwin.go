package task

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ID is a process for good: numbers are given again, a number together with
// its start time is not.
type ID struct {
	PID   int
	Start uint64 // in microseconds since 1970; 0: not known
}

const (
	zombie   = 5          // SZOMB of sys/proc.h
	fionread = 0x4004667f // of sys/filio.h
)

// Identify returns the process that has the number now.
func Identify(pid int) ID {
	k, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return ID{PID: pid}
	}
	return idOf(k)
}

// Alive says whether the process runs still; a zombie does not.
func (id ID) Alive() bool {
	k, err := unix.SysctlKinfoProc("kern.proc.pid", id.PID)
	return err == nil && k.Proc.P_stat != zombie && (id.Start == 0 || idOf(k).Start == id.Start)
}

func idOf(k *unix.KinfoProc) ID {
	t := k.Proc.P_starttime
	return ID{PID: int(k.Proc.P_pid), Start: uint64(t.Sec)*1e6 + uint64(t.Usec)}
}

// awaitExit returns when the process has ended, and leaves it a zombie.
func awaitExit(pid int) {
	queue, err := unix.Kqueue()
	if err == nil {
		defer unix.Close(queue)
		change := []unix.Kevent_t{{Fflags: unix.NOTE_EXIT}}
		unix.SetKevent(&change[0], pid, unix.EVFILT_PROC, unix.EV_ADD|unix.EV_ONESHOT)
		err = unix.EINTR
		for err == unix.EINTR {
			_, err = unix.Kevent(queue, change, make([]unix.Kevent_t, 1), nil)
		}
	}
	for id := Identify(pid); err != nil && id.Alive(); {
		time.Sleep(50 * time.Millisecond)
	}
}

// processes lists the living processes of the machine.
func processes() []living {
	list, err := unix.SysctlKinfoProcSlice("kern.proc.all")
	if err != nil {
		return nil
	}
	var all []living
	for i := range list {
		if list[i].Proc.P_stat != zombie {
			all = append(all, living{idOf(&list[i]), int(list[i].Eproc.Pgid)})
		}
	}
	return all
}

// parent is the number of the process's parent; 0: it has none.
func parent(pid int) int {
	k, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return 0
	}
	return int(k.Eproc.Ppid)
}

// environ is the environment that a process of this user was started with, and
// what stands before it: the program's name and arguments.
func environ(pid int) []byte {
	k, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil || int(k.Eproc.Ucred.Uid) != os.Geteuid() {
		return nil
	}
	b, err := unix.SysctlRaw("kern.procargs2", pid)
	if err != nil {
		return nil
	}
	return b
}

// Uptime is the time since some instant before. It counts sleep, which Go's
// own clock does not.
func Uptime() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // fails for unknown clocks only
	return time.Duration(ts.Nano())
}

// buffered is how many bytes wait in a pipe.
func buffered(fd int) (int, error) { return unix.IoctlGetInt(fd, fionread) }
