package ui

import (
	"errors"
	"os"

	"github.com/cdktr/cdktr/lib/cli"
)

// errGone ends the program where its terminal was closed.
var errGone = cli.Exit(cli.IO, errors.New("the terminal is gone"))

// hangup is a terminal to read keys from. bubbletea takes its end for no news, and
// would draw for ever on a screen that is no more: a hangup signal, which ends
// most programs then, does not come to all.
type hangup struct {
	*os.File
	gone func()
}

func (h hangup) Read(p []byte) (int, error) {
	n, err := h.File.Read(p)
	if err != nil {
		h.gone()
	}
	return n, err
}
