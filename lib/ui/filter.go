package ui

import (
	"strings"

	"github.com/charmbracelet/bubbles/textinput"
	tea "github.com/charmbracelet/bubbletea"
)

// filter narrows a list by words: all of them must match. A word is a piece of
// text, or field:value, where values may be several (status:failed|running). It
// takes effect while it is being written, and the tab line always shows it.
type filter struct {
	k      *kit
	input  textinput.Model
	typing bool
	before string // what esc goes back to
	terms  []term

	shown, total int  // rows: the screen sets them
	more         bool // and there are older ones
}

// term is one word of a filter: one of the values must match.
type term struct {
	field  string // empty: any
	values []string
}

func newFilter(k *kit) *filter {
	return &filter{k: k, input: newInput()}
}

func newInput() textinput.Model {
	in := textinput.New()
	in.Prompt = ""
	in.CharLimit = 1000
	return in
}

// text is the filter as it was written.
func (f *filter) text() string { return f.input.Value() }

// on tells that rows may be hidden.
func (f *filter) on() bool { return len(f.terms) > 0 }

// open begins to write.
func (f *filter) open() {
	f.typing, f.before = true, f.text()
	f.input.Focus()
	f.input.CursorEnd()
}

// set replaces the filter.
func (f *filter) set(text string) {
	f.input.SetValue(text)
	f.terms = parseTerms(text)
}

// What a key did to a filter that is being written.
type filterEvent int

const (
	filterTyped  filterEvent = iota
	filterDone               // enter: select the first match
	filterUndone             // esc: it is as it was before
)

// key takes a key while one is writing.
func (f *filter) key(msg tea.KeyMsg) filterEvent {
	switch msg.String() {
	case "enter":
		f.typing = false
		f.input.Blur()
		return filterDone
	case "esc":
		f.typing = false
		f.input.Blur()
		f.set(f.before)
		return filterUndone
	}
	f.input, _ = f.input.Update(msg)
	f.terms = parseTerms(f.text())
	return filterTyped
}

// matches tells whether all terms match: has says whether a field, or with an
// empty field any, has a value. Values are in lower case.
func (f *filter) matches(has func(field, value string) bool) bool {
	for i := range f.terms {
		t := &f.terms[i]
		found := false
		for _, v := range t.values {
			if found = has(t.field, v); found {
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

func parseTerms(text string) []term {
	var terms []term
	for word := range strings.FieldsSeq(strings.ToLower(text)) {
		t := term{}
		if field, rest, ok := strings.Cut(word, ":"); ok && field != "" && letters(field) {
			if rest == "" {
				continue // still being written
			}
			t.field, word = field, rest
		}
		for v := range strings.SplitSeq(word, "|") {
			if v != "" {
				t.values = append(t.values, v)
			}
		}
		if t.values != nil {
			terms = append(terms, t)
		}
	}
	return terms
}

func letters(s string) bool {
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") == ""
}

// view is the filter in the tab line, in at most w cells; empty if there is none.
func (f *filter) view(w int) string {
	if !f.typing && !f.on() {
		return ""
	}
	more := ""
	if f.more {
		more = "+"
	}
	count := "(" + number(f.shown) + " of " + number(f.total) + more + ")"
	room := w - len(count) - 4
	if room < 8 {
		count, room = "", w-2
	}
	var text string
	if f.typing {
		text = f.k.typed(&f.input, max(1, room))
	} else {
		text = f.k.style.info.paint(f.k.pad(clean(f.text()), min(max(1, room), width(clean(f.text())))))
	}
	out := f.k.style.key.paint("/") + " " + text
	if count != "" {
		out += "  " + f.k.style.dim.paint(count)
	}
	return out
}

// typed shows a line that is being written, with its cursor, in at most w cells:
// the part at the cursor.
func (k *kit) typed(in *textinput.Model, w int) string {
	runes := []rune(in.Value())
	at := min(in.Position(), len(runes))
	left, right := clean(string(runes[:at])), clean(string(runes[at:]))
	for width(left) > w-1 && left != "" {
		_, size := firstRune(left)
		left = left[size:]
	}
	under := " "
	if right != "" {
		_, size := firstRune(right)
		under, right = right[:size], right[size:]
	}
	right = k.pad(right, min(width(right), max(0, w-width(left)-width(under))))
	return left + style("7").paint(under) + right
}
