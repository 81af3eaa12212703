// Package calm keeps libraries from asking the terminal for its background.
// They would do so while the program is being initialised, wait up to seconds
// for an answer that many terminals never give, and the colours here do not
// depend on it. It owns that one setting; packages are initialised in the order
// of their import paths, so this one comes before those that ask.
package calm

import "github.com/charmbracelet/lipgloss"

func init() { lipgloss.SetHasDarkBackground(true) }
