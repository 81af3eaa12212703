package ui

import (
	"context"
	"fmt"
	"io"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// app is the one model of the program: the stack of screens, what lies over
// them, and what is around them.
type app struct {
	k    *kit
	feed *feed
	ctx  context.Context

	tabs  [tabs]screen // made when first shown
	tab   tab
	stack []screen // on top of the tab

	w, h    int
	over    overlay // a question, the keys, the palette; or nil
	said    said
	mouse   bool
	refresh time.Duration
	out     io.Writer // the terminal, for what is no frame
}

// overlay lies over the screen and takes all keys.
type overlay interface {
	key(msg tea.KeyMsg) (cmd tea.Cmd, done bool)
	// draw lays it over a frame of lines of w cells.
	draw(lines []string, w int) []string
}

// clockTick comes each second: ages and the clock go on.
type clockTick time.Time

func newApp(ctx context.Context, o Options, first Principal) *app {
	k := &kit{
		world: newWorld(), glyph: newGlyphs(o.ASCII), style: newStyles(o.Colors), ascii: o.ASCII,
		now: o.Now, zone: o.Zone, known: withOwn(o.Known, o.Name), open: o.Open,
		session: newSession(ctx, o.Name, first),
	}
	a := &app{k: k, ctx: ctx, refresh: o.Refresh, mouse: true, out: o.Out}
	a.feed = newFeed(k, o.Refresh)
	k.feed = a.feed
	return a
}

// Init starts the feed and the first screen.
func (a *app) Init() tea.Cmd {
	return tea.Batch(a.feed.start(), a.show(tabRuns), tick())
}

func tick() tea.Cmd {
	return tea.Every(time.Second, func(t time.Time) tea.Msg { return clockTick(t) })
}

// top is the screen that takes input.
func (a *app) top() screen {
	if n := len(a.stack); n > 0 {
		return a.stack[n-1]
	}
	return a.tabs[a.tab]
}

// Update takes a message. It never waits.
func (a *app) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	defer a.question()
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		a.w, a.h = msg.Width, msg.Height
		return a, a.tell(msg)
	case tea.KeyMsg:
		return a, a.typed(msg)
	case tea.MouseMsg:
		return a, a.click(msg)
	case clockTick:
		return a, tea.Batch(a.tell(msg), tick())
	case later:
		if msg.from != a.k.session || msg.msg == nil {
			return a, nil
		}
		return a, a.news(msg.msg)
	default:
		return a, a.news(msg)
	}
}

// question shows what was asked.
func (a *app) question() {
	if a.k.asked != nil {
		a.over, a.k.asked = a.k.asked, nil
	}
}

// news takes what is no input: some is for the app, all is for the screens.
func (a *app) news(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case said:
		a.say(msg)
		return nil
	case overlay:
		a.over = msg
		return nil
	case acted:
		a.sayDone(msg)
		return a.tell(msg)
	case suspended:
		return a.resume(msg)
	case openTab:
		return a.show(msg.tab)
	case goBack:
		return a.back(true)
	case connect:
		return a.connect(msg.name)
	case copied:
		return a.copy(string(msg))
	case openRun, openForm, openWorkflow, openLogs:
		return a.push(screenFor(a.k, msg))
	}
	return tea.Batch(a.feed.arrive(msg), a.tell(msg))
}

// tell gives a message to all open screens.
func (a *app) tell(msg tea.Msg) tea.Cmd {
	var cmds []tea.Cmd
	for _, s := range a.open() {
		cmd, _ := s.update(msg)
		cmds = append(cmds, cmd)
	}
	return tea.Batch(cmds...)
}

func (a *app) open() []screen {
	var all []screen
	for _, s := range a.tabs {
		if s != nil {
			all = append(all, s)
		}
	}
	return append(all, a.stack...)
}

// show changes to a tab.
func (a *app) show(t tab) tea.Cmd {
	a.leave(0)
	a.tab = t
	if a.tabs[t] == nil {
		a.tabs[t] = newTab(a.k, t)
		return tea.Batch(a.tabs[t].start(), a.sized(a.tabs[t]))
	}
	return a.shown()
}

func (a *app) push(s screen) tea.Cmd {
	if s == nil {
		return nil
	}
	a.stack = append(a.stack, s)
	return tea.Batch(s.start(), a.sized(s))
}

func (a *app) sized(s screen) tea.Cmd {
	cmd, _ := s.update(tea.WindowSizeMsg{Width: a.w, Height: a.h})
	return cmd
}

// back closes the top screen; on a tab it goes to the first one, and from there
// it ends the program.
func (a *app) back(esc bool) tea.Cmd {
	switch n := len(a.stack); {
	case n > 0:
		a.leave(n - 1)
		return a.shown()
	case a.tab != tabRuns:
		return a.show(tabRuns)
	case esc:
		return nil // it is for closing things: one too many shall not end the program
	}
	return tea.Quit
}

// leave closes the screens above the first n of the stack.
func (a *app) leave(n int) {
	for len(a.stack) > n {
		top := len(a.stack) - 1
		if s, ok := a.stack[top].(stopper); ok {
			s.stop()
		}
		a.stack[top] = nil
		a.stack = a.stack[:top]
	}
}

func (a *app) shown() tea.Cmd {
	if s, ok := a.top().(shown); ok {
		return s.show()
	}
	return nil
}

// connect changes to another principal. The one before is left in the
// background: that may take a moment.
func (a *app) connect(name string) tea.Cmd {
	p, err := a.k.open(name)
	if err != nil {
		return toast(bad, "principal "+clean(name)+": "+errorText(err))
	}
	a.leave(0)
	for i, s := range a.tabs {
		if s, ok := s.(stopper); ok {
			s.stop()
		}
		a.tabs[i] = nil
	}
	old := a.k.session
	a.k.session = newSession(a.ctx, name, p)
	*a.k.world = *newWorld()
	a.feed = newFeed(a.k, a.refresh)
	a.k.feed = a.feed
	return tea.Batch(func() tea.Msg { old.close(); return nil }, a.feed.start(), a.show(tabRuns),
		toast(info, fmt.Sprintf("principal %s", clean(name))))
}
