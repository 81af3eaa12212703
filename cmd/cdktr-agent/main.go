// Command cdktr-agent pulls tasks from a principal and runs them.
package main

import (
	_ "embed"
	"os"

	"github.com/cdktr/cdktr/lib/agent"
	"github.com/cdktr/cdktr/lib/cli"
)

//go:embed usage.txt
var usage string

func command() cli.Command {
	return cli.Command{
		Name:    "cdktr-agent",
		Summary: "runs the tasks of workflows",
		Usage:   usage,
		Action:  cli.Do(serve),
		Commands: []cli.Command{
			{Name: "list", Summary: "show the agents", Action: cli.Do(list)},
			{Name: "drain", Summary: "let an agent finish what it has and leave", Action: cli.Do(drain)},
		},
	}
}

func main() {
	if agent.IsWatchdog(os.Args) {
		agent.Watch(os.Stdin, os.Stdout, os.Stderr)
		return
	}
	os.Exit(cli.Main(command()))
}
