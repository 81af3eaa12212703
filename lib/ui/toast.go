package ui

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// tone is what kind of news a message is.
type tone int

const (
	info tone = iota
	good
	bad
)

// said is a message in the message line: the newest stays there.
type said struct {
	tone tone
	text string
	at   time.Time
	born time.Time // commands run side by side: an older message never covers a newer one
}

// toast says something in the message line. The text may be foreign.
func toast(t tone, text string) tea.Cmd {
	return send(said{tone: t, text: text, born: time.Now()})
}

// toastTime is how long a message stays where it covers keys.
const toastTime = 6 * time.Second

func (a *app) say(s said) {
	if s.born.IsZero() {
		s.born = time.Now()
	}
	if s.born.Before(a.said.born) {
		return
	}
	s.at = a.k.now()
	a.said = s
}

func (a *app) sayDone(m acted) {
	switch {
	case m.err != nil:
		a.say(said{tone: bad, text: m.what + ": " + errorText(m.err)})
	case m.done != "":
		a.say(said{tone: good, text: m.done})
	}
}

// message is the message line's text, painted, or empty.
func (a *app) message() string {
	g, s := &a.k.glyph, &a.k.style
	if l := &a.k.world.link; l.tried && !l.up && (a.said.text == "" || a.said.at.Before(l.since)) {
		return s.bad.paint(g.failed + " " + l.err)
	}
	if a.said.text == "" {
		return ""
	}
	mark, look := g.dot, s.info
	switch a.said.tone {
	case good:
		mark, look = g.ok, s.good
	case bad:
		mark, look = g.failed, s.bad
	}
	text := clean(a.said.text)
	if a.said.tone != bad {
		look, text = s.info, s.dim.paint(a.said.at.In(a.k.zone).Format("15:04:05"))+" "+text
		if a.said.tone == good {
			look = s.good
		}
	} else {
		text = s.dim.paint(a.said.at.In(a.k.zone).Format("15:04:05")) + " " + s.bad.paint(text)
	}
	return look.paint(mark) + " " + text
}

// copied is text for the clipboard of who sits before the terminal.
type copied string

// confirm asks before something is done. Lines say what it is.
func (k *kit) confirm(title string, lines []string, what string, fn func(ctx context.Context, p Principal) (string, error)) tea.Cmd {
	if !k.alive() {
		return toast(bad, what+": not now: the principal is away")
	}
	k.asked = &question{k: k, title: title, lines: lines, yes: func() tea.Cmd { return k.act(what, fn) }}
	return nil
}
