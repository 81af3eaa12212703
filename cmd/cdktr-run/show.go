package main

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/wire"
)

func (j job) printRun(ctx context.Context, id string) error {
	r, err := j.p.Run(ctx, id)
	if err != nil {
		return err
	}
	return j.encode(r)
}

func (j job) encode(r wire.Run) error {
	if r.Params == nil {
		r.Params = wire.Params{}
	}
	for i := range r.Tasks {
		if r.Tasks[i].Outputs == nil {
			r.Tasks[i].Outputs = map[string]string{}
		}
	}
	return cli.NewEncoder(j.env.Stdout).Encode(r)
}

// show prints a run: for a program as one object, for a person as a page.
func (j job) show(r wire.Run) error {
	if j.o.Output == "json" || (j.o.Output == "auto" && !j.env.OutTerminal) {
		return j.encode(r)
	}
	head := [][2]string{
		{"run", r.Run}, {"workflow", r.Workflow}, {"status", r.Status}, {"trigger", r.Trigger},
		{"params", paramsLine(r.Params)}, {"created", j.env.Local(r.Created)},
		{"started", j.env.Local(r.Started)}, {"ended", j.env.Local(r.Ended)},
	}
	for _, row := range head {
		if _, err := fmt.Fprintf(j.env.Stdout, "%-9s %s\n", row[0], cli.Clean(row[1])); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(j.env.Stdout); err != nil {
		return err
	}
	tasks := cli.NewList(j.env, "table", "TASK", "STATUS", "ATTEMPT", "AGENT", "EXIT", "TOOK", "REASON")
	for _, t := range r.Tasks {
		exit := "-"
		if t.ExitCode != nil {
			exit = strconv.Itoa(*t.ExitCode)
		}
		if err := tasks.Add(t, t.Task, t.Status, strconv.Itoa(t.Attempt), or(t.Agent), exit, took(t), or(t.Reason)); err != nil {
			return err
		}
	}
	return tasks.Flush()
}

func took(t wire.Task) string {
	if t.Started == nil || t.Ended == nil {
		return "-"
	}
	return t.Ended.Sub(t.Started.Time).Round(time.Millisecond).String()
}

func paramsLine(params wire.Params) string {
	var all []string
	for name, value := range params {
		all = append(all, name+"="+value)
	}
	if len(all) == 0 {
		return "-"
	}
	sort.Strings(all)
	return strings.Join(all, " ")
}

func or(s *string) string {
	if s == nil || *s == "" {
		return "-"
	}
	return *s
}

// list prints all workflows, those that do not load too.
func (j job) list(ctx context.Context) error {
	list := cli.NewList(j.env, j.o.Output, "WORKFLOW", "NAME", "SCHEDULE", "NEXT", "LAST RUN", "STATUS")
	var wrong []string
	some := false
	for cursor, first := "", true; first || cursor != ""; first = false {
		var page wire.Workflows
		if err := j.p.Call(ctx, wire.OpWorkflowList, &wire.WorkflowList{Cursor: cursor}, &page); err != nil {
			return err
		}
		for _, w := range page.Workflows {
			some = true
			if w.Errors == nil {
				w.Errors = []wire.Problem{}
			}
			for _, e := range w.Errors {
				wrong = append(wrong, e.String())
			}
			if err := list.Add(w, w.Workflow, or(w.Name), or(w.Schedule), j.env.Local(w.Next), or(w.LastRun), status(w)); err != nil {
				return err
			}
		}
		cursor = page.Cursor
	}
	if err := list.Flush(); err != nil {
		return err
	}
	if list.JSON() {
		return nil
	}
	if !some && !j.o.Quiet {
		fmt.Fprintf(j.env.Stderr, "%s: there are no workflows\n", j.env.Name)
	}
	if len(wrong) > 0 {
		wrong = append([]string{""}, wrong...)
	}
	for _, line := range wrong {
		if _, err := fmt.Fprintln(j.env.Stdout, cli.Clean(line)); err != nil {
			return err
		}
	}
	return nil
}

func status(w wire.Workflow) string {
	switch {
	case w.Name == nil && len(w.Errors) > 0:
		return "does not load"
	case w.Paused:
		return "paused"
	}
	return or(w.LastStatus)
}
