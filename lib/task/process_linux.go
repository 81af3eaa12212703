package task

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ID is a process for good: numbers are given again, a number together with
// its start time is not.
type ID struct {
	PID   int
	Start uint64 // in clock ticks since boot; 0: not known
}

// Identify returns the process that has the number now.
func Identify(pid int) ID {
	s, _ := readStat(pid)
	return ID{PID: pid, Start: s.start}
}

// Uptime is the time since the machine was started. It counts suspend, which
// Go's own clock does not.
func Uptime() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) // fails for unknown clocks only
	return time.Duration(ts.Nano())
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

// processes lists the living processes of the machine.
func processes() []living {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	var all []living
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if s, err := readStat(pid); err == nil && s.living() {
			all = append(all, living{ID{PID: pid, Start: s.start}, s.group})
		}
	}
	return all
}

// parent is the number of the process's parent; 0: it has none.
func parent(pid int) int {
	s, _ := readStat(pid)
	return s.parent
}

// environ is the environment that a process of this user was started with.
func environ(pid int) []byte {
	f, err := os.Open(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil
	}
	if s, ok := info.Sys().(*syscall.Stat_t); !ok || int(s.Uid) != os.Geteuid() {
		return nil
	}
	b, _ := io.ReadAll(f)
	return b
}

type stat struct {
	state  byte
	parent int
	group  int
	start  uint64
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
	const state, parent, group, start = 0, 1, 2, 19 // fields 3, 4, 5 and 22 of proc(5)
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(f) <= start {
		return stat{}, fmt.Errorf("process status %q is too short", b)
	}
	p, err := strconv.Atoi(string(f[parent]))
	if err != nil {
		return stat{}, fmt.Errorf("process parent: %w", err)
	}
	g, err := strconv.Atoi(string(f[group]))
	if err != nil {
		return stat{}, fmt.Errorf("process group: %w", err)
	}
	t, err := strconv.ParseUint(string(f[start]), 10, 64)
	if err != nil {
		return stat{}, fmt.Errorf("process start time: %w", err)
	}
	return stat{state: f[state][0], parent: p, group: g, start: t}, nil
}

// buffered is how many bytes wait in a pipe.
func buffered(fd int) (int, error) { return unix.IoctlGetInt(fd, unix.TIOCINQ) }
