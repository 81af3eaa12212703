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
	Show              cli.Name `long:"show" value-name:"RUN" description:"show a run and its tasks"`
	Wait              cli.Name `long:"wait" value-name:"RUN" description:"wait for a run that was started before"`
	Local             cli.Name `long:"local" value-name:"FILE" unquote:"false" description:"run a workflow file in this process, without a principal"`
	Retry             cli.Name `long:"retry" value-name:"RUN" description:"run again what did not complete in a run that has ended"`
	Cancel            cli.Name `long:"cancel" value-name:"RUN" description:"cancel a run"`
	Pause             cli.Name `long:"pause" value-name:"WORKFLOW" description:"no scheduled runs of a workflow until --resume"`
	Resume            cli.Name `long:"resume" value-name:"WORKFLOW" description:"let a paused workflow run by its schedule again"`
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
	}{{o.List, "--list"}, {o.Show != "", "--show"}, {o.Wait != "", "--wait"}, {o.Retry != "", "--retry"}, {o.Cancel != "", "--cancel"},
		{o.Pause != "", "--pause"}, {o.Resume != "", "--resume"}} {
		if m.on {
			modes = append(modes, m.name)
		}
	}
	if o.Local != "" {
		return o.checkLocal(env, modes)
	}
	switch {
	case len(modes) > 1:
		return env.Usagef("%s and %s exclude each other", modes[0], modes[1])
	case len(modes) == 1 && o.Args.Workflow != "":
		return env.Usagef("%s takes no other workflow or run: unexpected argument %q", modes[0], o.Args.Workflow)
	case len(modes) == 0 && o.Args.Workflow == "":
		return env.Usagef("expected a workflow")
	case strings.Contains(o.Args.Workflow, "="):
		return env.Usagef("expected a workflow before %q", o.Args.Workflow)
	case o.Detach && o.Log:
		return env.Usagef("-d and -l exclude each other")
	case o.Detach && o.CancelOnInterrupt:
		return env.Usagef("-d and --cancel-on-interrupt exclude each other")
	}
	if err := o.checkOutput(env); err != nil {
		return err
	}
	given := o.Key != "" || o.ParamsFile != ""
	starting := o.Detach || given
	waiting := o.Log || o.CancelOnInterrupt
	switch {
	case len(modes) == 0:
	case (o.Cancel != "" || o.Pause != "" || o.Resume != "") && (starting || waiting || o.Output != "auto"):
		return env.Usagef("%s only goes with --timeout and -q", modes[0])
	case o.Wait != "" && starting:
		return env.Usagef("--wait only goes with --timeout, -o json, -q, -l and --cancel-on-interrupt")
	case o.Retry != "" && given:
		return env.Usagef("--retry runs with the parameters of the run: no -p and no --key")
	case o.Wait == "" && o.Retry == "" && (starting || waiting):
		return env.Usagef("%s only goes with --timeout, -o and -q", modes[0])
	}
	return nil
}

// checkLocal finds what makes no sense without a principal.
func (o *options) checkLocal(env cli.Env, modes []string) error {
	refused := modes
	for _, f := range []struct {
		on   bool
		name string
	}{{o.Detach, "-d"}, {o.Key != "", "--key"}, {o.Principal != "", "--principal"}, {o.Keys != "", "--keys"}} {
		if f.on {
			refused = append(refused, f.name)
		}
	}
	if len(refused) > 0 {
		return env.Usagef("--local and %s exclude each other: there is no principal", refused[0])
	}
	return o.checkOutput(env)
}

func (o *options) checkOutput(env cli.Env) error {
	switch {
	case o.Log && o.Output == "json":
		return env.Usagef("-l and -o json exclude each other")
	case o.NoPrefix && !o.Log:
		return env.Usagef("--no-prefix goes with -l")
	case o.Output == "table" && !o.List && o.Show == "":
		return env.Usagef("-o table goes with --list and --show")
	}
	return nil
}

// params are the arguments after the workflow; with --local, all of them.
func (o *options) params() []string {
	if o.Local != "" && o.Args.Workflow != "" {
		return append([]string{o.Args.Workflow}, o.Args.Params...)
	}
	return o.Args.Params
}
