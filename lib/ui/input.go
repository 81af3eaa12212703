package ui

import (
	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
)

// keys are those that work now: while somebody writes, the others are text.
func (a *app) keys() []key.Binding {
	all := a.top().keys()
	if c, ok := a.top().(capturing); ok && c.capturing() {
		return all
	}
	return append(all, a.globals()...)
}

// writingKeys are the keys of a line that is being written.
func (k *kit) writingKeys(enter string) []key.Binding {
	return []key.Binding{
		bind([]string{"enter"}, k.glyph.enter, enter),
		bind([]string{"ctrl+u"}, "^U", ":clear|clear what is left of the cursor"),
		bind([]string{"esc"}, "esc", "leave|leave it as it was"),
	}
}

// globals are the keys that work on every screen.
func (a *app) globals() []key.Binding {
	mouse := "mouse-off|mouse off, to select text"
	if !a.mouse {
		mouse = "mouse-on|mouse on"
	}
	back := "back|go back"
	if len(a.stack) == 0 && a.tab == tabRuns {
		back = "quit|quit"
	}
	return []key.Binding{
		bind([]string{":"}, ":", "palette|commands, with completion"),
		bind([]string{"@"}, "@", "principal|change the principal"),
		bind([]string{"m"}, "m", mouse),
		bind([]string{"1"}, "1-5", "|change to a tab"),
		bind([]string{"?"}, "?", "|all keys"),
		bind([]string{"q", "esc"}, "q", back),
		bind([]string{"ctrl+c"}, "^C", "|quit at once; ^Z: suspend"),
	}
}

// typed takes keys. Those that came in one piece, because the line is slow or the
// fingers are fast, are keys all the same; what was pasted is text, and no key.
func (a *app) typed(msg tea.KeyMsg) tea.Cmd {
	if msg.Paste && !a.writing() {
		return toast(info, "pasted text has no meaning here")
	}
	if msg.Type != tea.KeyRunes || len(msg.Runes) < 2 || msg.Paste {
		return a.key(msg)
	}
	var cmds []tea.Cmd
	for _, r := range msg.Runes {
		cmds = append(cmds, a.key(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}, Alt: msg.Alt}))
		a.question()
	}
	return tea.Batch(cmds...)
}

// writing tells that somebody writes text.
func (a *app) writing() bool {
	if _, ok := a.over.(*palette); ok {
		return true
	}
	c, ok := a.top().(capturing)
	return ok && a.over == nil && c.capturing()
}

// key gives a key to whom it is for: what lies over the screen, a filter that is
// being written, the screen, and then the app.
func (a *app) key(msg tea.KeyMsg) tea.Cmd {
	name := msg.String()
	if name == "ctrl+c" {
		return tea.Quit
	}
	if name == "ctrl+z" {
		return a.suspend()
	}
	if a.over != nil {
		over := a.over
		cmd, done := over.key(msg)
		if done && a.over == over {
			a.over = nil
		}
		return cmd
	}
	top := a.top()
	if c, ok := top.(capturing); ok && c.capturing() {
		cmd, _ := top.update(msg)
		return cmd
	}
	if cmd, used := top.update(msg); used {
		return cmd
	}
	switch name {
	case "q", "esc":
		return a.back(name == "esc")
	case ":":
		a.over = newPalette(a)
	case "?":
		a.over = newHelp(a)
	case "@":
		return a.show(tabPrincipals)
	case "m":
		return a.switchMouse()
	case "1", "2", "3", "4", "5":
		return a.show(tab(name[0] - '1'))
	}
	return nil
}

func (a *app) switchMouse() tea.Cmd {
	a.mouse = !a.mouse
	if a.mouse {
		return tea.Batch(tea.EnableMouseCellMotion, toast(info, "mouse on"))
	}
	return tea.Batch(tea.DisableMouse, toast(info, "mouse off: the terminal selects text; m turns it on"))
}

// click gives the mouse to the top screen, with the place in its body; a click on
// the tab line changes the tab.
func (a *app) click(msg tea.MouseMsg) tea.Cmd {
	if a.over != nil {
		return nil
	}
	press := msg.Action == tea.MouseActionPress && msg.Button == tea.MouseButtonLeft
	if len(a.stack) == 0 && msg.Y == 1 && press {
		for t, span := range a.tabSpans(a.w) {
			if msg.X >= span.from && msg.X < span.to {
				return a.show(tab(t))
			}
		}
		return nil
	}
	msg.Y -= a.above()
	if msg.Y < 0 || msg.Y >= a.bodyHeight() {
		return nil
	}
	cmd, _ := a.top().update(msg)
	return cmd
}
