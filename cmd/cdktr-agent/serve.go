package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cdktr/cdktr/lib/agent"
	"github.com/cdktr/cdktr/lib/cli"
)

// serve runs an agent until a signal, a drain or another agent ends it.
func serve(ctx context.Context, env cli.Env, o options) error {
	name := string(o.Name)
	if name == "" {
		host, err := os.Hostname()
		if err != nil {
			return cli.Exitf(cli.Config, "the host has no name; give one with --name: %w", err)
		}
		name = host
	}
	marks, err := labels(o.Labels)
	if err != nil {
		return env.Usagef("%w", err)
	}
	agents := filepath.Join(env.Settings.Text(cli.DataDir), "agents")
	lines, err := newLinks(env, o.Beside)
	if err != nil {
		return err
	}
	defer lines.close()
	var place *agent.Beside
	if !o.Beside {
		o.Alone = 0
	} else {
		place, err = agent.TakeBeside(agents)
		if errors.Is(err, agent.ErrBeside) {
			return cli.Exit(agent.ExitBeside, err)
		}
		if err != nil {
			return cli.Exit(cli.IO, err)
		}
		defer place.Close()
	}
	log := env.Logger()
	a, err := agent.New(agent.Options{
		Name: name, Dir: agents, Secrets: env.SecretsFile(),
		Slots: env.Settings.Int(cli.MaxConcurrency), Labels: marks, Version: cli.Version(),
		API: lines.api, Logs: lines.logs, Log: log, SpoolBytes: int64(env.Settings.Int(cli.SpoolSize)) << 20, Grace: time.Duration(o.Grace), Alone: o.Alone,
	})
	if errors.Is(err, agent.ErrBadName) {
		return env.Usagef("%w", err)
	}
	if err != nil {
		return cli.Exit(cli.IO, err)
	}
	log.Info("agent started", "agent", a.Name(), "pid", os.Getpid(), "slots", env.Settings.Int(cli.MaxConcurrency))
	told, err := runUnderSignals(ctx, a)
	switch {
	case errors.Is(err, agent.ErrNameTaken):
		return cli.Exit(cli.NotNow, fmt.Errorf("%w; choose another with --name", err))
	case errors.Is(err, agent.ErrSuperseded):
		return cli.Exit(cli.NotNow, err)
	case err == nil && told > 1:
		return cli.Exit(cli.Interrupted, nil)
	case errors.Is(err, agent.ErrAlone):
		return nil // its log has said it
	case err == nil && told == 0 && o.Beside:
		if err := place.Drained(); err != nil {
			log.Warn("a principal that adopted this agent will start it again", "error", err)
		}
		return cli.Exit(agent.ExitDrained, nil)
	}
	return err
}

// runUnderSignals runs the agent. The first SIGTERM or SIGINT stops it in
// order, the second kills its tasks and then ends it: the process must not
// simply end at the second, as other commands do, or the tasks would live on.
// SIGUSR1 drains it. told is how many signals have told it to end.
func runUnderSignals(ctx context.Context, a *agent.Agent) (told int, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	signals := make(chan os.Signal, 4)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGUSR1} {
		if !signal.Ignored(s) {
			signal.Reset(s)
			signal.Notify(signals, s)
		}
	}
	defer signal.Stop(signals)
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	for {
		select {
		case err := <-ended:
			return told, err
		case s := <-signals:
			if s == syscall.SIGUSR1 {
				a.Drain()
				continue
			}
			if told++; told == 1 {
				cancel()
			} else {
				a.Kill()
			}
		}
	}
}
