package ui

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"
)

// column is a column of a table. Columns give way as the width shrinks: the one
// with the highest drop first, and never one with 0.
type column struct {
	title string
	width int // at least
	most  int // it grows up to here where there is room; 0: it does not grow
	right bool
	drop  int
}

// cell is foreign text and its look. Brief stands for text that has no room. Bar
// is text that is clean and may be styled.
type cell struct {
	text  string
	brief string
	look  style
	bar   string
}

// table is a window over rows that somebody else has: it asks for those that are
// in sight and for no others.
type table struct {
	k      *kit
	cols   []column
	bare   bool // without headings
	still  bool // no row is under the cursor: another pane takes the keys
	cursor int
	top    int
	height int // of the rows, when it was last shown
}

// key moves the cursor in n rows, and tells whether the key was for that.
func (t *table) key(msg tea.KeyMsg, n int) bool {
	page := max(1, t.height-1)
	switch msg.String() {
	case "j", "down":
		t.move(1, n)
	case "k", "up":
		t.move(-1, n)
	case "pgdown", "ctrl+f", " ":
		t.move(page, n)
	case "pgup", "ctrl+b":
		t.move(-page, n)
	case "ctrl+d":
		t.move(page/2, n)
	case "ctrl+u":
		t.move(-page/2, n)
	case "g", "home":
		t.to(0, n)
	case "G", "end":
		t.to(n-1, n)
	default:
		return false
	}
	return true
}

func (t *table) move(d, n int) { t.to(t.cursor+d, n) }

// to puts the cursor on a row.
func (t *table) to(i, n int) { t.cursor = max(0, min(i, n-1)) }

// wheel scrolls by the mouse: the cursor goes along.
func (t *table) wheel(msg tea.MouseMsg, n int) bool {
	switch msg.Button {
	case tea.MouseButtonWheelUp:
		t.move(-3, n)
	case tea.MouseButtonWheelDown:
		t.move(3, n)
	default:
		return false
	}
	return true
}

// at is the row in line y of the table, or -1.
func (t *table) at(y, n int) int {
	if !t.bare {
		y--
	}
	if i := t.top + y; y >= 0 && y < t.height && i < n {
		return i
	}
	return -1
}

// sight brings the window to the cursor: the rows from first until end are shown.
func (t *table) sight(h, n int) (first, end int) {
	if !t.bare {
		h--
	}
	t.height = max(0, h)
	t.cursor = max(0, min(t.cursor, n-1))
	t.top = max(0, min(t.top, n-t.height))
	switch {
	case t.cursor < t.top:
		t.top = t.cursor
	case t.cursor >= t.top+t.height:
		t.top = t.cursor - t.height + 1
	}
	return t.top, min(n, t.top+t.height)
}

// view shows the table in h lines of w cells.
func (t *table) view(w, h, n int, row func(i int) []cell) []string {
	widths := t.layout(w)
	out := make([]string, 0, h)
	if !t.bare {
		heads := make([]cell, len(t.cols))
		for i := range heads {
			heads[i] = cell{text: t.cols[i].title, look: t.k.style.head}
		}
		out = append(out, t.line(heads, widths, w, false))
	}
	first, end := t.sight(h, n)
	for i := first; i < end; i++ {
		out = append(out, t.line(row(i), widths, w, i == t.cursor && !t.still))
	}
	return out
}

// layout is the width of each column in w cells; 0: it has no room.
func (t *table) layout(w int) []int {
	widths := make([]int, len(t.cols))
	sum := 1 // of the cursor
	for i, c := range t.cols {
		widths[i] = c.width
		sum += c.width + 1
	}
	for sum > w {
		last := -1
		for i, c := range t.cols {
			if widths[i] > 0 && c.drop > 0 && (last < 0 || c.drop > t.cols[last].drop) {
				last = i
			}
		}
		if last < 0 {
			break
		}
		sum -= widths[last] + 1
		widths[last] = 0
	}
	for spare := w - sum; spare > 0; {
		grown := false
		for i, c := range t.cols {
			if spare > 0 && widths[i] > 0 && widths[i] < c.most {
				widths[i]++
				spare--
				grown = true
			}
		}
		if !grown {
			break
		}
	}
	return widths
}

func (t *table) line(cells []cell, widths []int, w int, selected bool) string {
	var below style
	mark := " "
	if selected {
		below, mark = t.k.style.selected, t.k.glyph.cursor
	}
	var b strings.Builder
	b.WriteString(below.paint(mark))
	used := 1
	gap := false
	for i := range cells {
		n := widths[i]
		if n == 0 {
			continue
		}
		if gap {
			b.WriteString(below.paint(" "))
			used++
		}
		gap = true
		c := &cells[i]
		text := c.bar
		switch {
		case text != "" && selected:
			text = below.paint(t.k.pad(plain(text), n))
		case text != "":
			text = t.k.pad(text, n)
		default:
			text = clean(c.text)
			if c.brief != "" && width(text) > n {
				text = clean(c.brief)
			}
			if t.cols[i].right {
				text = t.k.padLeft(text, n)
			}
			text = c.look.on(below).paint(t.k.pad(text, n))
		}
		b.WriteString(text)
		used += n
	}
	if selected {
		b.WriteString(below.paint(spaces(w - used)))
	}
	return b.String()
}
