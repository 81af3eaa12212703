// Command cdktr-logs prints the history and the live stream of CDKTR's logs,
// one JSON object a line when its output is a pipe.
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
		Name:    "cdktr-logs",
		Summary: "print what runs and their tasks said and did",
		Usage:   usage,
		Action:  cli.Do(run),
	}
}

func main() { os.Exit(cli.Main(command())) }
