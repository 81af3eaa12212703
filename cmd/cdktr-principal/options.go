package main

import (
	_ "embed"

	"github.com/cdktr/cdktr/lib/cli"
)

//go:embed usage.txt
var usage string

var command = cli.Command{
	Name:    "cdktr-principal",
	Summary: "schedules workflows, hands their tasks to agents, keeps the history",
	Usage:   usage,
	Action:  cli.Do(serve),
	Commands: []cli.Command{
		{Name: "init", Summary: "write a first workflow and a settings file", Action: cli.Do(initialise)},
		{Name: "check", Summary: "tell the mistakes in workflow files", Action: cli.Do(check)},
		{Name: "schema", Summary: "print the JSON Schema of workflow files", Action: cli.Do(schema)},
		{Name: "grant", Summary: "make a key for another machine or person, and print it", Action: cli.Do(grant)},
		{Name: "revoke", Summary: "end a key at once", Action: cli.Do(revoke)},
		{Name: "keys", Summary: "show who has a key", Action: cli.Do(keys)},
		{Name: "status", Summary: "show how a principal does", Action: cli.Do(status)},
		{Name: "config", Summary: "show every setting and where it comes from", Action: cli.Do(config)},
	},
}

type options struct {
	Host          string `long:"host" value-name:"HOST" setting:"CDKTR_PRINCIPAL_HOST" description:"address to listen on"`
	Port          string `long:"port" value-name:"PORT" setting:"CDKTR_PRINCIPAL_PORT" description:"port of the API; the two log ports follow it; 0 takes free ones"`
	Workflows     string `long:"workflows" value-name:"DIR" setting:"CDKTR_WORKFLOW_DIR" description:"directory of workflow files"`
	DB            string `long:"db" value-name:"FILE" setting:"CDKTR_DB_PATH" description:"database of the history"`
	Data          string `long:"data" value-name:"DIR" setting:"CDKTR_APP_DATA_DIRECTORY" description:"data directory"`
	Keys          string `long:"keys" value-name:"DIR" setting:"CDKTR_KEYS" description:"directory of keys"`
	WithAgent     bool   `long:"with-agent" description:"run an agent on this machine too"`
	MaxConcurrent string `long:"max-concurrent" value-name:"N" setting:"CDKTR_AGENT_MAX_CONCURRENCY" description:"tasks at once of that agent"`
	NoScheduler   bool   `long:"no-scheduler" description:"start no runs by schedule; their slots count as missed"`
	Insecure      bool   `long:"insecure" description:"no keys, plaintext; on a loopback address only"`
	AcceptLoss    bool   `long:"accept-loss" description:"start though acknowledged history is missing"`
}

//go:embed example.yml
var exampleWorkflow string

//go:embed env.example
var exampleEnv string
