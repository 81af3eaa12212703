package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/wire"
)

type statusOptions struct {
	cli.Connection
	Output string `short:"o" long:"output" value-name:"FORMAT" one-of:"auto json table" default:"auto" description:"json or table (default: a table on a terminal, JSON otherwise)"`
}

// status shows how a principal does: one object for programs, a page for people.
func status(ctx context.Context, env cli.Env, o statusOptions) error {
	c, err := env.Client()
	if err != nil {
		return err
	}
	defer c.Close()
	var now wire.PrincipalStatus
	if err := c.Call(ctx, wire.OpStatus, &wire.Plain{}, &now); err != nil {
		return err
	}
	out := cli.NewList(env, o.Output, "WHAT", "NOW")
	if out.JSON() {
		if now.Listeners == nil {
			now.Listeners = []wire.ListenerStatus{}
		}
		if err := out.Add(now); err != nil {
			return err
		}
		return out.Flush()
	}
	for _, row := range statusRows(env, &now) {
		if err := out.Add(nil, row[0], row[1]); err != nil {
			return err
		}
	}
	return out.Flush()
}

func statusRows(env cli.Env, now *wire.PrincipalStatus) [][2]string {
	workflows := fmt.Sprintf("%d loaded", now.Workflows)
	if now.Broken > 0 {
		workflows += fmt.Sprintf(", %d with mistakes", now.Broken)
	}
	disk := fmt.Sprintf("%d MiB free, %d MiB kept in reserve", now.Disk.Free>>20, now.Disk.Reserve>>20)
	if now.Disk.Full {
		disk += ": no new runs are taken"
	}
	rows := [][2]string{
		{"version", now.Version},
		{"started", env.Local(&now.Started)},
		{"pid", strconv.Itoa(now.PID)},
		{"workflows", workflows},
	}
	for _, e := range now.Errors {
		rows = append(rows, [2]string{"", e.String()})
	}
	rows = append(rows, [][2]string{
		{"runs", fmt.Sprintf("%d open", now.OpenRuns)},
		{"tasks", fmt.Sprintf("%d ready, %d running", now.Ready, now.Running)},
		{"agents", strconv.Itoa(now.Agents)},
		{"disk", disk},
	}...)
	if len(now.Listeners) == 0 {
		rows = append(rows, [2]string{"scheduler", "off (--no-scheduler)"})
	}
	for _, l := range now.Listeners {
		text := fmt.Sprintf("%s since %s, %d events", l.State, env.Local(&l.Since), l.Events)
		if l.Error != nil {
			text += fmt.Sprintf(", failed %d times: %s", l.Restarts, *l.Error)
		}
		rows = append(rows, [2]string{l.Listener, text})
	}
	return rows
}
