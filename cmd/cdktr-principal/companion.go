package main

import (
	"context"
	"errors"
	"fmt"
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
		for wait := time.Second; ; wait = min(2*wait, time.Minute) {
			begun := time.Now()
			err := runAgent(ctx, env)
			if exitCode(err) == cli.NotNow {
				log.Info("the agent of the principal before this one goes on")
				err = agent.Adopt(ctx, agentsDir(env), companionKill)
				if err == nil {
					err = errAdoptedEnded // how, nobody can tell who is not its parent
				}
			}
			switch {
			case ctx.Err() != nil:
				return
			case err == nil:
				log.Info("the agent was drained; it is not started again")
				return
			}
			if time.Since(begun) > time.Minute {
				wait = time.Second
			}
			log.Error("the agent ended; it is started again", "error", err, "in", wait)
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

var errAdoptedEnded = errors.New("it has ended")

func agentsDir(env cli.Env) string {
	return filepath.Join(env.Settings.Text(cli.DataDir), "agents")
}

// runAgent runs one agent until it ends or ctx does. Its log goes to a file:
// it may outlive this process and with it this process's stderr.
func runAgent(ctx context.Context, env cli.Env) error {
	dir := agentsDir(env)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the agents' directory: %w", err)
	}
	name := filepath.Join(dir, "beside.log")
	out, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the agent's log: %w", err)
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
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w; its log is %s", cmd.Path, err, name)
	}
	return nil
}

func exitCode(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return 0
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
