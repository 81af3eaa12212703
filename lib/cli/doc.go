// Package cli is what the six commands share: the way from os.Args to a typed
// struct of options, settings and where each came from, exit codes, signals,
// help, and output that is fit for a terminal or a pipe. It knows nothing of
// what a command does.
//
// A command is a page of help, a struct and a function:
//
//	var command = cli.Command{
//		Name: "cdktr-logs", Summary: "print the history of runs",
//		Usage: usage, Action: cli.Do(run),
//	}
//
//	func run(ctx context.Context, env cli.Env, o options) error
//
// The function reads no globals: everything of the outside is in Env. It
// returns an error, from which Code makes the exit code.
package cli
