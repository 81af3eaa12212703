package harness

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Living says whether a process runs; a zombie does not. Where there is no
// /proc, none does.
func Living(pid int) bool {
	state, _ := stat(pid)
	return state != 0
}

// stat reads the state of a process, 0 for one that has ended, and its parent.
func stat(pid int) (state byte, parent int) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0
	}
	// The program's name, in parentheses, may hold anything.
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(f) < 2 || f[0][0] == 'Z' || f[0][0] == 'X' {
		return 0, 0
	}
	parent, _ = strconv.Atoi(string(f[1]))
	return f[0][0], parent
}

// Living are the ids of all processes that work in the installation, however
// they were started: daemons, agents in sessions of their own, watchdogs, tasks
// and their children. With variables, NAME=VALUE, it is those processes only
// that have them all: CDKTR_RUN_ID, CDKTR_TASK and CDKTR_ATTEMPT name a task's.
// Where there is no /proc, none is found.
func (in *Installation) Living(env ...string) []int { return living(in.Dir, in.Data, env...) }

// Watchdogs are the ids of the watchdogs of an agent that lives.
func Watchdogs(agent int) []int {
	return processes(func(pid int, env []string) bool {
		_, parent := stat(pid)
		return parent == agent && len(env) == 0
	})
}

// living knows processes by the environment that they inherited. A watchdog
// has none: it is known by its agent's log, to which it writes.
func living(dir, data string, env ...string) []int {
	marks := append([]string{"CDKTR_APP_DATA_DIRECTORY=" + data}, env...)
	return processes(func(pid int, has []string) bool {
		if len(has) == 0 && len(env) == 0 {
			log, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/2", pid))
			return err == nil && strings.HasPrefix(log, dir+"/")
		}
		return !slices.ContainsFunc(marks, func(mark string) bool { return !slices.Contains(has, mark) })
	})
}

// processes are those that live, other than this one, and are as wanted.
func processes(wanted func(pid int, env []string) bool) (pids []int) {
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return nil
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // ended, or not ours
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil || pid == os.Getpid() {
			continue
		}
		env := strings.FieldsFunc(string(text), func(r rune) bool { return r == 0 })
		if wanted(pid, env) && Living(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}
