package ui

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	_ "github.com/cdktr/cdktr/lib/ui/calm" // before anything asks the terminal
)

// Options say what the program works with.
type Options struct {
	Name    string  // of the principal to begin with
	Known   []Known // principals that one can change to
	Open    func(name string) (Principal, error)
	Refresh time.Duration // between two looks at the status
	ASCII   bool          // no characters beyond ASCII
	Colors  Colors
	Zone    *time.Location
	Now     func() time.Time
	In      io.Reader
	Out     io.Writer
}

// Known is a principal of the config file.
type Known struct{ Name, Address string }

// Run shows the screen until it is left, or ctx ends. It gives the terminal back
// as it was.
func Run(ctx context.Context, o Options) error {
	p, err := o.Open(o.Name)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	if f, ok := o.In.(*os.File); ok {
		o.In = hangup{f, func() { end(errGone) }}
	}
	m := model{newApp(ctx, o, p), new(bug)}
	program := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(o.In), tea.WithOutput(o.Out),
		tea.WithAltScreen(), tea.WithMouseCellMotion(), tea.WithoutSignalHandler())
	_, err = program.Run()
	m.app.k.session.close()
	if m.broken.what != nil {
		panic(m.broken.what)
	}
	if errors.Is(err, tea.ErrProgramKilled) && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
