package cli

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
)

// Command is one executable, or one subcommand of it.
type Command struct {
	Name     string
	Summary  string // half a sentence, for the man page and for completion
	Usage    string // what --help prints; a subcommand without one shows its parent's
	Action   Action // nil: a subcommand is needed
	Commands []Command
}

// Action pairs a fresh struct of options with the function that takes it.
type Action func() (options any, run func(context.Context, Env) error)

// Do makes an Action of a function and its struct of options, tagged for
// go-flags. Two more tags are known: setting:"CDKTR_…" makes the flag the first
// source of that setting, and one-of:"a b c" bounds its values.
func Do[O any](run func(context.Context, Env, O) error) Action {
	return func() (any, func(context.Context, Env) error) {
		o := new(O)
		return o, func(ctx context.Context, env Env) error { return run(ctx, env, *o) }
	}
}

// Run runs the command with the arguments that follow its name and returns
// the exit code. All that a process would have of its own is in env, so that
// a test runs the same code.
func (c Command) Run(ctx context.Context, env Env, args []string) int {
	env.Name = c.Name
	err := c.run(ctx, &env, args)
	if err == nil {
		return OK
	}
	code := codeIn(ctx, err)
	if text := message(ctx, err); text != "" {
		if env.Settings != nil && unreached(err) {
			text += env.Settings.hint
		}
		fmt.Fprintf(env.Stderr, "%s: %s\n", c.Name, text)
	}
	return code
}

func (c Command) run(ctx context.Context, env *Env, args []string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(env, p)
		}
	}()
	run, given, err := c.parse(env, args)
	if err != nil || run == nil {
		return err
	}
	env.Settings, err = loadSettings(env, given)
	if err != nil {
		return err
	}
	return run(ctx, *env)
}

// panicked makes one line of a panic; the stack is for whoever asked for it.
func panicked(env *Env, p any) error {
	if env.Settings != nil && env.Settings.Level() <= slog.LevelDebug {
		fmt.Fprintf(env.Stderr, "%s", debug.Stack())
	}
	return Exit(Bug, fmt.Errorf("a bug: please report it with this line: %v (%s)", p, Version()))
}
