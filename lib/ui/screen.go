package ui

import (
	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
)

// screen is what fills the body of the window. It is used by the goroutine of
// Update alone, and changes in place.
type screen interface {
	// start is called once, when the screen is opened.
	start() tea.Cmd

	// update takes a message: keys and the mouse on the top screen alone, all
	// else on every open one. For a key, used tells that the screen took it; one
	// that it left is the app's: q and esc go back, and so on.
	update(msg tea.Msg) (cmd tea.Cmd, used bool)

	// view is the body: h lines of w cells, without line ends. It changes nothing
	// but what depends on the size.
	view(w, h int) []string

	// crumb is the screen's name on the way back, such as a run's id.
	crumb() string

	// headline stands at the right of the crumbs of a screen that is not a tab.
	headline() string

	// keys are the keys that work now, as ? lists them. Those of the footer come
	// first: it shows as many as have room.
	keys() []key.Binding

	// filter is what narrows the list, or nil for a screen without one.
	filter() *filter
}

// capturing is a screen that for now wants every key, but for ^C: one is writing
// into it.
type capturing interface{ capturing() bool }

// shown is a screen that wants to know when it becomes the top one again.
type shown interface{ show() tea.Cmd }

// stopper is a screen that has something to end when it is closed.
type stopper interface{ stop() }

// hinted is a screen that has a word for the right end of the message line.
type hinted interface{ hint() string }

// What screens ask of the app: return them as messages, by send.
type (
	// openRun shows a run. With errors it begins at the first error's lines.
	openRun struct {
		run    string
		task   string // to begin with, or empty
		errors bool
	}
	// openForm asks for the parameters of a workflow and runs it.
	openForm struct{ workflow string }
	// openWorkflow shows a definition.
	openWorkflow struct{ workflow string }
	// openLogs shows lines across runs; empty fields are all.
	openLogs struct{ workflow, run, task string }
	// openTab changes to one of the tabs.
	openTab struct{ tab tab }
	// goBack closes the top screen.
	goBack struct{}
	// connect changes to another principal, by its name.
	connect struct{ name string }
)

// send makes a command of a message.
func send(msg tea.Msg) tea.Cmd { return func() tea.Msg { return msg } }

// bind is a key of a screen: what is pressed, and what ? and the footer say.
// Several keys are separated by spaces.
func bind(keys []string, label, does string) key.Binding {
	return key.NewBinding(key.WithKeys(keys...), key.WithHelp(label, does))
}
