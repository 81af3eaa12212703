package task

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// The variables that name an attempt in the environment of its processes.
const (
	runVariable     = "CDKTR_RUN_ID"
	taskVariable    = "CDKTR_TASK"
	attemptVariable = "CDKTR_ATTEMPT"
)

// ErrLivesOn tells that a process did not end when it was killed.
var ErrLivesOn = errors.New("a process lives on after SIGKILL")

// EndEarlier is EndAll for earlier attempts of the task.
func EndEarlier(ctx context.Context, now wire.Attempt) (int, error) {
	return EndAll(ctx, func(a wire.Attempt) bool {
		return a.Run == now.Run && a.Task == now.Task && a.Attempt < now.Attempt
	})
}

// EndAll kills what lives on this machine of the attempts that are meant,
// whoever started them, and returns when that is gone: how many processes it
// has found. When ctx ends first, the error is ErrLivesOn.
func EndAll(ctx context.Context, meant func(wire.Attempt) bool) (int, error) {
	ended := map[ID]bool{}
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		left := KillOf(meant)
		if len(left) == 0 {
			return len(ended), nil
		}
		for _, id := range left {
			ended[id] = true
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return len(ended), ErrLivesOn
		}
	}
}

// KillOf sends SIGKILL to the processes of this user whose environment names an
// attempt that is meant, and to their groups. It returns those that lived. The
// caller and its ancestors are spared: an agent may run inside a task.
func KillOf(meant func(wire.Attempt) bool) (lived []ID) {
	spared := ancestors(os.Getpid())
	own := map[int]bool{} // groups that hold one who is spared
	all := processes()
	for _, p := range all {
		if spared[p.PID] {
			own[p.group] = true
		}
	}
	for _, p := range all {
		if p.PID <= 1 || spared[p.PID] {
			continue
		}
		a, ok := attemptIn(environ(p.PID))
		if !ok || !meant(a) {
			continue
		}
		lived = append(lived, p.ID)
		if p.group > 1 && !own[p.group] {
			_ = syscall.Kill(-p.group, syscall.SIGKILL)
		}
		_ = syscall.Kill(p.PID, syscall.SIGKILL)
	}
	return lived
}

// ancestors are the process, its parent, and so on.
func ancestors(pid int) map[int]bool {
	all := map[int]bool{}
	for pid > 0 && !all[pid] {
		all[pid] = true
		pid = parent(pid)
	}
	return all
}

// attemptIn reads which attempt an environment names: variables that end with
// a NUL byte each.
func attemptIn(env []byte) (a wire.Attempt, ok bool) {
	for entry := range bytes.SplitSeq(env, []byte{0}) {
		name, value, _ := bytes.Cut(entry, []byte("="))
		switch string(name) {
		case runVariable:
			a.Run = string(value)
		case taskVariable:
			a.Task = string(value)
		case attemptVariable:
			a.Attempt, _ = strconv.Atoi(string(value))
		}
	}
	return a, a.Run != "" && a.Task != "" && a.Attempt > 0
}

// attemptOf is the attempt that a task's variables name, or none.
func attemptOf(env map[string]string) wire.Attempt {
	var text []byte
	for name, value := range env {
		text = append(text, name+"="+value+"\x00"...)
	}
	if a, ok := attemptIn(text); ok {
		return a
	}
	return wire.Attempt{}
}
