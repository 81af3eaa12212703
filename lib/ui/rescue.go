package ui

import (
	"errors"
	"fmt"

	tea "github.com/charmbracelet/bubbletea"
)

// model is app as bubbletea sees it. After a panic it ends the program in order,
// so that the terminal is given back as it was; Run goes on with the panic then.
type model struct {
	*app
	broken *bug
}

// bug is what a panic said.
type bug struct{ what any }

func (b *bug) Error() string { return fmt.Sprint(b.what) }

// caught makes a message of a panic.
func caught(msg *tea.Msg) {
	if p := recover(); p != nil {
		*msg = &bug{p}
	}
}

func (m model) Update(msg tea.Msg) (_ tea.Model, cmd tea.Cmd) {
	defer func() {
		if p := recover(); p != nil {
			m.broken.what, cmd = p, tea.Quit
		}
	}()
	if b, ok := msg.(*bug); ok {
		panic(b.what)
	}
	if m.broken.what != nil {
		return m, tea.Quit
	}
	_, cmd = m.app.Update(msg)
	return m, cmd
}

func (m model) View() (frame string) {
	defer func() {
		if p := recover(); p != nil {
			m.broken.what = p // the next tick ends the program
		}
	}()
	if m.broken.what != nil {
		return ""
	}
	return m.app.View()
}

// asBug is the bug in an error, or nil.
func asBug(err error) *bug {
	var b *bug
	if errors.As(err, &b) {
		return b
	}
	return nil
}
