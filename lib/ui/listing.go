package ui

import (
	"slices"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// listing is a table whose rows have names: it can be narrowed and clicked, and
// the cursor stays on its row whatever comes before or after it.
type listing struct {
	table
	find  *filter
	names []string // as listed
	at    string   // the name under the cursor
	place place4   // of the table without its box, when it was last shown
	last  string   // that was clicked
	when  time.Time
}

func newListing(k *kit, cols ...column) listing {
	return listing{table: table{k: k, cols: cols}, find: newFilter(k)}
}

// fill lists those of all names that match the filter; has is as in filter.
func (l *listing) fill(all []string, has func(name, field, value string) bool) {
	l.names = all
	if l.find.on() {
		l.names = nil
		for _, name := range all {
			if l.find.matches(func(field, value string) bool { return has(name, field, value) }) {
				l.names = append(l.names, name)
			}
		}
	}
	l.find.shown, l.find.total = len(l.names), len(all)
	if i := slices.Index(l.names, l.at); i >= 0 {
		l.cursor = i
	}
	l.to(l.cursor, len(l.names))
	l.hold()
}

func (l *listing) hold() {
	if l.cursor < len(l.names) {
		l.at = l.names[l.cursor]
	}
}

// current is the name under the cursor, or empty.
func (l *listing) current() string {
	if l.cursor < len(l.names) {
		return l.names[l.cursor]
	}
	return ""
}

// press takes the keys of the filter and of the cursor. Fill must be called after
// it where the filter may have changed.
func (l *listing) press(msg tea.KeyMsg) bool {
	if l.find.typing {
		l.at, l.cursor = "", 0
		l.find.key(msg)
		return true
	}
	switch msg.String() {
	case "/", "F":
		l.find.open()
		return true
	case "esc":
		if !l.find.on() {
			return false
		}
		l.find.set("")
		return true
	}
	if !l.key(msg, len(l.names)) {
		return false
	}
	l.hold()
	return true
}

// point takes the mouse; open tells that a row was clicked twice.
func (l *listing) point(msg tea.MouseMsg) (open bool) {
	if !l.place.has(msg.X, msg.Y) {
		return false
	}
	if l.wheel(msg, len(l.names)) {
		l.hold()
		return false
	}
	i := l.table.at(msg.Y-l.place.y, len(l.names))
	if i < 0 || msg.Action != tea.MouseActionPress || msg.Button != tea.MouseButtonLeft {
		return false
	}
	l.to(i, len(l.names))
	l.hold()
	now := l.k.now()
	open = l.last == l.at && now.Sub(l.when) < doubleClick
	l.last, l.when = l.at, now
	return open
}

// show draws the listing in a box whose top left corner is at x, y.
func (l *listing) show(title string, x, y, w, h int, focused bool, row func(name string) []cell) []string {
	l.place = place4{x + 1, y + 1, w - 2, h - 2}
	lines := l.view(w-2, h-2, len(l.names), func(i int) []cell { return row(l.names[i]) })
	return l.k.box(title, lines, w, h, focused)
}
