package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/cli"
)

type options struct {
	cli.Connection
	Name          cli.Name      `long:"name" value-name:"NAME" description:"the agent's name (default: the host's)"`
	MaxConcurrent string        `long:"max-concurrent" value-name:"N" setting:"CDKTR_AGENT_MAX_CONCURRENCY" description:"tasks at once"`
	Labels        []string      `long:"label" value-name:"KEY=VALUE" description:"a label that workflows can ask for; may be given again"`
	Data          string        `long:"data" value-name:"DIR" setting:"CDKTR_APP_DATA_DIRECTORY" description:"data directory"`
	Beside        bool          `long:"beside-principal" hidden:"yes" description:"the principal of the data directory started this one"`
	Alone         time.Duration `long:"alone" value-name:"DURATION" default:"60s" hidden:"yes" description:"how long to stay without a principal and without a task (with --beside-principal)"`
	Grace         cli.Span      `long:"grace" value-name:"DURATION" default:"30s" description:"how long running tasks may go on after SIGTERM"`
}

type listOptions struct {
	Output string `short:"o" long:"output" value-name:"FORMAT" one-of:"auto json table" default:"auto" description:"auto, json or table"`
}

type drainOptions struct {
	Args struct {
		Name string `positional-arg-name:"NAME" required:"yes"`
	} `positional-args:"yes"`
}

func labels(given []string) (map[string]string, error) {
	all := map[string]string{}
	for _, text := range given {
		key, value, ok := strings.Cut(text, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("label %q is not KEY=VALUE", text)
		}
		if _, twice := all[key]; twice {
			return nil, fmt.Errorf("label %s is given twice", key)
		}
		all[key] = value
	}
	return all, nil
}
