package agent

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/cdktr/cdktr/lib/task"
	"github.com/cdktr/cdktr/lib/wire"
)

// watchdogWord is the argument that makes a process a watchdog.
const watchdogWord = "watchdog-of-an-agent"

// IsWatchdog says that the process was started to be an agent's watchdog.
func IsWatchdog(args []string) bool { return len(args) == 2 && args[1] == watchdogWord }

// Watch is the whole of a watchdog process. It ends when notes do: then the
// agent is gone, and Watch returns when none of the agent's tasks lives.
func Watch(notes io.Reader, verdicts io.Writer, log io.Writer) {
	// What ends the agent must not end what cleans up after it.
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGPIPE, syscall.SIGTSTP)
	_ = os.WriteFile("/proc/self/comm", []byte("cdktr-watchdog"), 0) // for ps; only Linux has it

	// Whoever reads the log may have stopped to: nothing waits for that.
	words, written := make(chan string, 64), make(chan struct{})
	go func() {
		defer close(written)
		for text := range words {
			_, _ = io.WriteString(log, text)
		}
	}()
	say := func(format string, args ...any) {
		select {
		case words <- fmt.Sprintf("watchdog: "+format+"\n", args...):
		default:
		}
	}
	w := &watch{verdicts: verdicts, say: say, kill: killTasks, tasks: map[wire.Attempt]*watched{}}
	w.run(notes)
	close(words)
	select {
	case <-written:
	case <-time.After(time.Second):
	}
}

// watch knows what its agent runs. One goroutine owns it.
type watch struct {
	verdicts io.Writer
	say      func(format string, args ...any)
	kill     func(map[wire.Attempt]*watched) (lived int)
	tasks    map[wire.Attempt]*watched
	contact  contact
}

// watched is an attempt from before its start until its end.
type watched struct {
	exclusive bool
	process   task.ID // no start time: not known yet

	doubtful bool // of the agent's side: a watchdog that knew it has died

	// Of the watchdog's side.
	killed bool
	silent time.Duration
	clear  bool // was killed, and nothing of it lives
}

func (w *watch) run(notes io.Reader) {
	w.answer(verdict{})
	lines := make(chan []byte)
	go readNotes(notes, lines, w.say) // its last act ends follow
	w.follow(lines)
	w.endAll()
}

func (w *watch) answer(v verdict) { _, _ = w.verdicts.Write(encodeNote(v)) }

// readNotes hands out the lines until the reader ends. One that is too long is
// left out.
func readNotes(r io.Reader, lines chan<- []byte, say func(string, ...any)) {
	defer close(lines)
	in := bufio.NewReaderSize(r, maxNote)
	for long := false; ; {
		line, err := in.ReadSlice('\n')
		switch {
		case err == bufio.ErrBufferFull:
			if !long {
				say("a note has more than %d bytes; it is left out", maxNote)
			}
			long = true
		case err != nil:
			return // a part of a line is of no use
		case long:
			long = false
		default:
			lines <- append([]byte(nil), line...)
		}
	}
}

// follow takes the notes to their end, and meanwhile looks at the clock: often,
// because a timer of its own would sleep with the machine.
func (w *watch) follow(lines <-chan []byte) {
	for {
		var tick <-chan time.Time
		if w.contact.Limit > 0 && w.hasExclusive() {
			tick = time.After(min(max(w.contact.Limit/10, 10*time.Millisecond), 250*time.Millisecond))
		}
		select {
		case line, ok := <-lines:
			if !ok {
				return
			}
			n, err := decodeNote(line)
			if err != nil {
				w.say("%v", err)
				continue
			}
			w.take(n)
		case <-tick:
		}
		w.enforce()
	}
}

func (w *watch) hasExclusive() bool {
	for _, t := range w.tasks {
		if t.exclusive && !t.clear {
			return true
		}
	}
	return false
}

func (w *watch) take(n note) {
	t := w.tasks[n.Attempt]
	switch {
	case n.Kind == noteHeard:
		w.contact = n.contact
	case n.Kind == noteBegin && t == nil:
		w.tasks[n.Attempt] = &watched{exclusive: n.Exclusive}
	case n.Kind == noteAsk:
		w.enforce() // what is overdue now must not be called alive
		v := verdict{Attempt: n.Attempt}
		if t != nil {
			v.Killed, v.Silent = t.killed, t.silent
		}
		w.answer(v)
	case t == nil:
		w.say("%s: attempt %d of task %s in run %s is not known", n.Kind, n.Attempt.Attempt, n.Task, n.Run)
	case n.Kind == noteRuns:
		t.process, t.clear = n.Process, false
	case n.Kind == noteEnd:
		delete(w.tasks, n.Attempt)
	}
}

// enforce kills the exclusive tasks when the principal has been silent for too
// long, and again what is left of them at every look.
func (w *watch) enforce() {
	now := task.Uptime()
	overdue := w.contact.overdue(now)
	kill := map[wire.Attempt]*watched{}
	for id, t := range w.tasks {
		if t.exclusive && overdue && !t.killed {
			t.killed, t.silent = true, now-w.contact.Sent
			w.say("no answer from the principal for %s: ending task %s of run %s, which is exclusive", t.silent, id.Task, id.Run)
		}
		if t.killed && !t.clear {
			kill[id] = t
		}
	}
	if len(kill) == 0 || w.kill(kill) > 0 {
		return
	}
	for _, t := range kill {
		t.clear = t.process.Start != 0
	}
}

// killTasks kills the groups of the tasks, and returns how many of them lived.
// A task without a process is known by its environment.
func killTasks(tasks map[wire.Attempt]*watched) (lived int) {
	var groups []task.ID
	unknown := map[wire.Attempt]bool{}
	for id, t := range tasks {
		if t.process.Start != 0 {
			groups = append(groups, t.process)
		} else {
			unknown[id] = true
		}
	}
	if len(groups) > 0 {
		lived = task.KillGroups(groups)
	}
	if len(unknown) > 0 {
		lived += len(task.KillOf(func(a wire.Attempt) bool { return unknown[a] }))
	}
	return lived
}

// settle is for how long after the agent's death a task without a known process
// is looked for. The pipe ends only when no process holds its other end, so the
// last fork of the agent is past its exec, but perhaps has no environment yet.
const settle = 300 * time.Millisecond

// endAll kills all tasks, and returns when none of them lives.
func (w *watch) endAll() {
	if len(w.tasks) == 0 {
		return
	}
	w.say("the agent is gone: ending what it left running (%d tasks)", len(w.tasks))
	begun := time.Now()
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		if w.kill(w.tasks) == 0 && (w.allKnown() || time.Since(begun) > settle) {
			return
		}
		time.Sleep(pause)
	}
}

func (w *watch) allKnown() bool {
	for _, t := range w.tasks {
		if t.process.Start == 0 {
			return false
		}
	}
	return true
}
