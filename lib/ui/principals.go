package ui

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/wire"
)

// principalsScreen lists the principals of the config file with their state, and
// changes to another one. It needs none that answers.
type principalsScreen struct {
	k     *kit
	list  listing
	heard map[string]*greeting
	asked map[string]bool // who has not answered yet
	next  time.Time       // when they are asked again
}

// greeting is what came of asking a principal how it is.
type greeting struct {
	of     *principalsScreen
	name   string
	status wire.PrincipalStatus
	lag    time.Duration
	at     time.Time
	err    error
}

const (
	greetEvery = 10 * time.Second
	greetTime  = 3 * time.Second
)

func newPrincipalsScreen(k *kit) *principalsScreen {
	s := &principalsScreen{k: k, heard: map[string]*greeting{}, asked: map[string]bool{}}
	s.list = newListing(k,
		column{title: "  NAME", width: 16, most: 34},
		column{title: "STATE", width: 14},
		column{title: "ADDRESS", width: 20, most: 50, drop: 2},
		column{title: "LAG", width: 6, right: true, drop: 4},
		column{title: "RUNS", width: 5, right: true, drop: 3},
		column{title: "AGENTS", width: 6, right: true, drop: 3},
		column{title: "VERSION", width: 8, most: 16, drop: 5},
		column{title: "WHY", width: 12, most: 200, drop: 1},
	)
	s.list.at = k.session.name
	return s
}

func (s *principalsScreen) crumb() string    { return "Principals" }
func (s *principalsScreen) headline() string { return "" }
func (s *principalsScreen) filter() *filter  { return s.list.find }
func (s *principalsScreen) capturing() bool  { return s.list.find.typing }
func (s *principalsScreen) start() tea.Cmd   { return s.greet() }
func (s *principalsScreen) show() tea.Cmd    { return s.greet() }

// withOwn are the known principals, and before them the one to begin with where
// it has no name in the config file: one can come back to it.
func withOwn(known []Known, name string) []Known {
	if slices.ContainsFunc(known, func(p Known) bool { return p.Name == name }) {
		return known
	}
	return append([]Known{{Name: name}}, known...)
}

func (s *principalsScreen) refresh() {
	names := make([]string, len(s.k.known))
	for i, p := range s.k.known {
		names[i] = p.Name
	}
	s.list.fill(names, func(name, field, value string) bool {
		text := name + " " + s.address(name)
		if field == "state" || field == "status" || field == "s" {
			text = s.state(name).word
		}
		return strings.Contains(strings.ToLower(text), value)
	})
}

func (s *principalsScreen) address(name string) string {
	for _, p := range s.k.known {
		if p.Name == name {
			return p.Address
		}
	}
	return ""
}

// greet asks all that are not at hand how they are: each by itself, so that one
// that is away holds up nobody.
func (s *principalsScreen) greet() tea.Cmd {
	s.next = s.k.now().Add(greetEvery)
	var cmds []tea.Cmd
	for _, p := range s.k.known {
		if p.Name != s.k.session.name && !s.asked[p.Name] {
			s.asked[p.Name] = true
			cmds = append(cmds, s.ask(p.Name))
		}
	}
	return tea.Batch(cmds...)
}

func (s *principalsScreen) ask(name string) tea.Cmd {
	open, now := s.k.open, s.k.now
	return s.k.ask(greetTime, func(ctx context.Context, _ Principal) tea.Msg {
		g := &greeting{of: s, name: name}
		g.err = g.greet(ctx, open, now)
		g.at = now()
		return g
	})
}

func (g *greeting) greet(ctx context.Context, open func(string) (Principal, error), now func() time.Time) error {
	p, err := open(g.name)
	if err != nil {
		return err
	}
	defer p.Close()
	start := now()
	err = p.CallOnce(ctx, wire.OpStatus, &wire.Plain{}, &g.status)
	g.lag = now().Sub(start)
	return err
}

func (s *principalsScreen) update(msg tea.Msg) (tea.Cmd, bool) {
	switch msg := msg.(type) {
	case tea.KeyMsg:
		s.refresh()
		return s.press(msg)
	case tea.MouseMsg:
		s.refresh()
		if s.list.point(msg) {
			return s.change(), true
		}
		return nil, true
	case *greeting:
		if msg.of == s {
			delete(s.asked, msg.name)
			s.heard[msg.name] = msg
		}
	case clockTick:
		if !s.k.now().Before(s.next) {
			return s.greet(), false
		}
	}
	return nil, false
}

func (s *principalsScreen) press(msg tea.KeyMsg) (tea.Cmd, bool) {
	if !s.list.find.typing {
		switch msg.String() {
		case "enter", "@":
			return s.change(), true
		case "r":
			return s.greet(), true
		case "y":
			return s.k.copy(s.list.current()), true
		}
	}
	used := s.list.press(msg)
	s.refresh()
	return nil, used
}

// change goes to the principal under the cursor.
func (s *principalsScreen) change() tea.Cmd {
	switch name := s.list.current(); name {
	case "":
		return nil
	case s.k.session.name:
		return toast(info, "principal "+name+" is the one at hand")
	default:
		return send(connect{name})
	}
}

// state is how a principal is, as far as is known.
func (s *principalsScreen) state(name string) state {
	g, st := &s.k.glyph, &s.k.style
	away := state{g.off, "away", st.bad}
	if name == s.k.session.name {
		switch l := &s.k.world.link; {
		case l.up:
			return state{g.on, "in use", st.good}
		case l.tried:
			return away
		}
		return state{g.ask, "asking", st.waiting}
	}
	switch h := s.heard[name]; {
	case h == nil:
		return state{g.ask, "asking", st.waiting}
	case h.err == nil:
		return state{g.on, "there", st.good}
	case refused(h.err):
		return state{g.failed, "refuses", st.bad}
	case silent(h.err):
		return away
	}
	return state{g.failed, "unusable", st.bad} // the file of its key is missing, say
}

// silent tells that nobody has answered.
func silent(err error) bool {
	_, away := errors.AsType[*client.AwayError](err)
	return away || errors.Is(err, context.DeadlineExceeded)
}

func (s *principalsScreen) keys() []key.Binding {
	if s.list.find.typing {
		return s.k.writingKeys("select|select the first match")
	}
	return []key.Binding{
		bind([]string{"enter", "@"}, s.k.glyph.enter, "change|change to this principal; @ too"),
		bind([]string{"r"}, "r", "ask|ask all again how they are"),
		bind([]string{"/", "F"}, "/", "filter|show only what matches"),
		bind([]string{"y"}, "y", "copy-name|copy the principal's name"),
		bind([]string{"j"}, "j/k", "|down, up; arrows, wheel too"),
		bind([]string{"g"}, "g/G", "|to the first, the last"),
		bind([]string{"esc"}, "esc", "|clear the filter"),
	}
}
