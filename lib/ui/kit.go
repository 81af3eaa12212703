package ui

import (
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// kit is what every screen has at hand: the world, the looks, and the ways to
// ask the principal for something. There is one.
type kit struct {
	world *world
	glyph glyphs
	style styles
	ascii bool

	now  func() time.Time
	zone *time.Location

	feed    *feed
	session *session // with the principal at hand; never nil
	known   []Known  // the principals of the config file
	open    func(name string) (Principal, error)

	asked *question // just now: the next key is its answer, however soon it comes
}

// alive tells that actions are possible: the principal answers.
func (k *kit) alive() bool { return k.world.link.up }

// clock shows an instant of today as a time, and an older one with its date.
func (k *kit) clock(t time.Time) string {
	t, now := t.In(k.zone), k.now().In(k.zone)
	switch {
	case t.Year() != now.Year():
		return t.Format("2006-01-02")
	case t.YearDay() != now.YearDay():
		return t.Format("01-02 15:04")
	}
	return t.Format("15:04:05")
}

// day is clock in at most eight cells.
func (k *kit) day(t time.Time) string {
	t, now := t.In(k.zone), k.now().In(k.zone)
	switch {
	case t.Year() != now.Year():
		return t.Format("Jan 2006")
	case t.YearDay() != now.YearDay():
		return t.Format("Jan _2")
	}
	return t.Format("15:04:05")
}

// when is a cell with an instant.
func (k *kit) when(t time.Time) cell {
	return cell{text: k.clock(t), brief: k.day(t), look: k.style.dim}
}

// frame is the time between two changes of the screen by news.
const frame = time.Second / 30

// after sends msg when d has passed.
func after(d time.Duration, msg tea.Msg) tea.Cmd {
	return tea.Tick(d, func(time.Time) tea.Msg { return msg })
}
