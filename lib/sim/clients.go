package sim

import (
	"fmt"
	"time"

	"github.com/cdktr/cdktr/lib/run"
)

// clients trigger, cancel and drain, and try again until they have an answer.
type clients struct {
	w       *world
	keys    int // how many different ones
	pending int // requests that want an answer
	told    Account
	acked   []string
	link    link // never cut
}

func (c *clients) begin() {
	for range 1 + c.w.rng.IntN(3) {
		pace := c.w.between(500*time.Millisecond, 8*time.Second)
		c.w.after(c.w.upTo(pace), func() { c.act(pace) })
	}
}

func (c *clients) act(pace time.Duration) {
	if !c.w.faults {
		return
	}
	some := func() string { return c.acked[c.w.rng.IntN(len(c.acked))] }
	switch {
	case c.w.chance(0.03):
		c.w.edit()
	case c.w.chance(0.03):
		c.pause(c.w.workflows[c.w.rng.IntN(len(c.w.workflows))].ID, c.w.chance(0.6))
	case len(c.acked) > 0 && c.w.chance(0.15):
		c.cancel(some())
	case len(c.acked) > 0 && c.w.chance(0.2):
		c.retry(some())
	default:
		c.trigger()
	}
	c.w.after(c.w.upTo(2*pace), func() { c.act(pace) })
}

// insist sends a command again and again until it is answered.
func (c *clients) insist(make func(run.Token) run.Command, answer func(run.Effect)) {
	c.pending++
	answered := false
	var try func()
	try = func() {
		if answered {
			return
		}
		c.w.call(&c.link, make, func(e run.Effect) {
			if !answered {
				answered = true
				c.pending--
				answer(e)
			}
		})
		c.w.after(callTimeout, try)
	}
	try()
}

func (c *clients) trigger() {
	def := c.w.workflows[c.w.rng.IntN(len(c.w.workflows))]
	params := map[string]string{"day": "1", "full": "no"}
	if c.w.chance(0.05) {
		params["day"] = "2"
	}
	key := ""
	if c.w.chance(0.7) {
		key = fmt.Sprintf("k%d", c.w.rng.IntN(c.keys))
		if c.w.chance(0.5) {
			key = fmt.Sprintf("k%d.%d", c.w.rng.IntN(c.keys), c.w.now/(20*time.Second))
		}
	}
	var slot *run.Slot // somebody's own: it is none of the workflow's schedule
	if c.w.chance(0.1) {
		slot = &run.Slot{Schedule: "mine", Time: c.w.clock().Wall}
	}
	make := func(t run.Token) run.Command {
		return run.Trigger{Token: t, Run: c.w.principal.newID(), Workflow: def, Params: params, Key: key, Source: "run", Slot: slot}
	}
	answer := func(e run.Effect) {
		if t, ok := e.(run.Triggered); ok { // refused: another is active
			if err := c.told.Triggered(def.ID, key, t.Run); err != nil {
				c.w.fail("%v", err)
			}
			c.acked = append(c.acked, t.Run)
		}
	}
	if key == "" { // to try again would start a second run
		c.w.call(&c.link, make, answer)
		return
	}
	c.insist(make, answer)
}

func (c *clients) cancel(id string) {
	c.insist(func(t run.Token) run.Command { return run.Cancel{Token: t, Run: id, Reason: "enough"} }, func(e run.Effect) {
		if _, done := e.(run.Done); done {
			c.told.Cancelled(id)
		}
	})
}

// retry asks for another life of a run, if it has ended otherwise than COMPLETED.
func (c *clients) retry(id string) {
	seen := int64(len(c.w.principal.log))
	c.insist(func(t run.Token) run.Command { return run.Retry{Token: t, Run: id, After: seen} }, func(run.Effect) {})
}

func (c *clients) pause(workflow string, resume bool) {
	c.insist(func(t run.Token) run.Command { return run.Pause{Token: t, Workflow: workflow, Resume: resume} }, func(run.Effect) {})
}

func (c *clients) drain(name string) {
	c.w.trace("drain %s", name)
	c.insist(func(t run.Token) run.Command { return run.Drain{Token: t, Name: name} }, func(run.Effect) {})
}
