package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/wire"
)

// Trigger a run and wait for its end.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := client.Open()
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	started, err := c.Trigger(ctx, wire.TriggerItem{Workflow: "hello", Params: wire.Params{"name": "Ada"}})
	if err != nil {
		log.Fatal(err)
	}
	ended, err := c.Wait(ctx, started.Run)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ended.Status)
	// Output: COMPLETED
}

// The same key gives the same run: an event that is handed in twice runs once.
func ExampleClient_Trigger() {
	ctx := context.Background()
	c, err := client.Open()
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	order := wire.TriggerItem{Workflow: "hello", Params: wire.Params{"name": "order 7"}, Key: "order 7"}
	first, err := c.Trigger(ctx, order)
	if err != nil {
		log.Fatal(err)
	}
	again, err := c.Trigger(ctx, order)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(first.Run == again.Run, again.Existing)

	_, err = c.Trigger(ctx, wire.TriggerItem{Workflow: "helo"})
	var refused *wire.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Code, refused)
	}
	// Output:
	// true true
	// not_found no workflow "helo" (did you mean "hello"?)
}

// Many runs share a commit. Each item has an answer of its own.
func ExampleClient_TriggerBatch() {
	ctx := context.Background()
	c, err := client.Open()
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	items := []wire.TriggerItem{
		{Workflow: "hello", Params: wire.Params{"name": "Ada"}},
		{Workflow: "hello", Params: wire.Params{"nam": "Grace"}},
	}
	answers, err := c.TriggerBatch(ctx, items)
	if err != nil {
		log.Fatal(err)
	}
	for _, a := range answers {
		if a.Error != nil {
			fmt.Println(a.Error)
			continue
		}
		ended, err := c.Wait(ctx, a.Run)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(ended.Status)
	}
	// Output:
	// COMPLETED
	// workflow "hello" has no parameter "nam" (did you mean "name"?)
}

// How a run ended, task by task.
func ExampleClient_Run() {
	ctx := context.Background()
	c, err := client.Open()
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	started, err := c.Trigger(ctx, wire.TriggerItem{Workflow: "report"})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := c.Wait(ctx, started.Run); err != nil {
		log.Fatal(err)
	}
	run, err := c.Run(ctx, started.Run)
	if err != nil {
		log.Fatal(err)
	}
	for _, task := range run.Tasks {
		fmt.Println(task.Task, task.Status, *task.ExitCode)
	}
	// Output:
	// collect COMPLETED 0
	// print COMPLETED 0
}

// Watch the status of a run's tasks until it has ended.
func ExampleClient_WatchEvents() {
	ctx := context.Background()
	c, err := client.Open()
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	started, err := c.Trigger(ctx, wire.TriggerItem{Workflow: "hello"})
	if err != nil {
		log.Fatal(err)
	}
	for event, err := range c.WatchEvents(ctx, wire.EventsQuery{Filter: wire.Filter{Run: started.Run}}) {
		if err != nil {
			log.Fatal(err)
		}
		who := "run"
		if event.Task != nil {
			who = *event.Task
		}
		fmt.Println(who, event.Status)
	}
	// Output:
	// run PENDING
	// run RUNNING
	// greet RUNNING
	// greet COMPLETED
	// run COMPLETED
}

// Read the lines of a run as they come, to the last.
func ExampleClient_WatchLogs() {
	ctx := context.Background()
	c, err := client.Open()
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	started, err := c.Trigger(ctx, wire.TriggerItem{Workflow: "report"})
	if err != nil {
		log.Fatal(err)
	}
	for record, err := range c.WatchLogs(ctx, wire.LogsQuery{Filter: wire.Filter{Run: started.Run}, Stream: wire.Stdout}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(record.Task, record.Seq, *record.Message)
	}
	// Output:
	// collect 1 1
	// collect 2 2
	// collect 3 3
	// print 1 done
}

// Search the history.
func ExampleClient_Logs() {
	ctx := context.Background()
	c, err := client.Open()
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	started, err := c.Trigger(ctx, wire.TriggerItem{Workflow: "hello", Params: wire.Params{"name": "Hedy"}})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := c.Wait(ctx, started.Run); err != nil {
		log.Fatal(err)
	}
	lastHour := wire.At(time.Now().Add(-time.Hour))
	q := wire.LogsQuery{Filter: wire.Filter{Workflow: "hel*", Since: &lastHour}, Grep: "hedy"}
	for record, err := range c.Logs(ctx, q) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(record.Workflow, *record.Message)
	}
	// Output: hello Hello, Hedy!
}

// List the last runs of a workflow.
func ExampleClient_Runs() {
	ctx := context.Background()
	c, err := client.Open()
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	started, err := c.Trigger(ctx, wire.TriggerItem{Workflow: "hello", Params: wire.Params{"name": "Mary"}})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := c.Wait(ctx, started.Run); err != nil {
		log.Fatal(err)
	}
	for run, err := range c.Runs(ctx, wire.RunList{Filter: wire.Filter{Workflow: "hello"}, Last: 1}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(run.Workflow, run.Params["name"], run.Status)
	}
	// Output: hello Mary COMPLETED
}

// What Call is for: any operation of the protocol.
func ExampleClient_Call() {
	ctx := context.Background()
	c, err := client.Open()
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	var status wire.PrincipalStatus
	if err := c.Call(ctx, wire.OpStatus, &wire.Plain{}, &status); err != nil {
		log.Fatal(err)
	}
	fmt.Println(status.Workflows, "workflows,", status.Broken, "broken")
	// Output: 2 workflows, 0 broken
}
