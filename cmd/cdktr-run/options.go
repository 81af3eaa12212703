package main

import (
	"strings"

	"github.com/cdktr/cdktr/lib/cli"
)

type options struct {
	cli.Connection
	Detach            bool     `short:"d" long:"detach" description:"print the run's id and leave"`
	Log               bool     `short:"l" long:"log" description:"print the tasks' output instead of the run's id"`
	NoPrefix          bool     `long:"no-prefix" description:"with -l: no task name before each line"`
	Output            string   `short:"o" long:"output" value-name:"FORMAT" one-of:"auto json table" default:"auto" description:"json: the run as one object at its end; table or json for --list and --show"`
	ParamsFile        string   `short:"p" long:"params-file" value-name:"FILE" unquote:"false" description:"parameters from a YAML or JSON file; - is stdin"`
	Key               string   `long:"key" value-name:"KEY" unquote:"false" description:"idempotency key: the same key gives the same run"`
	Timeout           cli.Span `long:"timeout" value-name:"TIME" description:"stop waiting after this time, with exit code 124"`
	Quiet             bool     `short:"q" long:"quiet" description:"no talk on stderr but errors of the command itself"`
	CancelOnInterrupt bool     `long:"cancel-on-interrupt" description:"^C cancels the run instead of leaving it"`
	List              bool     `long:"list" description:"list the workflows"`
	Show              string   `long:"show" value-name:"RUN" description:"show a run and its tasks"`
	Wait              string   `long:"wait" value-name:"RUN" description:"wait for a run that was started before"`
	Cancel            string   `long:"cancel" value-name:"RUN" description:"cancel a run"`
	Args              struct {
		Workflow string   `positional-arg-name:"WORKFLOW"`
		Params   []string `positional-arg-name:"NAME=VALUE"`
	} `positional-args:"yes"`
}

// check finds what go-flags cannot: flags that contradict each other.
func (o *options) check(env cli.Env) error {
	var modes []string
	for _, m := range []struct {
		on   bool
		name string
	}{{o.List, "--list"}, {o.Show != "", "--show"}, {o.Wait != "", "--wait"}, {o.Cancel != "", "--cancel"}} {
		if m.on {
			modes = append(modes, m.name)
		}
	}
	switch {
	case len(modes) > 1:
		return env.Usagef("%s and %s exclude each other", modes[0], modes[1])
	case len(modes) == 1 && o.Args.Workflow != "":
		return env.Usagef("%s takes no workflow: unexpected argument %q", modes[0], o.Args.Workflow)
	case len(modes) == 0 && o.Args.Workflow == "":
		return env.Usagef("expected a workflow")
	case strings.Contains(o.Args.Workflow, "="):
		return env.Usagef("expected a workflow before %q", o.Args.Workflow)
	case o.Detach && o.Log:
		return env.Usagef("-d and -l exclude each other")
	case o.Detach && o.CancelOnInterrupt:
		return env.Usagef("-d and --cancel-on-interrupt exclude each other")
	case o.Log && o.Output == "json":
		return env.Usagef("-l and -o json exclude each other")
	case o.NoPrefix && !o.Log:
		return env.Usagef("--no-prefix goes with -l")
	}
	starting := o.Detach || o.Key != "" || o.ParamsFile != ""
	waiting := o.Log || o.CancelOnInterrupt
	if len(modes) == 1 && (starting || (waiting && o.Wait == "")) {
		return env.Usagef("%s only goes with --timeout, -o and -q%s", modes[0], alsoWaiting(o.Wait != ""))
	}
	return nil
}

func alsoWaiting(wait bool) string {
	if wait {
		return ", -l and --cancel-on-interrupt"
	}
	return ""
}
