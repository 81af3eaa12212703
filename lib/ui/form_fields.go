package ui

import (
	"github.com/charmbracelet/bubbles/textinput"
	tea "github.com/charmbracelet/bubbletea"
)

// fields are lines that somebody fills in, and a button below them.
type fields struct {
	k      *kit
	all    []field
	at     int // which takes the keys; len(all) is the button
	button string
	free   bool // an empty one is added when the last is filled

	top   int // the first that is shown
	lines []place
}

// field is one of them.
type field struct {
	name   string
	hint   string // what it takes
	preset string
	input  textinput.Model
	wrong  string // why its value is none
	fresh  bool   // it has its default, and nobody has gone into it: what is typed replaces that
}

// place is which field a line of the view belongs to.
type place struct{ field int }

// changed tells whether somebody has written another value.
func (f *field) changed() bool { return f.input.Value() != f.preset }

func (fs *fields) add(name, preset, hint string) {
	f := field{name: name, hint: hint, input: newInput()}
	f.input.CharLimit = 0
	f.input.SetValue(preset)
	f.preset = f.input.Value() // a value of several lines is shown as one
	f.fresh = f.preset != ""
	f.input.CursorEnd()
	fs.all = append(fs.all, f)
	fs.focus(fs.at)
}

// grow keeps an empty field at the end.
func (fs *fields) grow() {
	if n := len(fs.all); fs.free && (n == 0 || fs.all[n-1].input.Value() != "") {
		at := fs.at
		fs.add("", "", "NAME=VALUE, or nothing")
		fs.focus(at)
	}
}

// focus gives the keys to a field, or to the button after the last.
func (fs *fields) focus(i int) {
	fs.at = max(0, min(i, len(fs.all)))
	for j := range fs.all {
		if j == fs.at {
			fs.all[j].input.Focus()
		} else {
			fs.all[j].input.Blur()
		}
	}
}

// press takes a key. Button tells that the button was pressed.
func (fs *fields) press(msg tea.KeyMsg) (changed, button, used bool) {
	n := len(fs.all) + 1
	onButton := fs.at == len(fs.all)
	switch msg.String() {
	case "tab", "down":
		fs.focus((fs.at + 1) % n)
		return false, false, true
	case "shift+tab", "up":
		fs.focus((fs.at + n - 1) % n)
		return false, false, true
	case "enter":
		if onButton {
			return false, true, true
		}
		if fs.free && fs.all[fs.at].input.Value() == "" {
			fs.focus(n - 1) // there are no more
		} else {
			fs.focus(fs.at + 1)
		}
		return false, false, true
	}
	if onButton {
		return false, msg.String() == " ", msg.String() == " "
	}
	f := &fs.all[fs.at]
	before := f.input.Value()
	f.take(msg)
	if changed = f.input.Value() != before; changed {
		f.wrong = ""
		fs.grow()
	}
	return changed, false, true
}

// take changes the value. A default is as text that is selected: what is written
// or taken away is all of it, and keys that move the cursor keep it.
func (f *field) take(msg tea.KeyMsg) {
	before := f.input.Value()
	if f.fresh {
		switch msg.Type {
		case tea.KeyRunes, tea.KeySpace:
			if len(msg.Runes) > 0 && !msg.Alt {
				f.input.SetValue("")
			}
		case tea.KeyBackspace, tea.KeyCtrlH, tea.KeyCtrlW, tea.KeyDelete, tea.KeyCtrlD:
			f.input.SetValue("")
			f.fresh = false
			return
		case tea.KeyLeft, tea.KeyRight, tea.KeyHome, tea.KeyEnd, tea.KeyCtrlA, tea.KeyCtrlB, tea.KeyCtrlE, tea.KeyCtrlF:
			f.fresh = false
		}
	}
	emptied := f.input.Value() != before
	f.input, _ = f.input.Update(msg)
	f.fresh = f.fresh && !emptied && f.input.Value() == before
}

// point takes the mouse: a click goes to a field, or presses the button.
func (fs *fields) point(msg tea.MouseMsg) (button bool) {
	switch {
	case msg.Button == tea.MouseButtonWheelUp:
		fs.focus(fs.at - 1)
	case msg.Button == tea.MouseButtonWheelDown:
		fs.focus(fs.at + 1)
	case msg.Button == tea.MouseButtonLeft && msg.Action == tea.MouseActionPress:
		// The first line is the border of the box.
		if y := msg.Y - 1; y >= 0 && y < len(fs.lines) && fs.lines[y].field >= 0 {
			fs.focus(fs.lines[y].field)
			return fs.at == len(fs.all)
		}
	}
	return false
}

// view shows the fields in h lines of w cells, under some lines of head: the one
// that takes the keys is always there.
func (fs *fields) view(head []string, w, h int) []string {
	k := fs.k
	label := 4
	for i := range fs.all {
		label = max(label, min(width(clean(fs.all[i].name)), w/3))
	}
	var lines []string
	var of []place
	begin := 0 // of the field at hand
	put := func(field int, line string) {
		lines, of = append(lines, line), append(of, place{field})
	}
	for i := range fs.all {
		f := &fs.all[i]
		if i == fs.at {
			begin = len(lines)
		}
		put(i, fs.line(i, label, w))
		note, look := f.hint, k.style.dim
		if f.wrong != "" {
			note, look = k.glyph.failed+" "+f.name+" "+f.wrong, k.style.bad
			if f.name == "" {
				note = k.glyph.failed + " " + f.wrong
			}
		}
		put(i, spaces(label+5)+look.paint(k.fit(note, max(0, w-label-6))))
	}
	put(-1, "")
	if fs.at == len(fs.all) {
		begin = len(lines)
	}
	put(len(fs.all), fs.buttonLine(label))
	room := max(2, h-len(head))
	fs.top = max(0, min(fs.top, len(lines)-room))
	if begin < fs.top {
		fs.top = begin
	}
	if begin+2 > fs.top+room {
		fs.top = min(begin+2, len(lines)) - room
	}
	end := min(len(lines), fs.top+room)
	fs.lines = make([]place, len(head), len(head)+room)
	for i := range fs.lines {
		fs.lines[i].field = -1
	}
	fs.lines = append(fs.lines, of[fs.top:end]...)
	return append(head, lines[fs.top:end]...)
}

func (fs *fields) line(i, label, w int) string {
	k := fs.k
	f := &fs.all[i]
	mark, look := " ", k.style.strong
	if i == fs.at {
		mark, look = k.glyph.cursor, k.style.key
	}
	name := f.name
	if fs.free {
		name = number(i + 1)
	}
	line := " " + look.paint(mark) + " " + look.paint(k.fit(name, label)) + "  "
	room := max(1, w-label-6)
	value := clean(f.input.Value())
	switch {
	case i == fs.at && f.fresh:
		return line + k.style.dim.paint(k.pad(value, min(width(value), room-1))) + style("7").paint(" ")
	case i == fs.at:
		return line + k.typed(&f.input, room)
	}
	switch {
	case value == "":
		return line + k.style.dim.paint(k.glyph.none)
	case !f.changed():
		return line + k.style.dim.paint(k.pad(value, room))
	}
	return line + k.pad(value, room)
}

func (fs *fields) buttonLine(label int) string {
	k := fs.k
	text := "[ " + fs.button + " ]"
	if fs.at == len(fs.all) {
		return " " + k.style.key.paint(k.glyph.cursor) + spaces(label+3) + style("7").paint(text)
	}
	return spaces(label+5) + k.style.strong.paint(text)
}
