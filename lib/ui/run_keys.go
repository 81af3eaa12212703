package ui

import (
	"strings"

	"github.com/charmbracelet/bubbles/key"
	"github.com/charmbracelet/bubbles/textinput"
	tea "github.com/charmbracelet/bubbletea"
)

// asked is a line that is being written: what to look for, or what to filter by.
type asked struct {
	mark  string // what stands before it
	input textinput.Model
	done  func(text string) tea.Cmd
}

func (s *runScreen) keys() []key.Binding {
	if s.ask != nil {
		if s.ask.mark == "F" {
			return s.k.writingKeys("filter|show only lines that match")
		}
		return s.k.writingKeys("search|go to what matches")
	}
	keys := []key.Binding{
		bind([]string{"j", "k", "down", "up"}, "j/k", ":task|the next task, or the last"),
		bind([]string{"enter"}, s.k.glyph.enter, ":task logs|the lines of the task"),
		bind([]string{"e"}, "e", "first-error|the first error's lines"),
		bind([]string{"f"}, "f", "follow|follow what runs, or stop"),
		bind([]string{"w"}, "w", "wrap|wrap lines, or cut them"),
		bind([]string{"t"}, "t", "time|times of lines, or none"),
		bind([]string{"R"}, "R", "retry|go on from failed tasks"),
		bind([]string{"x"}, "x", "cancel|cancel the run"),
		bind([]string{"o"}, "o", "save|save the lines to a file"),
		bind([]string{"tab"}, "tab", "pane|timeline or logs"),
		bind([]string{"a"}, "a", "|the lines of all tasks"),
		bind([]string{"z"}, "z", "|one pane alone, or both"),
		bind([]string{"+", "-", "0"}, "+/-/0", "|zoom: in, out, all of it"),
		bind([]string{"h", "l", "left", "right"}, "h/l", "|to the left, to the right"),
		bind([]string{"g", "G", "home", "end"}, "g/G", "|the first, the last"),
		bind([]string{"pgup", "pgdown", " "}, "space", "|a page down; pgup: up"),
		bind([]string{"/"}, "/", "|search lines, or a task"),
		bind([]string{"n", "N"}, "n/N", "|the next match, or the last"),
		bind([]string{"F"}, "F", "|filter the lines"),
		bind([]string{"y"}, "y", "|copy the run's id"),
		bind([]string{"r"}, "r", "|run the workflow again"),
	}
	if s.below {
		keys[0] = bind([]string{"j", "k", "down", "up"}, "j/k", ":scroll|scroll the lines")
	}
	return keys
}

func (s *runScreen) key(msg tea.KeyMsg) (tea.Cmd, bool) {
	name := msg.String()
	if s.ask != nil {
		return s.write(msg), true
	}
	if cmd, used := s.paneKey(name); used {
		return tea.Batch(cmd, s.logs.refresh()), true
	}
	p := s.logs.pane
	switch name {
	case "enter":
		i := s.selected()
		if i < 0 {
			return nil, true
		}
		s.below, s.steady = true, true
		return s.logs.open(s.name(i)), true
	case "e":
		return s.errors(), true
	case "f":
		if p.Behind() {
			return s.logs.reload(), true
		}
		p.Follow(!p.Following())
		s.steady = !p.Following()
		if s.drawn != nil {
			s.goAlong()
		}
	case "w":
		p.Wrap(!p.Wrapping())
	case "t":
		p.ToggleTimes()
	case "R":
		return s.k.askRetry(s.want.run), true
	case "x":
		return s.k.askCancel(s.want.run), true
	case "o":
		return s.save(), true
	case "tab", "shift+tab":
		s.below = !s.below
	case "a":
		return s.logs.open(""), true
	case "z":
		s.whole = !s.whole
	case "n":
		p.Next(1)
	case "N":
		p.Next(-1)
	case "F":
		s.begins("F", p.Filtering(), s.filterLines)
	case "/":
		if s.below {
			s.begins("/", "", s.searchLines)
		} else {
			s.begins("/", "", s.searchTasks)
		}
	case "y":
		return s.k.copy(s.want.run), true
	case "r":
		if s.past != nil {
			return send(openForm{s.past.run.Workflow}), true
		}
	case "esc":
		return nil, s.close()
	default:
		return nil, false
	}
	return s.logs.refresh(), true
}

// close ends the last thing that narrows the view; false if there is none.
func (s *runScreen) close() bool {
	p := s.logs.pane
	switch {
	case p.Filtering() != "":
		_ = p.Filter("")
	case p.Searching() != "":
		_ = p.Search("")
	case s.whole:
		s.whole = false
	case s.window.Span != 0:
		s.window.Span = 0
	default:
		return false
	}
	return true
}

// paneKey takes the keys that mean something else in each of the panes.
func (s *runScreen) paneKey(name string) (tea.Cmd, bool) {
	if s.below {
		return nil, scrollLines(s.logs.pane, name)
	}
	return nil, s.move(name)
}

func (s *runScreen) move(name string) bool {
	if s.drawn == nil {
		return false
	}
	length := s.drawn.Length(s.k.now())
	last := len(s.drawn.Tasks) - 1
	was := s.cursor
	switch name {
	case "j", "down":
		s.cursor++
	case "k", "up":
		s.cursor--
	case "pgdown", "ctrl+d", " ":
		s.cursor += max(s.length.rows, 1)
	case "pgup", "ctrl+u":
		s.cursor -= max(s.length.rows, 1)
	case "g", "home":
		s.cursor = 0
	case "G", "end":
		s.cursor = last
	case "+", "=":
		s.window = s.window.In(length)
		if !s.drawn.Final() {
			s.window.Tail = true
		}
	case "-", "_":
		s.window = s.window.Out(length)
	case "0":
		s.window.Span = 0
	case "h", "left":
		s.window = s.window.Pan(-1, length)
	case "l", "right":
		s.window = s.window.Pan(1, length)
	default:
		return false
	}
	s.cursor = max(0, min(s.cursor, last))
	s.steady = s.steady || s.cursor != was
	return true
}

// begins lets somebody write a line.
func (s *runScreen) begins(mark, text string, done func(string) tea.Cmd) {
	s.ask = &asked{mark: mark, input: newInput(), done: done}
	s.ask.input.SetValue(text)
	s.ask.input.Focus()
	s.ask.input.CursorEnd()
}

func (s *runScreen) write(msg tea.KeyMsg) tea.Cmd {
	switch msg.String() {
	case "esc":
		s.ask = nil
		return nil
	case "enter":
		a := s.ask
		s.ask = nil
		return tea.Batch(a.done(a.input.Value()), s.logs.refresh())
	}
	s.ask.input, _ = s.ask.input.Update(msg)
	return nil
}

func (s *runScreen) searchLines(text string) tea.Cmd {
	if err := s.logs.pane.Search(text); err != nil {
		return toast(bad, errorText(err))
	}
	return nil
}

func (s *runScreen) filterLines(text string) tea.Cmd {
	if err := s.logs.pane.Filter(text); err != nil {
		return toast(bad, errorText(err))
	}
	return nil
}

// searchTasks goes to the next task whose name has a text in it.
func (s *runScreen) searchTasks(text string) tea.Cmd {
	if s.selected() < 0 {
		return nil
	}
	order := s.layout().Order
	for n := range order {
		row := (s.cursor + 1 + n) % len(order)
		if strings.Contains(strings.ToLower(s.drawn.Tasks[order[row]].ID), strings.ToLower(text)) {
			s.cursor, s.steady = row, true
			return nil
		}
	}
	return toast(info, "no task has "+clean(text)+" in its name")
}

func (s *runScreen) mouse(msg tea.MouseMsg) (tea.Cmd, bool) {
	below := msg.Y >= s.length.from+s.length.rows+3
	if s.whole {
		below = s.below
	}
	switch {
	case msg.Button == tea.MouseButtonWheelUp && below:
		s.logs.pane.Scroll(-3)
	case msg.Button == tea.MouseButtonWheelDown && below:
		s.logs.pane.Scroll(3)
	case msg.Button == tea.MouseButtonWheelUp:
		s.move("k")
	case msg.Button == tea.MouseButtonWheelDown:
		s.move("j")
	case msg.Button == tea.MouseButtonLeft && msg.Action == tea.MouseActionPress:
		s.below = below
		if row := msg.Y - 2; !below && s.drawn != nil && row >= 0 && row < s.length.rows {
			s.cursor, s.steady = min(s.first+row, len(s.drawn.Tasks)-1), true
		}
	default:
		return nil, false
	}
	return s.logs.refresh(), true
}
