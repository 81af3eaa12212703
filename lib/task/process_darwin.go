package task

import (
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

// identify returns the process that has the number now.
func identify(pid int) ID {
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
	for id := identify(pid); err != nil && id.Alive(); {
		time.Sleep(50 * time.Millisecond)
	}
}

// members lists the living processes of a group whose leader has been reaped.
// A process with the group's own number is a stranger, and so is its group.
func members(group int) []ID {
	list, err := unix.SysctlKinfoProcSlice("kern.proc.pgrp", group)
	if err != nil {
		return nil
	}
	var found []ID
	for i := range list {
		id := idOf(&list[i])
		if list[i].Proc.P_stat == zombie {
			continue
		}
		if id.PID == group {
			return nil
		}
		found = append(found, id)
	}
	return found
}

// buffered is how many bytes wait in a pipe.
func buffered(fd int) (int, error) { return unix.IoctlGetInt(fd, fionread) }
