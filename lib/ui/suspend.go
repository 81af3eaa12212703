package ui

import (
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// suspend stops the program, as ^Z does elsewhere, until a shell lets it go on.
// bubbletea gives the terminal back in the meantime.
type suspend struct{}

// suspended tells that the program goes on.
type suspended struct{ err error }

// unstopped is how long the signal may take. Where nobody is there to let a
// process go on, the system does not stop it: then it goes on after this time.
const unstopped = 100 * time.Millisecond

func (suspend) Run() error {
	on := make(chan os.Signal, 1)
	signal.Notify(on, syscall.SIGCONT)
	defer signal.Stop(on)
	if err := syscall.Kill(0, syscall.SIGTSTP); err != nil {
		return err
	}
	select {
	case <-on:
	case <-time.After(unstopped):
	}
	return nil
}

func (suspend) SetStdin(io.Reader)  {}
func (suspend) SetStdout(io.Writer) {}
func (suspend) SetStderr(io.Writer) {}

func (a *app) suspend() tea.Cmd {
	return tea.Exec(suspend{}, func(err error) tea.Msg { return suspended{err} })
}

// resume takes the terminal again. bubbletea forgets that it had the mouse.
func (a *app) resume(m suspended) tea.Cmd {
	var mouse tea.Cmd
	if a.mouse {
		mouse = tea.EnableMouseCellMotion
	}
	if m.err != nil {
		return tea.Batch(mouse, toast(bad, "suspend: "+errorText(m.err)))
	}
	return mouse
}
