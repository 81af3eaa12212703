package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cdktr/cdktr/lib/agent"
	"github.com/cdktr/cdktr/lib/cli"
)

// companion is the agent beside the principal: a child process in a session of
// its own, so that a crash of one is not a crash of the other.
type companion struct {
	cancel context.CancelFunc
	ended  chan struct{}
}

// The grace of the agent's tasks, and when the agent itself is killed: it needs
// a second beyond the grace to kill tasks that do not want to end, and to say
// so. Together with the principal's own end that stays below five seconds.
const (
	companionGrace = 3 * time.Second
	companionKill  = companionGrace + 1600*time.Millisecond
)

func startCompanion(env cli.Env, log *slog.Logger) *companion {
	ctx, cancel := context.WithCancel(context.Background())
	c := &companion{cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		if err := turnLog(agentsDir(env)); err != nil {
			log.Warn("the agent's log grows on", "error", err)
		}
		for wait := time.Second; ; wait = min(2*wait, time.Minute) {
			begun := time.Now()
			code, err := runAgent(ctx, env)
			if code == agent.ExitBeside {
				log.Info("the agent of the principal before this one goes on")
				err = agent.Adopt(ctx, agentsDir(env), companionKill)
				if errors.Is(err, agent.ErrDrained) {
					code = agent.ExitDrained
				} else if err == nil {
					err = errEnded // how, nobody can tell who is not its parent
				}
			}
			switch {
			case ctx.Err() != nil:
				return
			case code == agent.ExitDrained:
				log.Info("the agent was drained; it is not started again")
				return
			}
			if time.Since(begun) > time.Minute {
				wait = time.Second
			}
			log.Error("the agent ended; it is started again", "error", err, "in", wait.String())
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return
			}
		}
	}()
	return c
}

// stop ends the agent and waits for it.
func (c *companion) stop() {
	if c == nil {
		return
	}
	c.cancel()
	<-c.ended
}

// errEnded is the end of an agent that gave no other reason.
var errEnded = errors.New("it has ended")

func agentsDir(env cli.Env) string {
	return filepath.Join(env.Settings.Text(cli.DataDir), "agents")
}

const (
	logFile  = "beside.log"
	logLimit = 8 << 20 // bytes, above which the next principal begins a new one
)

// turnLog puts a large log of the agent aside; the one before it goes.
func turnLog(dir string) error {
	name := filepath.Join(dir, logFile)
	at, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && at.Size() <= logLimit {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Rename(name, name+".1")
}

// runAgent runs one agent until it ends or ctx does, and returns its exit code;
// the error is never nil. Its log goes to a file: it may outlive this process
// and with it this process's stderr.
func runAgent(ctx context.Context, env cli.Env) (code int, err error) {
	dir := agentsDir(env)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, fmt.Errorf("make the agents' directory: %w", err)
	}
	name := filepath.Join(dir, logFile)
	out, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return 0, fmt.Errorf("open the agent's log: %w", err)
	}
	defer out.Close()

	s := env.Settings
	cmd := exec.CommandContext(ctx, agentProgram(),
		"--beside-principal",
		"--data", s.Text(cli.DataDir),
		"--keys", s.Text(cli.KeysDir),
		"--max-concurrent", s.Text(cli.MaxConcurrency),
		"--grace", companionGrace.String())
	cmd.Dir = env.Dir
	cmd.Stderr = out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = companionKill
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	}
	if err == nil {
		err = errEnded
	}
	return code, fmt.Errorf("%s: %w; its log is %s", cmd.Path, err, name)
}

// agentProgram is the agent beside this program, else the one on PATH.
func agentProgram() string {
	if own, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(own), "cdktr-agent")
		if _, err := os.Stat(beside); err == nil {
			return beside
		}
	}
	return "cdktr-agent"
}
