package ui

import "strings"

// style is how text looks: the parameters of one SGR sequence. The zero value
// is the terminal's own look.
type style string

// paint gives text the style. The text must not be styled already.
func (s style) paint(text string) string {
	if s == "" || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// on lays the style over the one below it, such as that of a selected row.
func (s style) on(below style) style {
	if s == "" || below == "" {
		return s + below
	}
	return s + ";" + below
}

// styles are all the looks there are. Colours are calm, and none says anything
// that a glyph or a word does not say too.
type styles struct {
	brand    style // the program's name
	strong   style // titles, names that matter
	dim      style // what is there to be looked up, not to be read
	border   style
	focused  style // the border of the pane that takes keys
	head     style // headings of columns
	selected style // the row under the cursor
	match    style // what was searched for
	key      style // a key in the footer

	good, bad, busy, waiting, off style // states
	info                          style
}

// Colors is how many colours a terminal has.
type Colors int

// What terminals can do.
const (
	NoColors Colors = iota
	FewColors
	ManyColors
)

// ColorsOf tells what a terminal can do, by $TERM and $COLORTERM.
func ColorsOf(term, colorterm string) Colors {
	if strings.Contains(term, "256") || strings.Contains(term, "direct") || colorterm == "truecolor" || colorterm == "24bit" {
		return ManyColors
	}
	return FewColors
}

// newStyles makes the looks. Without colours there is still bold, faint and
// reverse.
func newStyles(c Colors) styles {
	switch c {
	case ManyColors:
		return styles{
			brand: "1;38;5;75", strong: "1", dim: "38;5;245", border: "38;5;240", focused: "38;5;75", head: "38;5;245",
			selected: "48;5;237;38;5;255", match: "1;4", key: "38;5;75",
			good: "38;5;71", bad: "1;38;5;203", busy: "38;5;75", waiting: "38;5;179", off: "38;5;245", info: "38;5;75",
		}
	case FewColors:
		return styles{
			brand: "1;36", strong: "1", dim: "2", border: "2", focused: "36", head: "2",
			selected: "7", match: "1;4", key: "36",
			good: "32", bad: "1;31", busy: "36", waiting: "33", off: "2", info: "36",
		}
	}
	return styles{
		brand: "1", strong: "1", dim: "2", border: "2", focused: "", head: "2",
		selected: "7", match: "1;4", key: "1",
		good: "", bad: "1", busy: "", waiting: "", off: "2", info: "",
	}
}
