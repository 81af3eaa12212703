package ui

import (
	"encoding/base64"

	tea "github.com/charmbracelet/bubbletea"
)

// copy asks the terminal to take text into its clipboard (OSC 52). Terminals
// that do not know how ignore it, so the text is in the message too.
func (a *app) copy(text string) tea.Cmd {
	out := a.out
	write := func() tea.Msg {
		if out != nil {
			_, _ = out.Write([]byte("\x1b]52;c;" + base64.StdEncoding.EncodeToString([]byte(text)) + "\x07")) // a courtesy
		}
		return nil
	}
	return tea.Batch(write, toast(good, "copied: "+text))
}
