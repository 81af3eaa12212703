package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/local"
	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

// killTime is how long processes may take to go after SIGKILL. The system does
// not end one that hangs in a driver.
const killTime = 5 * time.Second

// runLocal runs a workflow file in this process. There is nobody else to go on
// with the run: whatever ends the command ends the run first. A second signal
// ends the tasks at once.
func runLocal(ctx context.Context, env cli.Env, o options, view *screen, item wire.TriggerItem) error {
	def, err := load(env, o)
	if err != nil {
		return err
	}
	item.Workflow = def.ID
	in := local.New(local.Options{
		Workflow: def, Slots: env.Settings.Int(cli.MaxConcurrency), Agent: hostname(), Lines: o.Log,
		Secrets: env.SecretsFile(),
	})
	signals := takeSignals()
	defer signal.Stop(signals)

	// The run is waited for until its very end, so that its last lines come
	// out: timeout and signals are told to the run, not to the wait.
	wait := o
	wait.Timeout = 0
	ended := make(chan error, 1)
	go func() {
		err := job{env, wait, in, view}.do(context.WithoutCancel(ctx), item)
		in.Close()
		ended <- err
	}()

	var late, overdue <-chan time.Time
	if o.Timeout > 0 {
		late = time.After(time.Until(env.Start.Add(time.Duration(o.Timeout))))
	}
	interrupted := ctx.Done()
	killed := make(chan struct{})
	var cut error // why the run was cancelled
	var first time.Time
	for told := 0; ; {
		select {
		case err := <-ended:
			// It may have ended in its own way just before.
			if cut != nil && cli.Code(err) == cli.Cancelled {
				return cut
			}
			return err
		case <-late:
			if cut == nil {
				cut = o.cut(cli.TimedOut, "the run has not ended within %s and was cancelled", time.Duration(o.Timeout))
			}
			in.Cancel("--timeout has passed")
			continue
		case <-interrupted:
			interrupted = nil
		case s := <-signals:
			if s == syscall.SIGPIPE || told == 1 && time.Since(first) < cli.OneWish {
				continue // of SIGPIPE the write itself tells
			}
		case <-killed:
			return cli.Exit(cli.Interrupted, nil)
		case <-overdue:
			return cli.Exitf(cli.Interrupted, "interrupted; a process of the run does not die")
		}
		switch told++; told {
		case 1:
			first = time.Now()
			if cut == nil {
				cut = o.cut(cli.Interrupted, "interrupted; the run was cancelled")
			}
			in.Cancel("interrupted")
		case 2:
			in.Kill("interrupted")
			overdue = time.After(killTime)
			go func() { // what prints may hang in a write
				in.Close()
				close(killed)
			}()
		}
	}
}

// hostname is the name of the agent that there would be.
func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "local"
	}
	return name
}

// takeSignals has signals come here instead of ending the process, which would
// leave the tasks running: each is in a process group of its own, that neither
// the terminal's ^C nor its end reaches. Of SIGPIPE it matters only that a write
// to a closed stdout becomes an error.
func takeSignals() chan os.Signal {
	signals := make(chan os.Signal, 8)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGPIPE} {
		if !signal.Ignored(s) {
			signal.Reset(s)
			signal.Notify(signals, s)
		}
	}
	return signals
}

func (o *options) cut(code int, format string, args ...any) error {
	if o.Quiet {
		return cli.Exit(code, nil)
	}
	return cli.Exitf(code, format, args...)
}

// load reads the file, and tells every mistake in it.
func load(env cli.Env, o options) (*workflow.Definition, error) {
	dir := env.Settings.Text(cli.WorkflowDir)
	l, err := local.Load(env.Path(string(o.Local)), dir, string(o.Local))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, cli.Exitf(cli.NotFound, "no file %q%s", o.Local, fileHint(env, dir, string(o.Local)))
	}
	if err != nil {
		return nil, err
	}
	if !o.Quiet {
		for _, w := range l.Warnings {
			fmt.Fprintf(env.Stderr, "%s: warning: %s\n", env.Name, cli.Clean(w.String()))
		}
	}
	if len(l.Errors) == 1 {
		return nil, cli.Exit(cli.BadInput, errors.New(l.Errors[0].String()))
	}
	for _, e := range l.Errors {
		fmt.Fprintln(env.Stderr, cli.Clean(e.String()))
	}
	if n := len(l.Errors); n > 0 {
		return nil, cli.Exitf(cli.BadInput, "%s: %d mistakes", o.Local, n)
	}
	return l.Workflow, nil
}

// fileHint is for who has called a workflow by its id, as the principal's are.
func fileHint(env cli.Env, dir, id string) string {
	file := local.FileOf(dir, id)
	if file == "" {
		return ""
	}
	if rel, err := filepath.Rel(env.Dir, file); err == nil && filepath.IsLocal(rel) {
		file = rel
	}
	return fmt.Sprintf(" (did you mean %q?)", file)
}
