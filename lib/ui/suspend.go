package ui

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// suspend stops the program, as ^Z does elsewhere, until a shell lets it go on.
// bubbletea gives the terminal back in the meantime.
type suspend struct {
	stops chan os.Signal // SIGTSTP comes here while the program has the terminal
	group bool           // the others of the job stop, too
}

// halt comes when somebody else than the keys wants the program to stop.
type halt struct{}

// suspended tells that the program goes on.
type suspended struct{ err error }

// unstopped is how long the signal may take. Where nobody is there to let a
// process go on, the system does not stop it: then it goes on after this time.
const unstopped = 100 * time.Millisecond

// Run sends this process SIGTTOU: a Go program that has once taken SIGTSTP cannot
// be stopped by it any more, and SIGSTOP would stop it also where nobody is there
// to let it go on.
func (s suspend) Run() error {
	on := make(chan os.Signal, 1)
	signal.Notify(on, syscall.SIGCONT)
	defer signal.Stop(on)
	signal.Ignore(syscall.SIGTSTP)
	defer signal.Notify(s.stops, syscall.SIGTSTP)
	if s.group {
		if err := syscall.Kill(0, syscall.SIGTSTP); err != nil {
			return err
		}
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTTOU); err != nil {
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

// takeStops has SIGTSTP give the terminal back before the program stops, until
// end is called.
func takeStops(ctx context.Context, stops chan os.Signal, send func(tea.Msg)) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	signal.Notify(stops, syscall.SIGTSTP)
	go func() {
		defer close(done)
		for {
			select {
			case <-stops:
				send(halt{})
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		signal.Stop(stops)
		cancel()
		<-done
	}
}

func (a *app) suspend(group bool) tea.Cmd {
	return tea.Exec(suspend{a.stops, group}, func(err error) tea.Msg { return suspended{err} })
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
