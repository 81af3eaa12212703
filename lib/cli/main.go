package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// errInterrupted is the cause of a context that a signal cancelled.
var errInterrupted = errors.New("interrupted")

// OneWish is the time within which a second signal counts as the first one:
// timeout(1) and many a supervisor signal a process and then its group.
const OneWish = 200 * time.Millisecond

// Main runs the command as this process: its arguments, its streams, its
// signals. The first ^C or SIGTERM cancels the context, the second ends the
// process at once.
//
// SIGPIPE is left to the runtime: a write to a closed stdout ends the process
// by that signal, without a word.
func Main(c Command) int {
	env, err := processEnv()
	if err != nil {
		os.Stderr.WriteString(c.Name + ": " + err.Error() + "\n")
		return IO
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 2)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		// A shell that starts a job in the background, and nohup, want it
		// to survive their ^C.
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	go func() {
		<-signals
		cancel(errInterrupted)
		for first := time.Now(); ; {
			<-signals
			if time.Since(first) > OneWish {
				os.Exit(Interrupted)
			}
		}
	}()
	return c.Run(ctx, env, os.Args[1:])
}

func processEnv() (Env, error) {
	dir, err := os.Getwd()
	if err != nil {
		return Env{}, err
	}
	return Env{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Getenv: os.LookupEnv, Dir: dir, Start: time.Now(), Zone: time.Local,
		InTerminal: isTerminal(os.Stdin), OutTerminal: isTerminal(os.Stdout), ErrTerminal: isTerminal(os.Stderr),
	}, nil
}
