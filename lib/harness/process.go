package harness

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Process is a daemon that a test started, in a process group of its own.
type Process struct {
	Name   string
	cmd    *exec.Cmd
	log    string // a file, so that no pipe ties us to the daemon's children
	exited chan struct{}
}

func start(name, dir, log string, env []string, path string, args ...string) (*Process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Env = dir, env
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	fmt.Fprintf(out, "$ %s %s\n", filepath.Base(path), strings.Join(args, " "))
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &Process{Name: name, cmd: cmd, log: log, exited: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // the state says it all
		close(p.exited)
	}()
	return p, nil
}

// PID is the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Exited is closed when the process has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Code is the exit code of a process that has ended, 128+n for signal n.
func (p *Process) Code() int { return exitCode(p.cmd.ProcessState) }

func exitCode(s *os.ProcessState) int {
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 128 + int(w.Signal())
	}
	return s.ExitCode()
}

// Said is what the process wrote so far, on both streams.
func (p *Process) Said() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// Signal sends a signal to the process alone.
func (p *Process) Signal(sig syscall.Signal) error {
	err := p.cmd.Process.Signal(sig)
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// dump ends the process with SIGQUIT, which has it say what it was doing.
func (p *Process) dump() {
	_ = p.Signal(syscall.SIGQUIT)
	select {
	case <-p.exited:
	case <-time.After(time.Second):
	}
}

// Kill ends the process with SIGKILL and waits for its end. Its children live.
func (p *Process) Kill() error {
	if err := p.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.exited
	return nil
}

// Stop sends SIGTERM, waits and returns the exit code.
func (p *Process) Stop() (int, error) {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	select {
	case <-p.exited:
		return p.Code(), nil
	case <-time.After(Patience):
		return 0, fmt.Errorf("%s does not stop, %v after SIGTERM", p.Name, Patience)
	}
}
