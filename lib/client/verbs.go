package client

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// Trigger asks for a run. Without a key it gets a random one, so that a retry
// never starts a second run.
func (c *Client) Trigger(ctx context.Context, item wire.TriggerItem) (wire.Triggered, error) {
	if item.Key == "" {
		item.Key = rand.Text()
	}
	var out wire.Triggered
	err := c.Call(ctx, wire.OpRunTrigger, &wire.Trigger{TriggerItem: item}, &out)
	return out, err
}

// Wait returns when the run has ended, with its final status.
func (c *Client) Wait(ctx context.Context, run string) (wire.RunWaited, error) {
	for {
		var out wire.RunWaited
		err := c.Call(ctx, wire.OpRunWait, &wire.RunWait{Run: run}, &out)
		if err != nil || out.Ended {
			return out, err
		}
		// A principal that shuts down answers early; do not hammer it.
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return out, err
		}
	}
}

// Run returns a run with its tasks.
func (c *Client) Run(ctx context.Context, run string) (wire.Run, error) {
	var out wire.Run
	err := c.Call(ctx, wire.OpRunGet, &wire.RunRef{Run: run}, &out)
	return out, err
}

// Pause ends the scheduled runs of a workflow, until Resume. It returns when that
// is durable; what is so already is no error.
func (c *Client) Pause(ctx context.Context, workflow string) error {
	return c.Call(ctx, wire.OpWorkflowPause, &wire.WorkflowRef{Workflow: workflow}, nil)
}

// Resume lets a paused workflow run by its schedule again, from the next slot on.
func (c *Client) Resume(ctx context.Context, workflow string) error {
	return c.Call(ctx, wire.OpWorkflowResume, &wire.WorkflowRef{Workflow: workflow}, nil)
}
