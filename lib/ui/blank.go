package ui

import (
	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
)

// blankScreen has a name and nothing else.
type blankScreen struct {
	k    *kit
	name string
}

func (s *blankScreen) start() tea.Cmd                 { return nil }
func (s *blankScreen) update(tea.Msg) (tea.Cmd, bool) { return nil, false }
func (s *blankScreen) crumb() string                  { return s.name }
func (s *blankScreen) headline() string               { return "" }
func (s *blankScreen) keys() []key.Binding            { return nil }
func (s *blankScreen) filter() *filter                { return nil }
func (s *blankScreen) view(w, h int) []string {
	return s.k.box(s.name, []string{s.k.center("nothing here yet", w-2)}, w, h, true)
}
