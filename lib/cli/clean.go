package cli

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Clean makes one line of foreign text harmless for a terminal. Colours and
// "erase line" go without a trace, as does a carriage return at the end; every
// other control character, and every character that turns the direction of
// text round or breaks the line, is spelled out as \x1b or \u202e; so is a byte
// that is not UTF-8. Tabs stay.
func Clean(s string) string {
	if harmless(s) {
		return s
	}
	s = strings.TrimRight(s, "\r")
	var b strings.Builder
	b.Grow(len(s) + 16)
	for i := 0; i < len(s); {
		if n := styling(s[i:]); n > 0 {
			i += n
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\t' || !dangerous(r):
			b.WriteString(s[i : i+size])
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		i += size
	}
	return b.String()
}

// harmless is the quick way for plain ASCII, which nearly all lines are.
func harmless(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < 0x20 && c != '\t') || c >= 0x7f {
			return false
		}
	}
	return true
}

// styling returns the length of a leading ESC [ digits m or ESC [ digits K,
// else 0.
func styling(s string) int {
	if !strings.HasPrefix(s, "\x1b[") {
		return 0
	}
	for i := 2; i < len(s) && i < 64; i++ {
		switch c := s[i]; {
		case c == 'm' || c == 'K':
			return i + 1
		case (c < '0' || c > '9') && c != ';' && c != ':':
			return 0
		}
	}
	return 0
}

func dangerous(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r < 0xa0: // C0, DEL, C1
	case r == 0x061c, r == 0x200e, r == 0x200f: // marks of direction
	case r >= 0x2028 && r <= 0x202e: // line and paragraph separator, embeddings, overrides
	case r >= 0x2066 && r <= 0x206f: // isolates, deprecated format characters
	case r == 0xfeff, r >= 0xfff9 && r <= 0xfffb: // byte order mark, annotations
	case r >= 0xe0000 && r <= 0xe007f: // invisible tags
	default:
		return false
	}
	return true
}
