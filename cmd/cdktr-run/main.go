// Command cdktr-run triggers a workflow and waits for its end: an exit code
// for shell scripts.
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
		Name:    "cdktr-run",
		Summary: "run a workflow and wait for its end",
		Usage:   usage,
		Action:  cli.Do(run),
	}
}

func main() { os.Exit(cli.Main(command())) }
