package ui

import (
	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
)

func (s *logsScreen) capturing() bool { return s.form != nil || s.find != nil }

func (s *logsScreen) press(msg tea.KeyMsg) (tea.Cmd, bool) {
	switch {
	case s.form != nil:
		return s.write(msg), true
	case s.find != nil:
		return tea.Batch(s.look(msg), s.refresh()), true
	case scrollLines(s.pane, msg.String()):
		return s.refresh(), true
	}
	p := s.pane
	switch msg.String() {
	case "F":
		s.edit()
	case "/":
		s.find = &asked{mark: "/", input: newInput()}
		s.find.input.Focus()
	case "n":
		p.Next(1)
	case "N":
		p.Next(-1)
	case "e":
		if !p.FirstError() {
			return toast(info, "no line here looks like an error"), true
		}
	case "f":
		if p.Behind() {
			return s.begin(s.want), true
		}
		p.Follow(!p.Following())
	case "w":
		p.Wrap(!p.Wrapping())
	case "t":
		p.ToggleTimes()
	case "u":
		if s.want.run == "" {
			return toast(info, "the lines are of several runs: F chooses one"), true
		}
		return send(openRun{run: s.want.run, task: s.want.task}), true
	case "esc":
		switch {
		case p.Searching() != "":
			_ = p.Search("") // an empty pattern is never wrong
		case s.want.on():
			return s.begin(logsFilter{}), true
		default:
			return nil, false
		}
	default:
		return nil, false
	}
	return s.refresh(), true
}

// look takes the keys of who writes what to look for.
func (s *logsScreen) look(msg tea.KeyMsg) tea.Cmd {
	switch msg.String() {
	case "esc":
		s.find = nil
	case "enter":
		text := s.find.input.Value()
		s.find = nil
		if err := s.pane.Search(text); err != nil {
			return toast(bad, errorText(err))
		}
	default:
		s.find.input, _ = s.find.input.Update(msg)
	}
	return nil
}

// edit opens the form of the filter.
func (s *logsScreen) edit() {
	s.form = &fields{k: s.k, button: "Show"}
	for i, field := range logsFields {
		s.form.add(field.name, "", field.hint)
		s.form.all[i].input.SetValue(*s.want.field(i))
		s.form.all[i].input.CursorEnd()
	}
	s.form.focus(0)
}

// write takes the keys of the form. Enter shows the lines at once: unlike a run, that
// changes nothing.
func (s *logsScreen) write(msg tea.KeyMsg) tea.Cmd {
	switch msg.String() {
	case "esc":
		s.form = nil
	case "enter", "ctrl+s":
		return s.apply()
	default:
		if _, button, _ := s.form.press(msg); button {
			return s.apply()
		}
	}
	return nil
}

func (s *logsScreen) apply() tea.Cmd {
	var want logsFilter
	for i := range s.form.all {
		*want.field(i) = s.form.all[i].input.Value()
	}
	fine := true
	for i := range s.form.all {
		f := &s.form.all[i]
		f.wrong = ""
		if err := want.check(i, s.k.now(), s.k.zone); err != nil {
			f.wrong = errorText(err)
			if fine {
				s.form.focus(i)
			}
			fine = false
		}
	}
	if !fine {
		return nil
	}
	s.form = nil
	return s.begin(want)
}

func (s *logsScreen) mouse(msg tea.MouseMsg) tea.Cmd {
	if s.form != nil {
		if s.form.point(msg) {
			return s.apply()
		}
		return nil
	}
	switch msg.Button {
	case tea.MouseButtonWheelUp:
		s.pane.Scroll(-3)
	case tea.MouseButtonWheelDown:
		s.pane.Scroll(3)
	}
	return s.refresh()
}

func (s *logsScreen) keys() []key.Binding {
	if s.form != nil {
		return []key.Binding{
			bind([]string{"enter"}, s.k.glyph.enter, "show|show what the filter lets through"),
			bind([]string{"tab"}, "tab", "next|the next field"),
			bind([]string{"shift+tab"}, "shift-tab", ":previous|the field before"),
			bind([]string{"ctrl+u"}, "^U", ":clear|clear what is left of the cursor"),
			bind([]string{"esc"}, "esc", "leave|leave the filter as it was"),
		}
	}
	if s.find != nil {
		return s.k.writingKeys("search|go to what matches")
	}
	return []key.Binding{
		bind([]string{"F"}, "F", "filter|workflow, run, task, stream, text, times"),
		bind([]string{"/"}, "/", "search|look for a text, all lines stay"),
		bind([]string{"n", "N"}, "n/N", ":next|the next match, the one before"),
		bind([]string{"f"}, "f", "follow|follow the newest lines, or stop"),
		bind([]string{"e"}, "e", "first-error|the first line that looks like an error"),
		bind([]string{"w"}, "w", "wrap|wrap long lines, or cut them"),
		bind([]string{"t"}, "t", "time|show when lines were written, or not"),
		bind([]string{"u"}, "u", "|the run whose lines these are"),
		bind([]string{"j", "k"}, "j/k", "|scroll; arrows, wheel too; up stops following"),
		bind([]string{"pgup"}, "space", "|a page down; pgup: up"),
		bind([]string{"g", "G"}, "g/G", "|to the first, the last line"),
		bind([]string{"h", "l"}, "h/l", "|to the left, to the right, where lines are cut"),
		bind([]string{"esc"}, "esc", "|end the search, then the filter"),
	}
}
