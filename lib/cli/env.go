package cli

import (
	"io"
	"path/filepath"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// Env is everything that a command has of the outside.
type Env struct {
	Name   string // the command's, set by Run
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Getenv func(string) (string, bool) // as os.LookupEnv
	Dir    string                      // the working directory, absolute
	Start  time.Time                   // when the command began: --timeout counts from here
	Zone   *time.Location              // of times that people write and read

	InTerminal, OutTerminal, ErrTerminal bool // the stream is a terminal
	OutColor, ErrColor                   bool // colour is wanted there; set by Run

	Settings *Settings // set by Run
}

// Path makes a path that a person wrote absolute.
func (e Env) Path(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(e.Dir, name)
}

func (e Env) getenv(name string) string {
	value, ok := e.Getenv(name)
	if !ok {
		return ""
	}
	return value
}

// color decides about one stream. The flag wins; NO_COLOR counts when it is
// not empty.
func (e Env) color(when string, terminal bool) bool {
	switch when {
	case "always":
		return true
	case "never":
		return false
	}
	return terminal && e.getenv("NO_COLOR") == "" && e.getenv("TERM") != "dumb"
}

// Local shows an instant to a person, in their zone; "-" for none.
func (e Env) Local(t *wire.Time) string {
	if t == nil {
		return "-"
	}
	return t.In(e.Zone).Format("2006-01-02 15:04:05")
}
