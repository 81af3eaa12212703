package ui

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"github.com/cdktr/cdktr/lib/cli"
)

// clean makes foreign text one harmless line: escape sequences and control
// characters go or are spelled out, a tab becomes a space, and every character
// has a width on which all terminals agree.
func clean(s string) string {
	if printable(s) {
		return s
	}
	s = strings.ReplaceAll(cli.Clean(s), "\t", " ")
	if printable(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for rest := s; rest != ""; {
		cluster, _ := ansi.FirstGraphemeCluster(rest, ansi.GraphemeWidth)
		rest = rest[len(cluster):]
		b.WriteString(agreed(cluster))
	}
	if text := b.String(); settled(text) {
		return text
	}
	// What was left out has joined its neighbours.
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f {
			return '?'
		}
		return r
	}, s)
}

// settled tells that terminals which count code points and those which count
// characters give text the same width.
func settled(text string) bool { return ansi.StringWidth(text) == ansi.StringWidthWc(text) }

func printable(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f {
			return false
		}
	}
	return true
}

// marks is how many combining marks a character may carry: more of them climb
// into the lines above.
const marks = 2

// agreed is what people take for one character where its width is settled, else as
// much of it as that holds for. So a family becomes its first member, and a flag
// two letters.
func agreed(cluster string) string {
	var b strings.Builder
	n := 0
	for i, r := range cluster {
		switch {
		case r >= 0x1f1e6 && r <= 0x1f1ff: // letters that terminals pair to flags
			b.WriteRune('A' + r - 0x1f1e6)
			continue
		case i > 0 && (!unicode.Is(unicode.Mn, r) || n == marks || r >= 0xfe00 && r <= 0xfe0f):
			continue
		case i > 0:
			n++
		case !assigned(r), !settled(string(r)), ansi.StringWidth(string(r)) == 0:
			r = unicode.ReplacementChar
		}
		b.WriteRune(r)
	}
	text := b.String()
	if !settled(text) {
		return string(unicode.ReplacementChar)
	}
	return text
}

// assigned tells that a character is one, or is left to private use. What is none
// yet, or is there to format text, has no width on which terminals agree: many do
// not draw it at all.
func assigned(r rune) bool { return unicode.IsGraphic(r) || unicode.Is(unicode.Co, r) }

// width is how many cells clean text takes, without its styles.
func width(s string) int {
	if n, ok := counted(s); ok {
		return n
	}
	return ansi.StringWidth(s)
}

// counted counts the cells of text of which each character is one: ASCII, lines,
// blocks, and styles. Nearly all lines of a frame are, and to look for what people
// take for one character costs more than all else that a frame needs.
func counted(s string) (n int, ok bool) {
	for i := 0; i < len(s); {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		switch {
		case r >= ' ' && r < 0x7f, r >= 0x2500 && r <= 0x259f, r == '·', r == '…', r == '✓', r == '✗':
			n++
		case r == 0x1b:
			if size = strings.IndexByte(s[i:], 'm') + 1; size < 3 || s[i+1] != '[' || strings.Trim(s[i+2:i+size-1], "0123456789;") != "" {
				return 0, false
			}
		default:
			return 0, false
		}
		i += size
	}
	return n, true
}

// pad makes clean text, which may be styled, exactly n cells wide. What is cut
// off is told by an ellipsis.
func (k *kit) pad(s string, n int) string {
	if n <= 0 {
		return ""
	}
	switch w := width(s); {
	case w == n:
		return s
	case w < n:
		return s + spaces(n-w)
	}
	s = ansi.Truncate(s, n, k.glyph.more)
	return s + spaces(n-width(s)) // half of a wide character was cut
}

// padLeft is pad with the text at the right.
func (k *kit) padLeft(s string, n int) string {
	if w := width(s); w < n {
		return spaces(n-w) + s
	}
	return k.pad(s, n)
}

// fit makes foreign text harmless and exactly n cells wide.
func (k *kit) fit(s string, n int) string { return k.pad(clean(s), n) }

// row puts left and right at the ends of a line of w cells; right is cut off
// first.
func (k *kit) row(left, right string, w int) string {
	l, r := width(left), width(right)
	if l+r+1 > w {
		return k.pad(left, w)
	}
	return left + spaces(w-l-r) + right
}

const blank = "                                                                                                                                                                                                                                                                                                            "

func spaces(n int) string {
	switch {
	case n <= 0:
		return ""
	case n <= len(blank):
		return blank[:n]
	}
	return strings.Repeat(" ", n)
}

func firstRune(s string) (rune, int) { return utf8.DecodeRuneInString(s) }

// plain is styled text without its styles.
func plain(s string) string { return ansi.Strip(s) }
