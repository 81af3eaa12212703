// Command cdktr-principal schedules and queues workflows, hands their tasks to
// agents, and keeps the history.
package main

import (
	"os"

	"github.com/cdktr/cdktr/lib/cli"
)

func main() { os.Exit(cli.Main(command)) }
