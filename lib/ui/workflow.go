package ui

import (
	"context"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"github.com/cdktr/cdktr/lib/ui/timeline"
	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

// workflowScreen is one workflow: its tasks with their dependencies above, its
// definition below.
type workflowScreen struct {
	k      *kit
	id     string
	def    *workflow.Definition // nil: not read yet
	asking bool
	failed string // why it could not be read

	drawn *timeline.Run
	graph *timeline.Gutter
	limit int // of cells, that the graph was made for
	tasks table

	text  []string       // the definition, clean and painted
	parts map[string]int // where a task begins in it
	width int            // that the text was made for
	top   int
	room  int

	below  bool // the definition takes the keys
	places [2]place4
}

// workflowDefined is what was read of a workflow.
type workflowDefined struct {
	of  *workflowScreen
	def *workflow.Definition
	err error
}

func newWorkflowScreen(k *kit, id string) *workflowScreen { return &workflowScreen{k: k, id: id} }

func (s *workflowScreen) start() tea.Cmd  { return s.read() }
func (s *workflowScreen) crumb() string   { return s.id }
func (s *workflowScreen) filter() *filter { return nil }

// show reads it again: the file may have changed.
func (s *workflowScreen) show() tea.Cmd {
	s.failed = ""
	return s.ask()
}

func (s *workflowScreen) read() tea.Cmd {
	if s.def != nil || s.failed != "" {
		return nil
	}
	return s.ask()
}

func (s *workflowScreen) ask() tea.Cmd {
	if s.asking || !s.k.alive() {
		return nil
	}
	s.asking = true
	return s.k.ask(reading, func(ctx context.Context, p Principal) tea.Msg {
		def, err := definition(ctx, p, s.id)
		return workflowDefined{s, def, err}
	})
}

func (s *workflowScreen) update(msg tea.Msg) (tea.Cmd, bool) {
	switch msg := msg.(type) {
	case tea.KeyMsg:
		return s.press(msg)
	case tea.MouseMsg:
		s.mouse(msg)
		return nil, true
	case workflowsMsg:
		if s.k.mended(s.id) {
			return s.show(), false
		}
	case workflowDefined:
		if msg.of == s {
			s.defined(msg)
		}
	}
	return s.read(), false
}

func (s *workflowScreen) defined(m workflowDefined) {
	s.asking = false
	if refused(m.err) {
		s.failed = errorText(m.err)
	}
	if m.err != nil || s.def != nil && s.def.Hash == m.def.Hash {
		return
	}
	s.def, s.width, s.limit = m.def, 0, 0
	r := wire.Run{Status: "PENDING"}
	for _, t := range allTasks(m.def) {
		r.Tasks = append(r.Tasks, wire.Task{Task: t.ID, Status: "PENDING"})
	}
	s.drawn = timeline.Fold(m.def, &r, nil, clean)
}

// allTasks are the tasks, and after them the handlers.
func allTasks(def *workflow.Definition) []*workflow.Task {
	var all []*workflow.Task
	for i := range def.Tasks {
		all = append(all, &def.Tasks[i])
	}
	return append(all, def.Handlers()...)
}

func (s *workflowScreen) press(msg tea.KeyMsg) (tea.Cmd, bool) {
	switch msg.String() {
	case "r":
		return send(openForm{s.id}), true
	case "p":
		return s.k.askPause(s.id), true
	case "l":
		return send(openLogs{workflow: s.id, task: s.taskAtHand()}), true
	case "y":
		return s.k.copy(s.id), true
	case "tab", "shift+tab":
		s.below = !s.below
		return nil, true
	case "enter":
		s.below = true
		return nil, true
	}
	if s.def == nil {
		return nil, false
	}
	if s.below {
		return nil, s.scroll(msg.String())
	}
	used := s.tasks.key(msg, len(s.drawn.Tasks))
	if used {
		s.follow()
	}
	return nil, used
}

// taskAtHand is the task under the cursor, while the tasks take the keys.
func (s *workflowScreen) taskAtHand() string {
	if s.def == nil || s.below || s.tasks.cursor == 0 {
		return ""
	}
	return s.task(s.tasks.cursor).ID
}

// task is that of a row.
func (s *workflowScreen) task(row int) *workflow.Task {
	return allTasks(s.def)[s.graph.Order[row]]
}

// follow brings the definition of the task at hand into view.
func (s *workflowScreen) follow() {
	if s.graph != nil && s.tasks.cursor < len(s.graph.Order) {
		s.top = s.parts[s.task(s.tasks.cursor).ID]
	}
}

func (s *workflowScreen) scroll(name string) bool {
	switch name {
	case "j", "down":
		s.top++
	case "k", "up":
		s.top--
	case "pgdown", " ", "ctrl+d":
		s.top += max(1, s.room-1)
	case "pgup", "ctrl+u":
		s.top -= max(1, s.room-1)
	case "g", "home":
		s.top = 0
	case "G", "end":
		s.top = len(s.text)
	default:
		return false
	}
	s.top = max(0, min(s.top, len(s.text)-s.room))
	return true
}

func (s *workflowScreen) mouse(msg tea.MouseMsg) {
	if s.def == nil {
		return
	}
	press := msg.Action == tea.MouseActionPress && msg.Button == tea.MouseButtonLeft
	upper, lower := s.places[0], s.places[1]
	switch n := len(s.drawn.Tasks); {
	case upper.has(msg.X, msg.Y):
		i := s.tasks.at(msg.Y-upper.y, n)
		if s.tasks.wheel(msg, n) {
			s.follow()
		} else if press && i >= 0 {
			s.below = false
			s.tasks.to(i, n)
			s.follow()
		}
	case lower.has(msg.X, msg.Y):
		switch {
		case msg.Button == tea.MouseButtonWheelUp:
			s.top = max(0, s.top-3)
		case msg.Button == tea.MouseButtonWheelDown:
			s.top = max(0, min(s.top+3, len(s.text)-s.room))
		case press:
			s.below = true
		}
	}
}

func (s *workflowScreen) keys() []key.Binding {
	return []key.Binding{
		bind([]string{"j", "k"}, "j/k", ":task|the next task, the one before; in the definition: scroll"),
		bind([]string{"r"}, "r", "run|run it: a form asks for the parameters"),
		bind([]string{"p"}, "p", "pause|pause or resume the schedule"),
		bind([]string{"l"}, "l", "logs|lines of its runs, or of the task at hand"),
		bind([]string{"tab"}, "tab", "pane|change between tasks and definition"),
		bind([]string{"y"}, "y", "copy-id|copy the workflow's id"),
		bind([]string{"enter"}, s.k.glyph.enter, "|to the definition of the task"),
		bind([]string{"pgdown"}, "space", "|a page down; pgup: up"),
		bind([]string{"g"}, "g/G", "|to the first, the last"),
	}
}
