package ui

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"github.com/cdktr/cdktr/lib/wire"
)

// agentsScreen lists the agents, and below them what runs on the one at hand.
type agentsScreen struct {
	k     *kit
	list  listing
	tasks table
	below bool // the tasks take the keys
	place place4
}

func newAgentsScreen(k *kit) *agentsScreen {
	return &agentsScreen{k: k,
		list: newListing(k,
			column{title: "AGENT", width: 14, most: 32},
			column{title: "STATE", width: 10},
			column{title: "SLOTS", width: 14},
			column{title: "HEARTBEAT", width: 9, right: true},
			column{title: "VERSION", width: 8, most: 16, drop: 2},
			column{title: "LABELS", width: 14, most: 60, drop: 3},
			column{title: "RUNS", width: 12, most: 80, drop: 1},
		),
		tasks: table{k: k, cols: []column{
			{title: "TASK", width: 16, most: 30},
			{title: "WORKFLOW", width: 16, most: 40},
			{title: "RUN", width: 16},
			{title: "ATT", width: 3, right: true, drop: 2},
			{title: "SINCE", width: 8, most: 11, drop: 1},
			{title: "FOR", width: 6, right: true, drop: 1},
		}},
	}
}

func (s *agentsScreen) crumb() string    { return "Agents" }
func (s *agentsScreen) headline() string { return "" }
func (s *agentsScreen) filter() *filter  { return s.list.find }
func (s *agentsScreen) capturing() bool  { return s.list.find.typing }
func (s *agentsScreen) start() tea.Cmd   { return s.want() }
func (s *agentsScreen) show() tea.Cmd    { return s.want() }

// agent is one of the world's, or nil.
func (k *kit) agent(name string) *wire.Agent {
	all := k.world.agents
	if i := slices.IndexFunc(all, func(a wire.Agent) bool { return a.Agent == name }); i >= 0 {
		return &all[i]
	}
	return nil
}

func (s *agentsScreen) refresh() {
	all := make([]string, 0, len(s.k.world.agents))
	for i := range s.k.world.agents {
		all = append(all, s.k.world.agents[i].Agent)
	}
	slices.Sort(all)
	s.list.fill(all, func(name, field, value string) bool { return agentHas(s.k.agent(name), field, value) })
}

// agentHas tells whether a field of an agent has a value; see filter.
func agentHas(a *wire.Agent, field, value string) bool {
	in := func(text string) bool { return strings.Contains(strings.ToLower(text), value) }
	tasks := func() bool {
		return slices.ContainsFunc(a.Tasks, func(t wire.Attempt) bool { return in(t.Task) || in(t.Run) })
	}
	switch field {
	case "agent", "a", "name":
		return in(a.Agent)
	case "status", "state", "s":
		return in(a.Status)
	case "label", "l":
		return in(labels(a))
	case "task", "run":
		return tasks()
	case "":
		return in(a.Agent) || in(a.Status) || in(labels(a)) || in(a.Version) || tasks()
	}
	return false
}

func (k *kit) agentState(a *wire.Agent) state {
	g, st := &k.glyph, &k.style
	switch a.Status {
	case "BUSY":
		return state{g.running, "busy", st.busy}
	case "READY":
		return state{g.ok, "ready", st.good}
	case "DRAINING":
		return state{g.queued, "draining", st.waiting}
	case "LOST":
		return state{g.lost, "lost", st.bad}
	}
	return state{"?", strings.ToLower(clean(a.Status)), st.off}
}

// labels are as a workflow asks for them.
func labels(a *wire.Agent) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(a.Labels)) {
		all = append(all, name+"="+a.Labels[name])
	}
	return strings.Join(all, " ")
}

// want asks for the runs whose tasks are listed: they say since when.
func (s *agentsScreen) want() tea.Cmd {
	a := s.current()
	if a == nil {
		return nil
	}
	var rows []*runRow
	for i := range a.Tasks {
		if row := s.k.world.run(a.Tasks[i].Run); row != nil {
			rows = append(rows, row)
		}
	}
	return s.k.feed.want(rows)
}

func (s *agentsScreen) current() *wire.Agent {
	s.refresh()
	return s.k.agent(s.list.current())
}

func (s *agentsScreen) update(msg tea.Msg) (tea.Cmd, bool) {
	switch msg := msg.(type) {
	case tea.KeyMsg:
		cmd, used := s.press(msg)
		return tea.Batch(cmd, s.want()), used
	case tea.MouseMsg:
		return tea.Batch(s.mouse(msg), s.want()), true
	case acted:
		return s.k.feed.listAgents(), false // one may have been drained
	case agentsMsg, batch[wire.Event]:
		return s.want(), false
	}
	return nil, false
}

func (s *agentsScreen) press(msg tea.KeyMsg) (tea.Cmd, bool) {
	a := s.current()
	if !s.list.find.typing && a != nil {
		switch msg.String() {
		case "d", "D":
			return s.askDrain(a), true
		case "y":
			return s.k.copy(a.Agent), true
		case "tab", "shift+tab":
			s.below = !s.below
			return nil, true
		case "enter":
			return s.enter(a), true
		case "esc":
			if s.below {
				s.below = false
				return nil, true
			}
		}
		if s.below && s.tasks.key(msg, len(a.Tasks)) {
			return nil, true
		}
	}
	used := s.list.press(msg)
	s.refresh()
	return nil, used
}

// enter goes to the tasks of the agent, and from there to the run.
func (s *agentsScreen) enter(a *wire.Agent) tea.Cmd {
	switch {
	case len(a.Tasks) == 0:
		return toast(info, "nothing runs on "+a.Agent)
	case !s.below:
		s.below = true
		return nil
	}
	t := &a.Tasks[min(s.tasks.cursor, len(a.Tasks)-1)]
	return send(openRun{run: t.Run, task: t.Task})
}

func (s *agentsScreen) askDrain(a *wire.Agent) tea.Cmd {
	name := a.Agent
	switch a.Status {
	case "DRAINING":
		return toast(info, "agent "+name+" is draining already")
	case "LOST":
		return toast(info, "agent "+name+" is lost: there is nobody to drain")
	}
	about := "Nothing runs on it now."
	if a.Running > 0 {
		about = "It finishes what it has: " + plural(a.Running, "task") + "."
	}
	return s.k.confirm("Drain agent "+name+"?", []string{about, "Then it leaves, and gets no more work."}, "drain "+name,
		func(ctx context.Context, p Principal) (string, error) {
			return "draining: " + name, p.Call(ctx, wire.OpAgentDrain, &wire.AgentDrain{Name: name}, nil)
		})
}

func (s *agentsScreen) mouse(msg tea.MouseMsg) tea.Cmd {
	a := s.current()
	if a != nil && s.place.has(msg.X, msg.Y) {
		n := len(a.Tasks)
		i := s.tasks.at(msg.Y-s.place.y, n)
		if !s.tasks.wheel(msg, n) && i >= 0 && msg.Action == tea.MouseActionPress && msg.Button == tea.MouseButtonLeft {
			s.below = true
			s.tasks.to(i, n)
		}
		return nil
	}
	if s.list.point(msg) {
		return s.enter(s.current())
	}
	if msg.Action == tea.MouseActionPress && msg.Button == tea.MouseButtonLeft {
		s.below = false
	}
	return nil
}

func (s *agentsScreen) keys() []key.Binding {
	if s.list.find.typing {
		return s.k.writingKeys("select|select the first match")
	}
	return []key.Binding{
		bind([]string{"enter"}, s.k.glyph.enter, "tasks|to its tasks; on a task: open the run"),
		bind([]string{"d", "D"}, "d", "drain|let it finish what it has and leave"),
		bind([]string{"y"}, "y", "copy-name|copy the agent's name"),
		bind([]string{"/", "F"}, "/", "filter|show only what matches"),
		bind([]string{"tab"}, "tab", "pane|change between agents and tasks"),
		bind([]string{"j"}, "j/k", "|down, up; arrows, wheel too"),
		bind([]string{"pgdown"}, "space", "|a page down; pgup: up"),
		bind([]string{"g"}, "g/G", "|to the first, the last"),
		bind([]string{"esc"}, "esc", "|clear the filter"),
	}
}
