package ui

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/cdktr/cdktr/lib/wire"
)

// feed keeps the world up to date: status and agents at each tick, workflows a
// little less often, runs by the history's pages and then by status changes.
type feed struct {
	k       *kit
	refresh time.Duration

	events  *stream[wire.Event]
	pos     int64 // status changes up to here are in the world
	epoch   string
	loading bool // a page of runs is on its way
	naming  bool // thin rows are being asked for
	thin    int64
	asked   map[string]bool // runs whose tasks are on their way
	listed  time.Time       // when workflows were last asked for
}

const (
	firstPage = 200
	nextPage  = 1000

	// readAhead is how many runs are read without being asked for: lists and
	// filters have them at once. Who scrolls further gets the pages beyond.
	readAhead = 20_000

	// fetches is how many runs are read at a time, for their tasks.
	fetches = 4

	listEvery = 3 * time.Second

	// askAgain is the pause after a run that could not be read: it is asked for
	// with each message.
	askAgain = 3 * time.Second
)

// News of the feed.
type (
	pollTick  struct{}
	statusMsg struct {
		status wire.PrincipalStatus
		lag    time.Duration
		err    error
	}
	agentsMsg    struct{ agents []wire.Agent }
	workflowsMsg struct{ workflows []wire.Workflow }
	pageMsg      struct {
		wire.Runs
		asked int  // how many runs at most
		first bool // of the session
		err   error
	}
	changedMsg struct { // runs that were known from status changes only
		wire.Runs
		from int64
		err  error
	}
	foreignMsg struct{} // the history is not the one that it was
	runMsg     struct {
		id  string
		run wire.Run
		rev int
		err error
	}
)

func newFeed(k *kit, refresh time.Duration) *feed {
	return &feed{k: k, refresh: refresh, asked: make(map[string]bool)}
}

func (f *feed) start() tea.Cmd { return tea.Batch(f.poll(), f.listAgents()) }

// poll asks whether the principal is there. The deadline is short: a loss shows
// within seconds.
func (f *feed) poll() tea.Cmd {
	now := f.k.now
	return f.k.ask(5*time.Second, func(ctx context.Context, p Principal) tea.Msg {
		var m statusMsg
		start := now()
		m.err = p.CallOnce(ctx, wire.OpStatus, &wire.Plain{}, &m.status)
		m.lag = now().Sub(start)
		return m
	})
}

func (f *feed) listAgents() tea.Cmd {
	return f.k.ask(reading, func(ctx context.Context, p Principal) tea.Msg {
		var all []wire.Agent
		for cursor := ""; ; {
			var page wire.Agents
			if err := p.CallOnce(ctx, wire.OpAgentList, &wire.AgentList{Cursor: cursor}, &page); err != nil {
				return nil
			}
			all = append(all, page.Agents...)
			if cursor = page.Cursor; cursor == "" {
				return agentsMsg{all}
			}
		}
	})
}

func (f *feed) listWorkflows() tea.Cmd {
	f.listed = f.k.now()
	return f.k.ask(reading, func(ctx context.Context, p Principal) tea.Msg {
		var all []wire.Workflow
		for cursor := ""; ; {
			var page wire.Workflows
			if err := p.CallOnce(ctx, wire.OpWorkflowList, &wire.WorkflowList{Cursor: cursor}, &page); err != nil {
				return nil
			}
			all = append(all, page.Workflows...)
			if cursor = page.Cursor; cursor == "" {
				return workflowsMsg{all}
			}
		}
	})
}

// page asks for runs before those that there are.
func (f *feed) page(n int) tea.Cmd {
	if f.loading {
		return nil
	}
	f.loading = true
	q := wire.RunList{Last: n}
	w := f.k.world
	first := !w.loaded
	if !first && len(w.runs) > 0 {
		until := wire.At(w.runs[0].at.Add(time.Millisecond))
		q.Until = &until
	}
	return f.k.ask(3*reading, func(ctx context.Context, p Principal) tea.Msg {
		m := pageMsg{asked: n, first: first}
		m.Runs, m.err = listRuns(ctx, p, q)
		return m
	})
}

// listRuns reads all pages of a query. Pos is that of the first.
func listRuns(ctx context.Context, p Principal, q wire.RunList) (wire.Runs, error) {
	var all wire.Runs
	for {
		var page wire.Runs
		if err := p.CallOnce(ctx, wire.OpRunList, &q, &page); err != nil {
			return all, err
		}
		all.Runs = append(all.Runs, page.Runs...)
		if all.Pos == 0 {
			all.Pos = page.Pos
		}
		if q.Cursor = page.Cursor; q.Cursor == "" {
			return all, nil
		}
	}
}

// older asks for more of the history, if there is more: who scrolls has come to
// the end of what is here.
func (f *feed) older() tea.Cmd {
	if !f.k.world.older || !f.k.alive() || len(f.k.world.runs) >= mostRuns {
		return nil
	}
	return f.page(nextPage)
}

// want reads runs with their tasks, a few at a time: those that were not read
// yet, or have changed since.
func (f *feed) want(rows []*runRow) tea.Cmd {
	if !f.k.alive() {
		return nil
	}
	var cmds []tea.Cmd
	now := f.k.now()
	for _, row := range rows {
		if len(f.asked) >= fetches {
			break
		}
		if row.sum.total > 0 && (!row.sum.stale || row.busy(now)) || f.asked[row.Run.Run] || now.Sub(row.miss) < askAgain {
			continue
		}
		f.asked[row.Run.Run], row.read = true, now
		cmds = append(cmds, f.read(row.Run.Run, row.rev))
	}
	return tea.Batch(cmds...)
}

func (f *feed) read(id string, rev int) tea.Cmd {
	return f.k.ask(reading, func(ctx context.Context, p Principal) tea.Msg {
		m := runMsg{id: id, rev: rev}
		m.err = p.CallOnce(ctx, wire.OpRunGet, &wire.RunRef{Run: id}, &m.run)
		return m
	})
}

// followEvents goes on from pos for as long as the session lasts.
func (f *feed) followEvents() tea.Cmd {
	pos := f.pos
	f.events = follow(f.k, func(ctx context.Context, p Principal, put func(...wire.Event) error) error {
		for {
			err := p.FollowEvents(ctx, wire.EventsQuery{After: pos}, func(page wire.Events) error {
				pos = max(pos, page.Pos)
				return put(page.Events...)
			})
			if ctx.Err() != nil {
				return err
			}
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	return f.events.next()
}
