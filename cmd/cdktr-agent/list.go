package main

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/wire"
)

// list shows the agents that the principal knows.
func list(ctx context.Context, env cli.Env, o listOptions) error {
	c, err := env.Client()
	if err != nil {
		return err
	}
	defer c.Close()
	out := cli.NewList(env, o.Output, "AGENT", "STATUS", "RUNNING", "SLOTS", "LABELS", "VERSION", "LAST SEEN")
	for cursor := ""; ; {
		var page wire.Agents
		if err := c.Call(ctx, wire.OpAgentList, &wire.AgentList{Cursor: cursor}, &page); err != nil {
			return err
		}
		for _, a := range page.Agents {
			if a.Labels == nil {
				a.Labels = map[string]string{}
			}
			if a.Tasks == nil {
				a.Tasks = []wire.Attempt{}
			}
			err := out.Add(a, a.Agent, a.Status, strconv.Itoa(a.Running), strconv.Itoa(a.Slots),
				labelLine(a.Labels), a.Version, env.Local(a.LastSeen))
			if err != nil {
				return err
			}
		}
		if cursor = page.Cursor; cursor == "" {
			return out.Flush()
		}
	}
}

func labelLine(labels map[string]string) string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		all = append(all, key+"="+labels[key])
	}
	if len(all) == 0 {
		return "-"
	}
	return strings.Join(all, ",")
}

// drain returns when the principal has taken the order; the agent's tasks may
// run on for long.
func drain(ctx context.Context, env cli.Env, o drainOptions) error {
	c, err := env.Client()
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Call(ctx, wire.OpAgentDrain, &wire.AgentDrain{Name: o.Args.Name}, &wire.Nothing{})
}
