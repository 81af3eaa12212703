package ui

import (
	"context"
	"fmt"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"github.com/cdktr/cdktr/lib/wire"
)

// workflowsScreen lists the workflows: when they run, how it went, and what is
// wrong with their files.
type workflowsScreen struct {
	k    *kit
	list listing
}

// lastResults is how many runs of a workflow are shown.
const lastResults = 20

func newWorkflowsScreen(k *kit) *workflowsScreen {
	return &workflowsScreen{k: k, list: newListing(k,
		column{title: "WORKFLOW", width: 16, most: 40},
		column{title: "STATE", width: 8},
		column{title: "SCHEDULE", width: 14, most: 34, drop: 2},
		column{title: "NEXT", width: 11, most: 11, drop: 1},
		column{title: "LAST 20", width: lastResults},
		column{title: "LOAD ERROR", width: 14, most: 200, drop: 3},
	)}
}

func (s *workflowsScreen) start() tea.Cmd   { return nil }
func (s *workflowsScreen) crumb() string    { return "Workflows" }
func (s *workflowsScreen) headline() string { return "" }
func (s *workflowsScreen) filter() *filter  { return s.list.find }
func (s *workflowsScreen) capturing() bool  { return s.list.find.typing }

func (s *workflowsScreen) refresh() {
	w := s.k.world
	names := make([]string, len(w.workflows))
	for i := range w.workflows {
		names[i] = w.workflows[i].Workflow
	}
	s.list.fill(names, func(name, field, value string) bool { return s.has(w.workflow(name), field, value) })
}

// has tells whether a field of a workflow has a value; see filter.
func (s *workflowsScreen) has(f *wire.Workflow, field, value string) bool {
	in := func(text string) bool { return strings.Contains(strings.ToLower(text), value) }
	maybe := func(text *string) bool { return text != nil && in(*text) }
	switch field {
	case "wf", "workflow", "w", "id":
		return in(f.Workflow)
	case "status", "state", "s":
		last := s.k.world.newest(f.Workflow, 1)
		return strings.HasPrefix(s.state(f).word, value) || len(last) > 0 && statusNamed(last[0].Status, value)
	case "schedule":
		return maybe(f.Schedule)
	case "":
		return in(f.Workflow) || maybe(f.Name) || maybe(f.Schedule) || strings.HasPrefix(s.state(f).word, value) || in(problemsText(f))
	}
	return false
}

func problemsText(f *wire.Workflow) string {
	var b strings.Builder
	for i := range f.Errors {
		b.WriteString(problemText(&f.Errors[i]) + "\n")
	}
	return b.String()
}

// problemText is a mistake as cdktr-principal check tells it.
func problemText(p *wire.Problem) string { return problemPlace(p) + ": " + p.Message }

func problemPlace(p *wire.Problem) string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// state is whether a workflow can run, and by itself.
func (s *workflowsScreen) state(f *wire.Workflow) state {
	g, st := &s.k.glyph, &s.k.style
	switch {
	case len(f.Errors) > 0:
		return state{g.failed, "broken", st.bad}
	case f.Paused:
		return state{g.cancelled, "paused", st.waiting}
	case f.Schedule == nil:
		return state{g.dot, "manual", st.dim}
	}
	return state{g.ok, "on", st.good}
}

func (s *workflowsScreen) current() *wire.Workflow {
	s.refresh()
	return s.k.world.workflow(s.list.current())
}

func (s *workflowsScreen) update(msg tea.Msg) (tea.Cmd, bool) {
	switch msg := msg.(type) {
	case tea.KeyMsg:
		s.refresh()
		if !s.list.find.typing {
			if cmd, used := s.action(msg.String()); used {
				return cmd, true
			}
		}
		used := s.list.press(msg)
		s.refresh()
		return nil, used
	case tea.MouseMsg:
		s.refresh()
		if s.list.point(msg) {
			return send(openWorkflow{s.list.current()}), true
		}
		return nil, true
	case acted:
		return s.k.feed.listWorkflows(), false // a schedule may have been paused
	}
	return nil, false
}

func (s *workflowsScreen) action(name string) (tea.Cmd, bool) {
	f := s.current()
	if f == nil {
		return nil, false
	}
	switch name {
	case "enter":
		return send(openWorkflow{f.Workflow}), true
	case "r":
		return send(openForm{f.Workflow}), true
	case "p":
		return s.k.askPause(f.Workflow), true
	case "l":
		return send(openLogs{workflow: f.Workflow}), true
	case "y":
		return s.k.copy(f.Workflow), true
	case "E":
		s.nextBroken()
		return nil, true
	}
	return nil, false
}

// nextBroken goes to the next workflow with load errors.
func (s *workflowsScreen) nextBroken() {
	n := len(s.list.names)
	for i := 1; i <= n; i++ {
		at := (s.list.cursor + i) % n
		if f := s.k.world.workflow(s.list.names[at]); f != nil && len(f.Errors) > 0 {
			s.list.to(at, n)
			s.list.hold()
			return
		}
	}
}

// askPause asks whether the schedule of a workflow shall rest, or go on, and does
// it.
func (k *kit) askPause(id string) tea.Cmd {
	f := k.world.workflow(id)
	switch {
	case f == nil:
		return toast(bad, "no workflow "+id)
	case f.Schedule == nil:
		return toast(info, "workflow "+id+" has no schedule to pause")
	case f.Paused:
		return k.confirm("Resume the schedule of "+id+"?", []string{"It runs by its schedule again: " + *f.Schedule, "What was due while it was paused does not run."}, "resume "+id,
			k.switchSchedule(wire.OpWorkflowResume, id, "resumed: "+id))
	}
	return k.confirm("Pause the schedule of "+id+"?", []string{"No scheduled runs until it is resumed: " + *f.Schedule, "Runs that go on, and r, are not touched."}, "pause "+id,
		k.switchSchedule(wire.OpWorkflowPause, id, "paused: "+id))
}

func (k *kit) switchSchedule(op wire.Op, id, done string) func(context.Context, Principal) (string, error) {
	return func(ctx context.Context, p Principal) (string, error) {
		return done, p.Call(ctx, op, &wire.WorkflowRef{Workflow: id}, nil)
	}
}

func (s *workflowsScreen) keys() []key.Binding {
	if s.list.find.typing {
		return s.k.writingKeys("select|select the first match")
	}
	pause := "pause|no scheduled runs until it is resumed"
	if f := s.k.world.workflow(s.list.current()); f != nil && f.Paused {
		pause = "resume|run by the schedule again"
	}
	return []key.Binding{
		bind([]string{"enter"}, s.k.glyph.enter, "definition|the definition and its tasks"),
		bind([]string{"r"}, "r", "run|run it: a form asks for the parameters"),
		bind([]string{"p"}, "p", pause),
		bind([]string{"l"}, "l", "logs|lines of its runs"),
		bind([]string{"y"}, "y", "copy-id|copy the workflow's id"),
		bind([]string{"/", "F"}, "/", "filter|show only what matches"),
		bind([]string{"E"}, "E", "next-broken|the next one with load errors"),
		bind([]string{"j"}, "j/k", "|down, up; arrows, wheel too"),
		bind([]string{"pgdown"}, "space", "|a page down; pgup: up"),
		bind([]string{"g"}, "g/G", "|to the first, the last"),
		bind([]string{"esc"}, "esc", "|clear the filter"),
	}
}
