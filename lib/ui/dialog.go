package ui

import (
	tea "github.com/charmbracelet/bubbletea"
)

// question is asked before something changes. Only y and enter say yes.
type question struct {
	k     *kit
	title string
	lines []string // foreign text
	yes   func() tea.Cmd
}

func (q *question) key(msg tea.KeyMsg) (tea.Cmd, bool) {
	switch msg.String() {
	case "y", "Y", "enter":
		return q.yes(), true
	case "n", "N", "esc", "q":
		return toast(info, "nothing was done"), true
	}
	return nil, false
}

func (q *question) draw(lines []string, w int) []string {
	inner := width(clean(q.title)) + 6
	for _, l := range q.lines {
		inner = max(inner, width(clean(l))+4)
	}
	inner = max(min(inner, w-6), min(34, w-4))
	s := &q.k.style
	block := []string{""}
	for _, l := range q.lines {
		block = append(block, "  "+q.k.fit(l, inner-4)+"  ")
	}
	block = append(block, "", "  "+s.key.paint("y")+" yes   "+s.key.paint("n")+" no", "")
	return q.k.overlay(lines, q.k.box(s.strong.paint(clean(q.title)), block, inner+2, len(block)+2, true), w)
}
