package ui

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

// formScreen asks for the parameters of a workflow and runs it. A workflow that
// declares none takes any NAME=VALUE; one that declares an empty list takes none.
type formScreen struct {
	k      *kit
	id     string
	def    *workflow.Definition // nil: not read yet
	asking bool
	failed string // why it could not be read

	fields fields
	key    string // of the run that is asked for: to ask twice gives one run
	sent   bool
	done   bool   // a run was started: the form is not needed any more
	wrong  string // what the principal said, or what is wrong as a whole
}

// News of a form.
type (
	formDefined struct {
		of  *formScreen
		def *workflow.Definition
		err error
	}
	formSent struct {
		of  *formScreen
		run wire.Triggered
		err error
	}
)

func newFormScreen(k *kit, id string) *formScreen { return &formScreen{k: k, id: id} }

func (s *formScreen) start() tea.Cmd { return s.read() }

// show comes when the run that was started is left: then the form goes too.
func (s *formScreen) show() tea.Cmd {
	if s.done {
		return send(goBack{})
	}
	return s.read()
}

func (s *formScreen) crumb() string    { return "run " + s.id }
func (s *formScreen) headline() string { return "" }
func (s *formScreen) filter() *filter  { return nil }

// capturing: on the button no text is being written, so that q, ? and the others
// work there.
func (s *formScreen) capturing() bool { return s.def != nil && s.fields.at < len(s.fields.all) }

// definition asks for a workflow as it is now.
func definition(ctx context.Context, p Principal, id string) (*workflow.Definition, error) {
	var answer wire.WorkflowDefinition
	if err := p.CallOnce(ctx, wire.OpWorkflowGet, &wire.WorkflowGet{Workflow: id}, &answer); err != nil {
		return nil, err
	}
	var def workflow.Definition
	if err := json.Unmarshal(answer.Definition, &def); err != nil {
		return nil, errors.New("the definition of " + id + " cannot be read: " + err.Error())
	}
	return &def, nil
}

func (s *formScreen) read() tea.Cmd {
	if s.def != nil || s.asking || s.failed != "" || !s.k.alive() {
		return nil
	}
	s.asking = true
	return s.k.ask(reading, func(ctx context.Context, p Principal) tea.Msg {
		def, err := definition(ctx, p, s.id)
		return formDefined{s, def, err}
	})
}

// refused tells that the principal has said no, and why: asking again is of no
// use.
func refused(err error) bool {
	_, is := errors.AsType[*wire.Error](err)
	return is
}

func (s *formScreen) update(msg tea.Msg) (tea.Cmd, bool) {
	switch msg := msg.(type) {
	case tea.KeyMsg:
		return s.press(msg)
	case tea.MouseMsg:
		if s.def != nil && s.fields.point(msg) {
			return s.send(), true
		}
		return nil, true
	case workflowsMsg:
		if s.failed != "" && s.k.mended(s.id) {
			s.failed = ""
		}
	case formDefined:
		if msg.of == s {
			s.defined(msg)
		}
	case formSent:
		if msg.of == s {
			return s.answered(msg), true
		}
	}
	return s.read(), false
}

func (s *formScreen) defined(m formDefined) {
	s.asking = false
	switch {
	case refused(m.err):
		s.failed = errorText(m.err)
	case m.err == nil:
		s.def = m.def
		s.fields = formFields(s.k, m.def)
	}
}

// formFields is a field for each declared parameter; without a declaration one
// for any NAME=VALUE, and more as they are filled.
func formFields(k *kit, def *workflow.Definition) fields {
	f := fields{k: k, button: "Run"}
	if def.Params == nil {
		f.free = true
		f.grow()
		return f
	}
	names := make([]string, 0, len(def.Params))
	for name := range def.Params {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if must := def.ParamRules; must[a].Required != must[b].Required {
			if must[a].Required {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		f.add(name, def.Params[name], ruleText(def.ParamRules[name], def.Params[name]))
	}
	return f
}

// ruleText says what a parameter takes.
func ruleText(r workflow.ParamRule, preset string) string {
	kind := string(r.Type)
	if kind == "" {
		kind = "text"
	}
	if r.Pattern != "" {
		kind += " that matches " + r.Pattern
	}
	switch {
	case r.Required:
		return "required, " + kind
	case preset == "":
		return kind + ", default empty"
	}
	return kind + ", default " + preset
}

func (s *formScreen) press(msg tea.KeyMsg) (tea.Cmd, bool) {
	if s.def == nil {
		return nil, false
	}
	switch msg.String() {
	case "ctrl+s":
		return s.send(), true
	case "esc":
		return send(goBack{}), true
	}
	changed, button, used := s.fields.press(msg)
	if button {
		return s.send(), true
	}
	if changed {
		s.key, s.wrong = "", "" // it is another run that is asked for
	}
	return nil, used
}

// check finds what is wrong before anything is sent.
func (s *formScreen) check() (wire.Params, bool) {
	params := wire.Params{}
	fine := true
	refuse := func(i int, text string) {
		if fine {
			s.fields.focus(i)
		}
		s.fields.all[i].wrong, fine = text, false
	}
	for i := range s.fields.all {
		f := &s.fields.all[i]
		f.wrong = ""
		value := f.input.Value()
		if s.fields.free {
			s.checkPair(params, i, value, refuse)
			continue
		}
		rule := s.def.ParamRules[f.name]
		if rule.Required && !f.changed() {
			refuse(i, "is required")
			continue
		}
		if !f.changed() {
			continue // the principal has the default
		}
		if err := rule.Check(value); err != nil {
			refuse(i, err.Error())
		}
		params[f.name] = value
	}
	return params, fine
}

func (s *formScreen) checkPair(params wire.Params, i int, text string, refuse func(int, string)) {
	if strings.TrimSpace(text) == "" {
		return
	}
	name, value, ok := strings.Cut(text, "=")
	switch _, twice := params[name]; {
	case !ok || name == "":
		refuse(i, "expected NAME=VALUE")
	case twice:
		refuse(i, name+" is given twice")
	}
	params[name] = value
}

func (s *formScreen) send() tea.Cmd {
	if s.sent || s.done {
		return nil
	}
	s.wrong = ""
	params, fine := s.check()
	if !fine {
		return nil
	}
	if !s.k.alive() {
		s.wrong = "not now: the principal is away"
		return nil
	}
	if s.key == "" {
		s.key = rand.Text()
	}
	s.sent = true
	item := wire.TriggerItem{Workflow: s.id, Params: params, Key: s.key, Source: "run"}
	if len(params) == 0 {
		item.Params = nil
	}
	return s.k.ask(2*reading, func(ctx context.Context, p Principal) tea.Msg {
		run, err := p.Trigger(ctx, item)
		return formSent{s, run, err}
	})
}

func (s *formScreen) answered(m formSent) tea.Cmd {
	s.sent = false
	if m.err != nil {
		s.wrong = errorText(m.err)
		if refused(m.err) {
			s.key = ""
		}
		return nil
	}
	s.done = true
	return tea.Batch(toast(good, "run accepted: "+m.run.Run), send(openRun{run: m.run.Run}))
}

func (s *formScreen) keys() []key.Binding {
	return []key.Binding{
		bind([]string{"tab", "down"}, "tab", "next|the next field"),
		bind([]string{"shift+tab", "up"}, "shift-tab", ":previous|the field before"),
		bind([]string{"ctrl+s"}, "^S", ":run|run the workflow with what is here"),
		bind([]string{"enter"}, s.k.glyph.enter, "run|on [Run]: run it; in a field: the next one"),
		bind([]string{"end"}, "end", "|edit a default: what is typed replaces it"),
		bind([]string{"ctrl+u"}, "^U", ":clear|clear what is left of the cursor"),
		bind([]string{"esc"}, "esc", "leave|go back, nothing is run"),
	}
}
