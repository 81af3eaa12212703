package ui

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/cdktr/cdktr/lib/ui/timeline"
	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

// runScreen is one run: its timeline above, lines of its tasks below.
type runScreen struct {
	k    *kit
	want openRun

	past    *runPast // nil: not read yet
	asking  bool
	early   []wire.Event // that came while it was read
	failed  string       // why it could not be read
	drawn   *timeline.Run
	gutter  *timeline.Gutter
	gutterW int // the width that it was made for
	rev     int // of the row that was drawn
	stale   bool
	resting bool // it was just drawn anew, and is large

	cursor int // row of the timeline
	chosen bool
	steady bool // the cursor was put somewhere: it does not go along with what runs
	first  int
	window timeline.Window
	length struct{ rows, from, logs int } // of the last view

	logs  *runLogs
	below bool // the log pane takes the keys
	whole bool // one pane fills the screen
	ask   *asked

	narrow bool // the window has no room for everything in its first line
}

// runPast is what was read of a run: its definition, if there is one still, and
// its status changes. New ones are added as they come.
type runPast struct {
	of     *runScreen
	run    wire.Run
	def    *workflow.Definition
	events []wire.Event
	pos    int64
	err    error
}

func newRunScreen(k *kit, want openRun) *runScreen {
	s := &runScreen{k: k, want: want}
	s.logs = newRunLogs(s)
	return s
}

func (s *runScreen) start() tea.Cmd { return s.read() }
func (s *runScreen) show() tea.Cmd  { return s.read() }
func (s *runScreen) stop()          { s.logs.stop() }

func (s *runScreen) filter() *filter { return nil }
func (s *runScreen) capturing() bool { return s.ask != nil }

// read asks for the run, once.
func (s *runScreen) read() tea.Cmd {
	if s.past != nil || s.asking || !s.k.alive() {
		return nil
	}
	s.asking = true
	id := s.want.run
	return s.k.ask(3*reading, func(ctx context.Context, p Principal) tea.Msg {
		past := &runPast{of: s}
		past.err = past.read(ctx, p, id)
		return past
	})
}

func (h *runPast) read(ctx context.Context, p Principal, id string) error {
	if err := p.CallOnce(ctx, wire.OpRunGet, &wire.RunRef{Run: id}, &h.run); err != nil {
		return err
	}
	if err := h.define(ctx, p); err != nil {
		return err
	}
	q := wire.EventsQuery{Filter: wire.Filter{Run: h.run.Run}}
	for {
		var page wire.Events
		if err := p.CallOnce(ctx, wire.OpEventsQuery, &q, &page); err != nil {
			return err
		}
		h.add(page.Events)
		if q.Cursor = page.Cursor; q.Cursor == "" {
			return nil
		}
	}
}

// define reads the definition that the run has. A principal that does not tell
// it leaves nothing known of dependencies.
func (h *runPast) define(ctx context.Context, p Principal) error {
	var answer wire.WorkflowDefinition
	err := p.CallOnce(ctx, wire.OpWorkflowGet, &wire.WorkflowGet{Run: h.run.Run}, &answer)
	if refused := (*wire.Error)(nil); errors.As(err, &refused) {
		return nil
	}
	if err != nil {
		return err
	}
	var def workflow.Definition
	if json.Unmarshal(answer.Definition, &def) == nil {
		h.def = &def
	}
	return nil
}

// add takes status changes of the run that are new.
func (h *runPast) add(events []wire.Event) (any bool) {
	for _, e := range events {
		if e.Run == h.run.Run && e.Pos > h.pos {
			h.events, h.pos, any = append(h.events, e), e.Pos, true
		}
	}
	return any
}

func (s *runScreen) update(msg tea.Msg) (tea.Cmd, bool) {
	switch msg := msg.(type) {
	case tea.KeyMsg:
		return s.key(msg)
	case tea.MouseMsg:
		return s.mouse(msg)
	case tea.WindowSizeMsg:
		s.narrow = msg.Width < 100
	case *runPast:
		if msg.of == s {
			return s.got(msg), true
		}
	case batch[wire.Event]:
		if msg.of == s.k.feed.events {
			s.happened(msg.items)
		}
	case rested:
		if msg.of == s {
			s.resting = false
		}
	case saved:
		if msg.of == s {
			return msg.tell(), true
		}
	default:
		if cmd, ours := s.logs.update(msg); ours {
			return cmd, true
		}
	}
	return tea.Batch(s.read(), s.refresh(), s.logs.wake()), false
}

func (s *runScreen) got(h *runPast) tea.Cmd {
	s.asking = false
	if h.err != nil {
		s.failed = errorText(h.err)
		refused := (*wire.Error)(nil)
		s.asking = errors.As(h.err, &refused) // it would be refused again
		return nil
	}
	h.add(s.early)
	s.past, s.failed, s.stale, s.early = h, "", true, nil
	s.want.run = h.run.Run
	return s.refresh()
}

func (s *runScreen) happened(events []wire.Event) {
	switch {
	case s.past != nil:
		if s.past.add(events) {
			s.stale = true
		}
	case s.asking:
		for _, e := range events {
			if e.Run == s.want.run {
				s.early = append(s.early, e)
			}
		}
	}
}

// refresh draws the run anew where something has changed, and asks for what the
// changes did not tell.
func (s *runScreen) refresh() tea.Cmd {
	if s.past == nil {
		return nil
	}
	id := s.past.run.Run
	row := s.k.world.run(id)
	var cmd tea.Cmd
	if row != nil {
		cmd = s.k.feed.want([]*runRow{row})
		if row.rev != s.rev {
			s.rev, s.stale = row.rev, true
		}
	}
	if !s.stale || s.resting {
		return cmd
	}
	s.stale = false
	if now := s.k.world.detail(id); now != nil {
		s.past.run = *now
	}
	s.drawn = timeline.Fold(s.past.def, &s.past.run, s.past.events, clean)
	if s.gutter != nil && len(s.gutter.Order) != len(s.drawn.Tasks) {
		s.gutter = nil
	}
	begun := s.begin()
	s.goAlong()
	return tea.Batch(cmd, begun, s.logs.refresh(), s.rest())
}

// goAlong moves the cursor to the task that began last of those that run.
func (s *runScreen) goAlong() {
	if s.steady || s.drawn.Final() {
		return
	}
	last := -1
	var began time.Time
	for i := range s.drawn.Tasks {
		t := &s.drawn.Tasks[i]
		if a := t.Latest(); a != nil && t.Status == "RUNNING" && (last < 0 || a.Started.After(began)) {
			last, began = i, a.Started
		}
	}
	if last >= 0 {
		s.reach(last)
	}
}

// rest lets some time go by before a large run is drawn anew, so that no key
// waits for one news after the other.
func (s *runScreen) rest() tea.Cmd {
	if len(s.past.events) < 2000 {
		return nil
	}
	s.resting = true
	return after(250*time.Millisecond, rested{s})
}

// rested ends that time.
type rested struct{ of *runScreen }

// begin chooses the task that is looked at first: the one that was asked for, the
// first that failed, one that runs.
func (s *runScreen) begin() tea.Cmd {
	if s.chosen || len(s.drawn.Tasks) == 0 {
		return nil
	}
	s.chosen = true
	i := s.task(s.want.task)
	if i < 0 {
		i = s.firstFailed()
	}
	if s.want.errors && i >= 0 {
		return s.errors()
	}
	if i < 0 && len(s.drawn.Tasks) == 1 {
		i = 0
	}
	if i < 0 {
		return s.logs.open("")
	}
	s.point(i)
	return s.logs.open(s.past.run.Tasks[i].Task)
}

// task is the index of a task, or -1.
func (s *runScreen) task(id string) int {
	for i := range s.past.run.Tasks {
		if id != "" && s.past.run.Tasks[i].Task == id {
			return i
		}
	}
	return -1
}

// firstFailed is the task that failed first, or -1: of those that failed for
// good, else of those that had a failed try.
func (s *runScreen) firstFailed() int {
	found, tried := -1, -1
	for i := range s.drawn.Tasks {
		t := &s.drawn.Tasks[i]
		bad := t.Status == "FAILED" || t.Status == "CRASHED"
		if bad && (found < 0 || t.Ended.Before(s.drawn.Tasks[found].Ended)) {
			found = i
		}
		if tried < 0 && len(t.Attempts) > 1 {
			tried = i
		}
	}
	if found < 0 {
		return tried
	}
	return found
}

// point puts the cursor on a task, to stay there.
func (s *runScreen) point(task int) {
	s.steady = true
	s.reach(task)
}

func (s *runScreen) reach(task int) {
	for row, i := range s.layout().Order {
		if i == task {
			s.cursor = row
		}
	}
}

// layout is the dependencies, laid out for the width of the last view.
func (s *runScreen) layout() *timeline.Gutter {
	if s.gutter == nil {
		s.gutter = timeline.Arrange(s.drawn.Tasks, max(s.gutterW, 18))
	}
	return s.gutter
}

// selected is the index of the task under the cursor, or -1.
func (s *runScreen) selected() int {
	if s.drawn == nil || len(s.drawn.Tasks) == 0 {
		return -1
	}
	order := s.layout().Order
	s.cursor = max(0, min(s.cursor, len(order)-1))
	return order[s.cursor]
}

// name is the task's id as the principal knows it.
func (s *runScreen) name(task int) string {
	if task < 0 || task >= len(s.past.run.Tasks) {
		return ""
	}
	return s.past.run.Tasks[task].Task
}

// errors goes to the first error's lines.
func (s *runScreen) errors() tea.Cmd {
	if s.drawn == nil {
		return nil
	}
	i := s.firstFailed()
	if i < 0 {
		return toast(info, "no task of this run has failed")
	}
	s.point(i)
	s.below = true
	return s.logs.openAtError(s.name(i))
}
