package ui

import (
	"cmp"
	"context"
	"errors"
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/cdktr/cdktr/lib/wire"
)

// arrive takes news of the feed into the world, and asks for what follows.
func (f *feed) arrive(msg tea.Msg) tea.Cmd {
	w := f.k.world
	switch msg := msg.(type) {
	case pollTick:
		return tea.Batch(f.poll(), f.listAgents())
	case statusMsg:
		return tea.Batch(f.heard(msg), after(f.refresh, later{f.k.session, pollTick{}}))
	case agentsMsg:
		w.agents, w.known.agents = msg.agents, true
	case workflowsMsg:
		slices.SortFunc(msg.workflows, func(a, b wire.Workflow) int { return cmp.Compare(a.Workflow, b.Workflow) })
		w.workflows, w.known.workflows = msg.workflows, true
	case pageMsg:
		return f.paged(msg)
	case changedMsg:
		f.naming = false
		if msg.err != nil {
			f.thin = msg.from // at the next change
			return nil
		}
		w.page(msg.Runs.Runs, msg.Pos)
		return f.name()
	case foreignMsg:
		f.restart()
		return f.page(firstPage)
	case runMsg:
		delete(f.asked, msg.id)
		f.got(msg)
	case batch[wire.Event]:
		return f.happened(msg)
	}
	return nil
}

func (f *feed) heard(m statusMsg) tea.Cmd {
	w, now := f.k.world, f.k.now()
	l := &w.link
	up := m.err == nil
	if !l.tried || l.up != up {
		l.since = now
	}
	back := up && !l.up
	l.tried, l.up = true, up
	if !up {
		l.err = errorText(m.err)
		return nil
	}
	l.heard, l.lag, l.err = now, m.lag, ""
	changed := m.status.Workflows != w.status.Workflows || m.status.Broken != w.status.Broken
	w.status = m.status
	restarted := f.epoch != "" && m.status.Epoch != f.epoch
	f.epoch = m.status.Epoch
	var cmds []tea.Cmd
	switch {
	case restarted && m.status.Pos < f.pos:
		f.restart()
	case restarted:
		cmds = append(cmds, f.recognise())
	}
	if !w.loaded {
		cmds = append(cmds, f.page(firstPage))
	}
	if back || changed || now.Sub(f.listed) >= listEvery {
		cmds = append(cmds, f.listWorkflows())
	}
	return tea.Batch(cmds...)
}

// restart forgets the runs: the history is not the one that it was.
func (f *feed) restart() {
	w := f.k.world
	fresh := newWorld()
	fresh.link, fresh.status, fresh.workflows, fresh.agents, fresh.known = w.link, w.status, w.workflows, w.agents, w.known
	fresh.rev = w.rev + 1
	*w = *fresh
	if f.events != nil {
		f.events.stop()
	}
	f.events, f.pos, f.loading, f.thin = nil, 0, false, 0
}

// recognise asks for the newest run that is known: a history without it is
// another one, also where it is longer.
func (f *feed) recognise() tea.Cmd {
	runs := f.k.world.runs
	if len(runs) == 0 {
		return nil
	}
	id := runs[len(runs)-1].Run.Run
	return f.k.ask(reading, func(ctx context.Context, p Principal) tea.Msg {
		err := p.CallOnce(ctx, wire.OpRunGet, &wire.RunRef{Run: id}, new(wire.Run))
		if refused := (*wire.Error)(nil); errors.As(err, &refused) && refused.Code == wire.NotFound {
			return foreignMsg{}
		}
		return nil
	})
}

func (f *feed) paged(m pageMsg) tea.Cmd {
	w := f.k.world
	f.loading = false
	if m.err != nil || m.first == w.loaded {
		return nil // the next tick asks again, or scrolling does
	}
	before := len(w.runs)
	w.page(m.Runs.Runs, m.Pos)
	w.older = len(m.Runs.Runs) >= m.asked
	var follow tea.Cmd
	if m.first {
		w.loaded, w.link.live = true, true
		f.pos = m.Pos
		follow = f.followEvents()
	}
	switch {
	case !w.older || len(w.runs) >= readAhead:
		return follow
	case !m.first && len(w.runs) == before:
		return tea.Batch(follow, f.page(2*m.asked)) // so many in one millisecond
	}
	return tea.Batch(follow, f.page(nextPage))
}

func (f *feed) got(m runMsg) {
	if m.err == nil {
		f.k.world.read(m.run, m.rev)
	}
	row := f.k.world.run(m.id)
	if row == nil || m.err == nil && len(m.run.Tasks) > 0 {
		return
	}
	row.miss = f.k.now() // also where the answer says nothing of tasks
	var refused *wire.Error
	if errors.As(m.err, &refused) {
		row.sum = summary{total: 1, reason: clean(refused.Message)} // asked no more until it changes
	}
}

func (f *feed) happened(b batch[wire.Event]) tea.Cmd {
	if b.of != f.events {
		return nil
	}
	w := f.k.world
	for i := range b.items {
		e := &b.items[i]
		if f.thin == 0 && e.Run != "" && w.run(e.Run) == nil {
			f.thin = e.Pos
		}
		w.event(e)
		f.pos = e.Pos
	}
	w.trim()
	if b.ended {
		w.link.live = false
		return nil
	}
	return tea.Batch(f.events.next(), f.name())
}

// name asks who started the runs that are known from status changes only.
func (f *feed) name() tea.Cmd {
	if f.thin == 0 || f.naming || !f.k.alive() {
		return nil
	}
	f.naming = true
	from := f.thin
	q := wire.RunList{After: from - 1}
	f.thin = 0
	return f.k.ask(reading, func(ctx context.Context, p Principal) tea.Msg {
		m := changedMsg{from: from}
		m.Runs, m.err = listRuns(ctx, p, q)
		return m
	})
}
