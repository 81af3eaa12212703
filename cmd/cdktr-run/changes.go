package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/wire"
)

// changes writes one line for each change of a task's status. A failure that is
// followed by the wait for a retry is one change: it is held back until
// something else happens.
type changes struct {
	w    io.Writer
	held *wire.Event
}

func (c *changes) event(e wire.Event) {
	if e.Task == nil {
		c.release()
		return
	}
	if h := c.held; h != nil && e.Status == "WAITING" && *h.Task == *e.Task && e.Reason != nil {
		// The reason of the wait repeats that of the failure.
		retry, _, _ := strings.Cut(*e.Reason, ": ")
		c.held = nil
		c.say(change(*h) + ", " + retry)
		return
	}
	c.release()
	if e.Status == "FAILED" {
		c.held = &e
		return
	}
	c.say(change(e))
}

// release writes what is held back.
func (c *changes) release() {
	if c.held != nil {
		c.say(change(*c.held))
		c.held = nil
	}
}

// say writes a line. That nobody can read it is no reason to end the wait.
func (c *changes) say(text string) { _, _ = io.WriteString(c.w, cli.Clean(text)+"\n") }

// change is a change of a task's status in words.
func change(e wire.Event) string {
	text := *e.Task + " " + e.Status
	switch {
	case e.Status == "RUNNING" && e.Agent != nil:
		text += " on " + *e.Agent
		if e.Attempt != nil && *e.Attempt > 1 {
			text += fmt.Sprintf(", attempt %d", *e.Attempt)
		}
	case e.Reason != nil && *e.Reason != "" && e.Status != "COMPLETED":
		text += " (" + *e.Reason + ")"
	}
	return text
}
