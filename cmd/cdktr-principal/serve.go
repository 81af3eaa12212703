package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/listen/scheduler"
	"github.com/cdktr/cdktr/lib/principal"
	"github.com/cdktr/cdktr/lib/store"
)

// serve is the daemon: it takes its directory, opens the history, serves until
// it is told to stop, and gives everything back.
func serve(ctx context.Context, env cli.Env, o options) error {
	if err := checkExposure(env, o); err != nil {
		return err
	}
	s := env.Settings
	log := env.Logger()
	home, err := takeHome(ctx, s.Text(cli.DataDir), time.Second)
	if err != nil {
		return cli.Exit(cli.IO, err)
	}
	defer home.Close()
	ring, err := bus.OpenRing(s.Text(cli.KeysDir))
	if err != nil {
		return cli.Exit(cli.Config, err)
	}
	for _, err := range ring.Skipped() {
		log.Error("a key file is left out", "error", err)
	}
	history, err := store.Open(ctx, store.Options{Path: s.Text(cli.DBPath), LogDir: logDir(s), AcceptLoss: o.AcceptLoss, Logger: log})
	if err != nil {
		return storeError(principal.ExplainFull(err, disks(s)))
	}
	cfg := configuration(env, o, ring, log)
	cfg.Broken = history.Broken()
	clock := scheduler.System()
	defer clock.Close()
	if !o.NoScheduler {
		cfg.Sources = []principal.Source{{Name: "scheduler", Make: func(in principal.Inside) principal.Hearer {
			return scheduler.New(in, clock, in.Log, in.Workflows, in.Pauses)
		}}}
	}
	p, err := principal.Open(ctx, cfg, history)
	if err != nil {
		return errors.Join(cli.Exit(cli.IO, principal.ExplainFull(err, disks(s))), history.Close())
	}
	err = run(ctx, env, o, home, p, log)
	return errors.Join(err, history.Close())
}

// logDir is where the lines of tasks are kept.
func logDir(s *cli.Settings) string { return filepath.Join(filepath.Dir(s.Text(cli.DBPath)), "logs") }

// disks are directories on the disks that the history is written to.
func disks(s *cli.Settings) []string {
	return []string{s.Text(cli.DataDir), filepath.Dir(s.Text(cli.DBPath)), logDir(s)}
}

// takeHome waits for a moment where no principal has the directory: a command
// is changing its keys.
func takeHome(ctx context.Context, data string, most time.Duration) (*principal.Home, error) {
	for end := time.Now().Add(most); ; {
		home, err := principal.OpenHome(data)
		_, absent := client.ReadPresence(data)
		if !errors.As(err, new(*principal.TakenError)) || absent == nil || time.Now().After(end) {
			return home, err
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// run serves with the agent beside it. The agent stops first, so that the
// principal still hears what becomes of its tasks.
func run(ctx context.Context, env cli.Env, o options, home *principal.Home, p *principal.Principal, log *slog.Logger) error {
	there := p.Presence()
	if err := home.Announce(there); err != nil {
		return cli.Exit(cli.IO, err)
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	served := make(chan error, 1)
	go func() { served <- p.Run(serving) }()

	var beside *companion
	if o.WithAgent {
		beside = startCompanion(env, log)
	}
	log.Info("ready", "api", there.API, "logs", there.Logs, "live", there.Live, "pid", there.PID, "workflows", env.Settings.Text(cli.WorkflowDir))
	if err := principal.NotifyReady(os.Getenv("NOTIFY_SOCKET")); err != nil {
		log.Warn("systemd was not told", "error", err)
	}
	err := follow(ctx, p, served)
	if err == nil {
		log.Info("stopping")
		p.StartNoMore()
		beside.stop()
		stop()
		err = <-served
	}
	if err != nil {
		return cli.Exit(cli.IO, errors.Join(principal.ExplainFull(err, disks(env.Settings)), home.Withdraw()))
	}
	if err := home.Withdraw(); err != nil {
		return cli.Exit(cli.IO, err)
	}
	log.Info("stopped")
	return nil
}

// errServed tells that the principal has ended though nobody wanted it.
var errServed = errors.New("the principal ended by itself")

// follow waits until the principal is told to stop, by ctx or over the API. The
// error is of a principal that has failed. SIGHUP reloads meanwhile.
func follow(ctx context.Context, p *principal.Principal, served <-chan error) error {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.ToldToStop():
			return nil
		case <-hangup:
			p.Reload()
		case err := <-served:
			if err == nil {
				err = errServed
			}
			return err
		}
	}
}

func configuration(env cli.Env, o options, ring *bus.Ring, log *slog.Logger) principal.Config {
	s := env.Settings
	port := s.Int(cli.PrincipalPort)
	// A log port that nobody asked for follows the API's, and gives way.
	beside := func(name string, offset int) principal.Port {
		set := s.Get(name)
		switch {
		case !set.FromDefault():
			return principal.Port{Number: s.Int(name), Named: true}
		case port == 0:
			return principal.Port{}
		}
		return principal.Port{Number: port + offset}
	}
	return principal.Config{
		Data:             s.Text(cli.DataDir),
		Version:          cli.Version(),
		Log:              log,
		Host:             s.Text(cli.PrincipalHost),
		Port:             port,
		LogsPort:         beside(cli.LogsPort, 1),
		LivePort:         beside(cli.LivePort, 2),
		Insecure:         o.Insecure,
		Ring:             ring,
		Workflows:        s.Text(cli.WorkflowDir),
		Refresh:          s.Duration(cli.WorkflowRefresh),
		HeartbeatTimeout: s.Duration(cli.HeartbeatTimeout),
		Disks:            disks(s),
		Reserve:          int64(s.Int(cli.DiskReserve)) << 20,
	}
}

// checkExposure refuses plaintext where others could reach it.
func checkExposure(env cli.Env, o options) error {
	host := env.Settings.Text(cli.PrincipalHost)
	if !o.Insecure || host == "localhost" {
		return nil
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		return nil
	}
	return cli.Exitf(cli.Config, "--insecure is for a loopback address only, not %s: leave it out, or listen on 127.0.0.1", host)
}

func storeError(err error) error {
	if errors.Is(err, store.ErrForeign) {
		return cli.Exit(cli.Config, err)
	}
	return cli.Exit(cli.IO, err)
}
