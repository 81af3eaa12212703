package agent

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// How long a watchdog may take to show itself, and later on to take a note or
// to answer. One that takes longer is replaced.
const (
	showTime   = 15 * time.Second
	answerTime = 5 * time.Second
)

// guard is one watchdog process, seen from the agent.
type guard struct {
	cmd      *exec.Cmd
	notes    *os.File
	verdicts *os.File
	lines    *bufio.Reader // of verdicts

	asked map[wire.Attempt][]chan verdict // oldest first; belongs to the watchdog's lock
}

// newGuard starts a process, which can be told everything at once: the pipe
// keeps it. It is the agent's own program, in a session of its own, so that no terminal reaches it.
func newGuard(log *os.File) (*guard, error) {
	theirNotes, notes, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	verdicts, theirVerdicts, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, theirNotes.Close(), notes.Close())
	}

	g := &guard{
		notes: notes, verdicts: verdicts, lines: bufio.NewReaderSize(verdicts, maxNote),
		asked: map[wire.Attempt][]chan verdict{},
	}
	g.cmd = &exec.Cmd{
		Args:  []string{os.Args[0], watchdogWord},
		Env:   []string{}, // the agent may run inside a task; its watchdog is no part of that
		Dir:   "/",
		Stdin: theirNotes, Stdout: theirVerdicts, Stderr: log,
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	if g.cmd.Path, err = ownProgram(); err == nil {
		err = g.cmd.Start()
	}
	// The ends of a pipe that only the process holds tell when it dies.
	theirNotes.Close()
	theirVerdicts.Close()
	if err != nil {
		return nil, errors.Join(err, notes.Close(), verdicts.Close())
	}
	return g, nil
}

// shown waits until the process shows itself. One that does not is ended.
func (g *guard) shown() error {
	_ = g.verdicts.SetReadDeadline(time.Now().Add(showTime))
	if _, err := g.read(); err != nil {
		return fmt.Errorf("it does not show itself: %w", errors.Join(err, g.end()))
	}
	_ = g.verdicts.SetReadDeadline(time.Time{})
	return nil
}

// ownProgram is the file that this process runs, also where an update has put
// another one in its place.
func ownProgram() (string, error) {
	const self = "/proc/self/exe"
	if _, err := os.Stat(self); err == nil {
		return self, nil
	}
	exe, err := os.Executable()
	if err != nil {
		return "", err
	}
	return filepath.Abs(exe)
}

func (g *guard) read() (v verdict, err error) {
	line, err := g.lines.ReadSlice('\n')
	if err != nil {
		return v, err
	}
	return v, decodeStrictly(line, &v)
}

func (g *guard) write(n note) error {
	_ = g.notes.SetWriteDeadline(time.Now().Add(answerTime))
	_, err := g.notes.Write(encodeNote(n))
	return err
}

func (g *guard) kill() { _ = g.cmd.Process.Kill() }

// end makes sure that the process is gone, and says how it ended.
func (g *guard) end() error {
	g.kill()
	err := g.cmd.Wait()
	g.notes.Close()
	g.verdicts.Close()
	return err
}
