package ui

import (
	"slices"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
)

// runsScreen is the first screen: all runs, the newest first, with what became
// of each workflow at the left and the tasks of the run at hand below.
type runsScreen struct {
	k     *kit
	focus pane
	zoom  bool

	list      table
	workflows table
	tasks     table

	find *filter
	only string // the workflow that was chosen at the left; empty: all

	rows  []*runRow // as listed, the oldest first
	made  int       // the world's revision that rows were made of
	stale bool      // the filter has changed since
	at    *runRow   // under the cursor; nil: the newest, whichever that is
	of    string    // the run whose tasks were shown last

	places [panes]place4
	click  clicked
}

// pane is a part of the screen that takes keys.
type pane int

const (
	paneRuns pane = iota
	paneTasks
	paneWorkflows
	panes
)

// place4 is where a pane is drawn.
type place4 struct{ x, y, w, h int }

func (p place4) has(x, y int) bool { return x >= p.x && x < p.x+p.w && y >= p.y && y < p.y+p.h }

func newRunsScreen(k *kit) *runsScreen {
	s := &runsScreen{k: k, find: newFilter(k), stale: true}
	s.list = table{k: k, cols: []column{
		{title: "  STATUS", width: 11},
		{title: "RUN", width: 16},
		{title: "WORKFLOW", width: 16, most: 40},
		{title: "TRIGGER", width: 7, drop: 5},
		{title: "AGENT", width: 6, most: 16, drop: 6},
		{title: "START", width: 8, most: 11, drop: 3},
		{title: "DUR", width: 6, right: true, drop: 1},
		{title: "TASKS", width: tasksWidth, most: 20, drop: 4},
	}}
	s.tasks = table{k: k, cols: []column{
		{title: "TASK", width: 16, most: 20},
		{title: "STATE", width: 8},
		{title: "ATT", width: 3, right: true, drop: 3},
		{title: "AGENT", width: 6, most: 10, drop: 2},
		{title: "START", width: 8, drop: 4},
		{title: "DUR", width: 6, right: true, drop: 1},
		{title: "WAITING ON", width: 12, most: 300, drop: 5},
	}}
	s.workflows = table{k: k, bare: true, cols: []column{{width: 13, most: 60}, {width: 8, most: 12, right: true}}}
	return s
}

func (s *runsScreen) start() tea.Cmd   { return s.want() }
func (s *runsScreen) show() tea.Cmd    { return s.want() }
func (s *runsScreen) crumb() string    { return "Runs" }
func (s *runsScreen) headline() string { return "" }
func (s *runsScreen) filter() *filter  { return s.find }
func (s *runsScreen) capturing() bool  { return s.find.typing }

// refresh makes the list anew where the world or the filter has changed. The
// cursor stays on its run.
func (s *runsScreen) refresh() {
	w := s.k.world
	if s.made == w.rev && !s.stale {
		return
	}
	s.made, s.stale = w.rev, false
	all := w.runs
	if s.only != "" {
		all = w.of[s.only]
	}
	s.rows = all
	if s.find.on() {
		s.rows = make([]*runRow, 0, len(all)/4)
		for _, row := range all {
			if s.find.matches(row.has) {
				s.rows = append(s.rows, row)
			}
		}
	}
	s.find.shown, s.find.total, s.find.more = len(s.rows), len(w.runs), w.older
	if s.at != nil {
		if w.run(s.at.Run.Run) != s.at {
			s.at = nil
		} else if i, found := slices.BinarySearchFunc(s.rows, s.at, earlier); found {
			s.list.cursor = len(s.rows) - 1 - i
			return
		}
	}
	if s.at == nil {
		s.list.cursor = 0
	}
	s.list.to(s.list.cursor, len(s.rows))
}

// row is row i of the list, the newest being 0.
func (s *runsScreen) row(i int) *runRow { return s.rows[len(s.rows)-1-i] }

// current is the run under the cursor, or nil.
func (s *runsScreen) current() *runRow {
	s.refresh()
	if len(s.rows) == 0 {
		return nil
	}
	return s.row(s.list.cursor)
}

// hold keeps the cursor on the run that it is on now, also when others come.
func (s *runsScreen) hold() {
	s.at = nil
	if s.list.cursor > 0 && len(s.rows) > 0 {
		s.at = s.row(s.list.cursor)
	}
}

// want asks for the tasks of the runs in sight, the one at hand first.
func (s *runsScreen) want() tea.Cmd {
	row := s.current()
	if row == nil {
		return nil
	}
	rows := []*runRow{row}
	if s.k.world.details.peek(row.Run.Run) == nil && row.sum.reason == "" {
		row.sum.stale = true // its tasks are out of memory
	}
	first, end := s.list.sight(s.list.height+1, len(s.rows))
	for i := first; i < end; i++ {
		rows = append(rows, s.row(i))
	}
	cmds := []tea.Cmd{s.k.feed.want(rows)}
	if end == len(s.rows) && !s.find.typing {
		cmds = append(cmds, s.k.feed.older())
	}
	return tea.Batch(cmds...)
}

func (s *runsScreen) update(msg tea.Msg) (tea.Cmd, bool) {
	switch msg := msg.(type) {
	case tea.KeyMsg:
		cmd, used := s.key(msg)
		return tea.Batch(cmd, s.want()), used
	case tea.MouseMsg:
		return tea.Batch(s.mouse(msg), s.want()), true
	}
	s.refresh()
	return s.want(), false
}

func (s *runsScreen) key(msg tea.KeyMsg) (tea.Cmd, bool) {
	s.refresh()
	if s.find.typing {
		s.typed(s.find.key(msg))
		return nil, true
	}
	if cmd, used := s.action(msg.String()); used {
		return cmd, true
	}
	switch s.focus {
	case paneWorkflows:
		names := s.names()
		if s.workflows.key(msg, len(names)) {
			s.choose(names[s.workflows.cursor])
			return nil, true
		}
	case paneTasks:
		return nil, s.tasks.key(msg, s.taskCount())
	default:
		if s.list.key(msg, len(s.rows)) {
			s.hold()
			return nil, true
		}
	}
	return nil, false
}

func (s *runsScreen) typed(e filterEvent) {
	s.stale, s.at, s.list.cursor = true, nil, 0
	s.refresh()
	if e == filterDone {
		s.focus = paneRuns
		s.hold()
	}
}

// choose shows the runs of one workflow alone; an empty name is all.
func (s *runsScreen) choose(workflow string) {
	if s.only != workflow {
		s.only, s.stale, s.at, s.list.cursor = workflow, true, nil, 0
		s.refresh()
	}
}

func (s *runsScreen) action(name string) (tea.Cmd, bool) {
	row := s.current()
	switch name {
	case "/", "F":
		s.find.open()
		return nil, true
	case "esc":
		switch {
		case s.zoom:
			s.zoom = false
		case s.find.on():
			s.find.set("")
			s.typed(filterDone)
		case s.only != "":
			s.workflows.cursor = 0
			s.choose("")
		case s.focus != paneRuns:
			s.focus = paneRuns
		default:
			return nil, false
		}
		return nil, true
	case "tab":
		s.focus = s.next(1)
		return nil, true
	case "shift+tab":
		s.focus = s.next(int(panes) - 1)
		return nil, true
	case "z":
		s.zoom = !s.zoom
		s.focus = paneRuns
		return nil, true
	case "enter":
		if s.focus == paneWorkflows {
			s.focus = paneRuns
			return nil, true
		}
	case "r":
		if id := s.workflowAtHand(row); id != "" {
			return send(openForm{id}), true
		}
		return toast(info, "choose a workflow first"), true
	}
	if row == nil {
		if text := s.find.text(); name == "enter" && maybeRun(text) {
			return send(openRun{run: text}), true // it may be older than those that are here
		}
		return nil, false
	}
	id := row.Run.Run
	switch name {
	case "enter":
		return send(openRun{run: id, task: s.taskAtHand()}), true
	case "R":
		return s.k.askRetry(id), true
	case "x":
		return s.k.askCancel(id), true
	case "y":
		return s.k.copy(id), true
	case "l":
		return send(openLogs{workflow: row.Workflow, run: id, task: s.taskAtHand()}), true
	case "u":
		return send(newRunPage(s.k, row)), true
	case "E":
		if s.failures(row) == 0 {
			return toast(info, "run "+id+" has no failed task"), true
		}
		return send(openRun{run: id, errors: true}), true
	}
	return nil, false
}

// maybeRun tells whether text may be a run's id, or enough of its beginning.
func maybeRun(text string) bool {
	return len(text) >= 4 && strings.Trim(text, "0123456789abcdefghijklmnopqrstuvwxyz") == ""
}

// next is the pane that takes keys after this one.
func (s *runsScreen) next(step int) pane {
	for p := s.focus; ; {
		p = (p + pane(step)) % panes
		if p == paneRuns || s.places[p].w > 0 {
			return p
		}
	}
}

func (s *runsScreen) workflowAtHand(row *runRow) string {
	switch {
	case s.focus == paneWorkflows && s.workflows.cursor > 0:
		return s.names()[s.workflows.cursor]
	case row != nil:
		return row.Workflow
	}
	return s.only
}

func (s *runsScreen) taskAtHand() string {
	row := s.current()
	if s.focus != paneTasks || row == nil {
		return ""
	}
	d := s.k.world.detail(row.Run.Run)
	if d == nil || s.tasks.cursor >= len(d.Tasks) {
		return ""
	}
	return d.Tasks[s.tasks.cursor].Task
}

func (s *runsScreen) taskCount() int {
	if row := s.current(); row != nil {
		if d := s.k.world.detail(row.Run.Run); d != nil {
			return len(d.Tasks)
		}
	}
	return 0
}

func (s *runsScreen) failures(row *runRow) int {
	if row == nil {
		return 0
	}
	return row.sum.failed
}

// names are what the left pane lists: all, and then each workflow. A workflow
// that is gone is there as long as runs of it are.
func (s *runsScreen) names() []string {
	w := s.k.world
	names := []string{""}
	for i := range w.workflows {
		names = append(names, w.workflows[i].Workflow)
	}
	for id, rows := range w.of {
		if len(rows) > 0 && w.workflow(id) == nil {
			names = append(names, id)
		}
	}
	slices.Sort(names[1:])
	return names
}

// has tells whether a field of the run has a value; see filter.
func (r *runRow) has(field, value string) bool {
	in := func(s string) bool { return strings.Contains(strings.ToLower(s), value) }
	switch field {
	case "status", "s":
		return statusNamed(r.Status, value)
	case "wf", "workflow", "w":
		return in(r.Workflow)
	case "run", "id":
		return in(r.Run.Run)
	case "trigger", "t":
		return in(r.Trigger)
	case "agent", "a":
		return in(r.sum.agent)
	case "param", "p":
		return r.hasParam(in)
	case "":
		return in(r.Run.Run) || in(r.Workflow) || statusNamed(r.Status, value) || in(r.Trigger) || r.hasParam(in)
	}
	return false
}

func (r *runRow) hasParam(in func(string) bool) bool {
	for name, v := range r.Params {
		if in(name + "=" + v) {
			return true
		}
	}
	return false
}

func (s *runsScreen) keys() []key.Binding {
	if s.find.typing {
		return s.k.writingKeys("select|select the first match")
	}
	return []key.Binding{
		bind([]string{"enter"}, s.k.glyph.enter, "open|the run's timeline and logs"),
		bind([]string{"r"}, "r", "run|run this workflow"),
		bind([]string{"R"}, "R", "retry|run the failed tasks again"),
		bind([]string{"x"}, "x", "cancel|cancel the run"),
		bind([]string{"y"}, "y", "copy-id|copy the run's id"),
		bind([]string{"l"}, "l", "logs|lines of the run"),
		bind([]string{"/", "F"}, "/", "filter|show only what matches"),
		bind([]string{"F"}, "F", "|filter, too"),
		bind([]string{"z"}, "z", "zoom|the list alone"),
		bind([]string{"u"}, "u", "|details of the run"),
		bind([]string{"E"}, "E", "|the first error of the run"),
		bind([]string{"tab"}, "tab", "|to the next pane"),
		bind([]string{"j"}, "j/k", "|down, up; arrows, wheel too"),
		bind([]string{"pgdown"}, "space", "|a page down; pgup: up"),
		bind([]string{"g"}, "g/G", "|to the newest, the oldest"),
		bind([]string{"esc"}, "esc", "|clear the filter"),
	}
}
