package ui

import (
	"slices"
	"strings"

	"github.com/charmbracelet/bubbles/help"
	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
)

// short and long are the two texts of a key: short for the footer, empty if it
// has no place there, and long for the help.
func short(b key.Binding) string {
	text, _, _ := strings.Cut(b.Help().Desc, "|")
	return text
}

func long(b key.Binding) string {
	if _, text, ok := strings.Cut(b.Help().Desc, "|"); ok {
		return text
	}
	return b.Help().Desc
}

// helpPage lists every key of the screen at hand.
type helpPage struct {
	k     *kit
	title string
	keys  []key.Binding
	top   int
	rows  int // that there are
	room  int // that are in sight
}

func newHelp(a *app) *helpPage {
	var all []key.Binding
	for _, b := range a.keys() {
		if b.Enabled() {
			b.SetHelp(b.Help().Key, long(b))
			all = append(all, b)
		}
	}
	return &helpPage{k: a.k, title: "Keys " + a.k.glyph.dot + " " + clean(a.top().crumb()), keys: all}
}

func (p *helpPage) key(msg tea.KeyMsg) (tea.Cmd, bool) {
	switch msg.String() {
	case "j", "down":
		p.top = max(0, min(p.top+1, p.rows-p.room))
	case "k", "up":
		p.top = max(0, p.top-1)
	case "pgdown", " ":
		p.top = max(0, min(p.top+p.room, p.rows-p.room))
	case "pgup":
		p.top = max(0, p.top-p.room)
	default:
		return nil, true
	}
	return nil, false
}

func (p *helpPage) draw(lines []string, w int) []string {
	p.room = max(1, len(lines)-6)
	var text []string
	for cols := (len(p.keys) + p.room - 1) / p.room; cols >= 1; cols-- {
		text = p.columns(cols)
		if width(text[0]) <= w-8 {
			break
		}
	}
	p.rows = len(text)
	gap := []string{""}
	if p.rows > p.room {
		p.room, gap = max(1, len(lines)-3), nil // the gaps give way
	}
	p.top = max(0, min(p.top, p.rows-p.room))
	text = text[p.top:min(len(text), p.top+p.room)]
	inner := 0
	for i := range text {
		text[i] = "  " + text[i]
		inner = max(inner, width(text[i])+2)
	}
	inner = min(inner, w-2)
	hint := "any key closes this"
	if p.rows > p.room {
		hint = "j/k: more; any other key closes this"
	}
	inner = max(inner, min(w-2, len(hint)+4))
	block := slices.Concat(gap, text, gap, []string{"  " + p.k.style.dim.paint(hint)})
	return p.k.overlay(lines, p.k.box(p.k.style.strong.paint(p.title), block, inner+2, len(block)+2, true), w)
}

// columns lays the keys out in n columns.
func (p *helpPage) columns(n int) []string {
	per := (len(p.keys) + n - 1) / n
	var groups [][]key.Binding
	for rest := p.keys; len(rest) > 0; {
		m := min(per, len(rest))
		groups = append(groups, rest[:m])
		rest = rest[m:]
	}
	h := help.New()
	h.Styles = help.Styles{}
	h.Styles.FullKey = lipgloss.NewStyle()
	h.FullSeparator = "   "
	lines := strings.Split(h.FullHelpView(groups), "\n")
	most := 0
	for _, l := range lines {
		most = max(most, width(l))
	}
	for i := range lines {
		lines[i] = p.k.pad(lines[i], most)
	}
	return lines
}
