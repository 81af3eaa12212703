// Command cdktr-ui is the screen that a team keeps open: what runs, what failed
// and why, with the keys to act on it.
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
		Name:    "cdktr-ui",
		Summary: "watch runs, workflows, logs and agents on one screen, and act on them",
		Usage:   usage,
		Action:  cli.Do(run),
	}
}

func main() { os.Exit(cli.Main(command())) }
