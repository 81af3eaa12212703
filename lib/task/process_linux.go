package task

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// ID is a process for good: numbers are given again, a number together with
// its start time is not.
type ID struct {
	PID   int
	Start uint64 // in clock ticks since boot; 0: not known
}

// identify returns the process that has the number now.
func identify(pid int) ID {
	s, _ := readStat(pid)
	return ID{PID: pid, Start: s.start}
}

// Alive says whether the process runs still; a zombie does not.
func (id ID) Alive() bool {
	s, err := readStat(id.PID)
	return err == nil && s.living() && (id.Start == 0 || s.start == id.Start)
}

// awaitExit returns when the process has ended, and leaves it a zombie.
func awaitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return
		}
	}
}

// members lists the living processes of a group whose leader has been reaped.
// A process with the group's own number is a stranger, and so is its group.
func members(group int) []ID {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	var found []ID
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		s, err := readStat(pid)
		if err != nil || s.group != group || !s.living() {
			continue
		}
		if pid == group {
			return nil
		}
		found = append(found, ID{PID: pid, Start: s.start})
	}
	return found
}

type stat struct {
	state byte
	group int
	start uint64
}

func (s stat) living() bool { return s.state != 'Z' && s.state != 'X' }

func readStat(pid int) (stat, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	return parseStat(b)
}

// parseStat reads a line of /proc/PID/stat. The second field is the program's
// name in parentheses and may hold anything, parentheses and spaces too: so
// the fields are counted from the last one.
func parseStat(b []byte) (stat, error) {
	const state, group, start = 0, 2, 19 // fields 3, 5 and 22 of proc(5)
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(f) <= start {
		return stat{}, fmt.Errorf("process status %q is too short", b)
	}
	g, err := strconv.Atoi(string(f[group]))
	if err != nil {
		return stat{}, fmt.Errorf("process group: %w", err)
	}
	t, err := strconv.ParseUint(string(f[start]), 10, 64)
	if err != nil {
		return stat{}, fmt.Errorf("process start time: %w", err)
	}
	return stat{state: f[state][0], group: g, start: t}, nil
}

// buffered is how many bytes wait in a pipe.
func buffered(fd int) (int, error) { return unix.IoctlGetInt(fd, unix.TIOCINQ) }
