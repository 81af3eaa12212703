package workflow

import (
	"bytes"
	"sort"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// within reports a mistake at an expression: offset is where it begins in the
// text of the scalar.
func (d *decoder) within(n *yaml.Node, text string, offset int, format string, args ...any) {
	line, column := n.Line, n.Column
	if !d.errors.Full() {
		line, column = d.place(n, text, offset)
	}
	d.errors.Add(line, column, format, args...)
}

// place finds an expression of a scalar in the file. Where that is not sure, the
// place is the scalar's.
func (d *decoder) place(n *yaml.Node, text string, offset int) (line, column int) {
	if d.found.of != n {
		d.found = openings{n, d.openingsOf(n, strings.Count(text, opening))}
	}
	if d.found.at == nil {
		return n.Line, n.Column
	}
	return d.placeOf(d.found.at[strings.Count(text[:offset], opening)])
}

// openings are where the expressions of a scalar begin in the file, in bytes.
type openings struct {
	of *yaml.Node
	at []int
}

// openingsOf finds so many expressions in the file, or returns nil. What opens
// them stands there as it does in the scalar's text: so the third one of the text
// is the third one after the scalar's beginning. In double quotes it may be
// escaped; then there are fewer up to the closing quote.
func (d *decoder) openingsOf(n *yaml.Node, count int) []int {
	start := d.offsetOf(n.Line, n.Column)
	if start < 0 {
		return nil
	}
	source := d.data[start:]
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		// The line of the indicator may hold a comment.
		indicator := max(bytes.IndexAny(source, "|>"), 0)
		start += indicator + lineLength(source[indicator:])
		source = d.data[start:]
	case n.Style&yaml.DoubleQuotedStyle != 0:
		source = quotedPart(source)
	}
	at := make([]int, 0, count)
	for from := 0; len(at) < count; {
		next := bytes.Index(source[from:], []byte(opening))
		if next < 0 {
			return nil
		}
		at = append(at, start+from+next)
		from += next + len(opening)
	}
	return at
}

// quotedPart is a text in double quotes, from whatever stands before it on.
func quotedPart(source []byte) []byte {
	begin := bytes.IndexByte(source, '"')
	if begin < 0 {
		return nil
	}
	for i := begin + 1; i < len(source); i++ {
		switch source[i] {
		case '\\':
			i++
		case '"':
			return source[:i]
		}
	}
	return source
}

// offsetOf is the byte at a place, or -1.
func (d *decoder) offsetOf(line, column int) int {
	starts := d.lineStarts()
	if line < 1 || line > len(starts) {
		return -1
	}
	at := starts[line-1]
	for ; column > 1; column-- {
		if at >= len(d.data) {
			return -1
		}
		_, size := utf8.DecodeRune(d.data[at:])
		at += size
	}
	return at
}

// placeOf is the place of a byte.
func (d *decoder) placeOf(offset int) (line, column int) {
	starts := d.lineStarts()
	line = sort.Search(len(starts), func(i int) bool { return starts[i] > offset })
	return line, utf8.RuneCount(d.data[starts[line-1]:offset]) + 1
}

func (d *decoder) lineStarts() []int {
	if d.starts == nil {
		d.starts = []int{0}
		for at := 0; at < len(d.data); {
			at += lineLength(d.data[at:])
			d.starts = append(d.starts, at)
		}
	}
	return d.starts
}

// lineLength is the length of the first line with its end, in bytes. YAML has
// more line ends than most.
func lineLength(text []byte) int {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\n':
			return i + 1
		case text[i] == '\r' && i+1 < len(text) && text[i+1] == '\n':
			return i + 2
		case text[i] == '\r':
			return i + 1
		case bytes.HasPrefix(text[i:], []byte("\u0085")):
			return i + 2
		case bytes.HasPrefix(text[i:], []byte("\u2028")), bytes.HasPrefix(text[i:], []byte("\u2029")):
			return i + 3
		}
	}
	return len(text)
}
