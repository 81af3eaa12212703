package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/cdktr/cdktr/lib/wire"
)

// Logs are the log records that a query asks for, in its order, as the history
// has them now. They come page by page, so memory is bounded at any length. An
// error is the last that is given.
func (c *Client) Logs(ctx context.Context, q wire.LogsQuery) iter.Seq2[wire.LogRecord, error] {
	return pages(q.Cursor, func(cursor string) ([]wire.LogRecord, string, error) {
		q := q // the sequence may be iterated over by many
		q.Cursor = cursor
		var page wire.Logs
		if err := c.Call(ctx, wire.OpLogsQuery, &q, &page); err != nil {
			return nil, "", err
		}
		if !page.More {
			page.Cursor = ""
		}
		records, err := decode(page.Records)
		return records, page.Cursor, err
	})
}

// Events are the status changes that a query asks for, like Logs.
func (c *Client) Events(ctx context.Context, q wire.EventsQuery) iter.Seq2[wire.Event, error] {
	return pages(q.Cursor, func(cursor string) ([]wire.Event, string, error) {
		q := q // the sequence may be iterated over by many
		q.Cursor = cursor
		var page wire.Events
		err := c.Call(ctx, wire.OpEventsQuery, &q, &page)
		return page.Events, page.Cursor, err
	})
}

// Runs are the runs that a query asks for, without their tasks, the newest last,
// like Logs.
func (c *Client) Runs(ctx context.Context, q wire.RunList) iter.Seq2[wire.Run, error] {
	return pages(q.Cursor, func(cursor string) ([]wire.Run, string, error) {
		q := q // the sequence may be iterated over by many
		q.Cursor = cursor
		var page wire.Runs
		err := c.Call(ctx, wire.OpRunList, &q, &page)
		return page.Runs, page.Cursor, err
	})
}

// Workflows are all workflows that the principal knows, by id, like Logs.
func (c *Client) Workflows(ctx context.Context) iter.Seq2[wire.Workflow, error] {
	return pages("", func(cursor string) ([]wire.Workflow, string, error) {
		var page wire.Workflows
		err := c.Call(ctx, wire.OpWorkflowList, &wire.WorkflowList{Cursor: cursor}, &page)
		return page.Workflows, page.Cursor, err
	})
}

// Agents are all agents that the principal knows, by name, like Logs.
func (c *Client) Agents(ctx context.Context) iter.Seq2[wire.Agent, error] {
	return pages("", func(cursor string) ([]wire.Agent, string, error) {
		var page wire.Agents
		err := c.Call(ctx, wire.OpAgentList, &wire.AgentList{Cursor: cursor}, &page)
		return page.Agents, page.Cursor, err
	})
}

// pages gives what is on the pages that fetch gets, from one cursor to the next.
func pages[T any](first string, fetch func(cursor string) (items []T, next string, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for cursor := first; ; {
			items, next, err := fetch(cursor)
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			if cursor = next; cursor == "" {
				return
			}
		}
	}
}

// errEnough ends following: whoever iterates has left the loop.
var errEnough = errors.New("enough")

// WatchLogs are the log records that a query asks for, each once, in order of
// position: what there is and then what comes, with no gap and no double over
// any loss of connection and restart of the principal. It ends with the last
// line of the run where the query names one, else with an error: of ctx, or an
// *AwayError. See FollowLogs.
func (c *Client) WatchLogs(ctx context.Context, q wire.LogsQuery) iter.Seq2[wire.LogRecord, error] {
	return func(yield func(wire.LogRecord, error) bool) {
		give := func(page wire.Logs) error {
			records, err := decode(page.Records)
			for _, r := range records {
				if !yield(r, nil) {
					return errEnough
				}
			}
			return err
		}
		var err error
		if q.Run != "" {
			_, err = c.FollowRun(ctx, q.Run, q, give)
		} else {
			err = c.FollowLogs(ctx, q, give)
		}
		if err != nil && !errors.Is(err, errEnough) {
			yield(wire.LogRecord{}, err)
		}
	}
}

// WatchEvents is WatchLogs for status changes. Where the query names a run, and
// no task, it ends with the run's last one.
func (c *Client) WatchEvents(ctx context.Context, q wire.EventsQuery) iter.Seq2[wire.Event, error] {
	return func(yield func(wire.Event, error) bool) {
		err := c.FollowEvents(ctx, q, func(page wire.Events) error {
			for _, e := range page.Events {
				if !yield(e, nil) || q.Run != "" && ends(e) {
					return errEnough
				}
			}
			return nil
		})
		if !errors.Is(err, errEnough) {
			yield(wire.Event{}, err)
		}
	}
}

// ends tells whether an event is the end of its run.
func ends(e wire.Event) bool {
	return e.Task == nil && e.Status != "PENDING" && e.Status != "RUNNING"
}

func decode(records []json.RawMessage) ([]wire.LogRecord, error) {
	out := make([]wire.LogRecord, len(records))
	for i, raw := range records {
		if err := json.Unmarshal(raw, &out[i]); err != nil {
			return out[:i], fmt.Errorf("read log record: %w", err)
		}
	}
	return out, nil
}
