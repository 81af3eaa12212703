// Command cdktr-listen makes runs of events: each line of its input is one.
package main

import (
	_ "embed"
	"os"

	"github.com/cdktr/cdktr/lib/cli"
)

//go:embed usage.txt
var usage string

func command() cli.Command {
	return cli.Command{
		Name:    "cdktr-listen",
		Summary: "start a run for each line of input",
		Usage:   usage,
		Action:  cli.Do(run),
	}
}

func main() { os.Exit(cli.Main(command())) }
