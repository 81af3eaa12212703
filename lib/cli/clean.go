package cli

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Clean makes one line of foreign text harmless for a terminal. Colours and
// "erase line" go without a trace, as does a carriage return at the end; every
// other control character, and every character that turns the direction of
// text round, breaks the line or hides text, is spelled out as \x1b or \u202e;
// so is a byte that is not UTF-8. Tabs stay, and so does what letters and emoji
// are joined with.
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
		if n := flag(s[i:]); n > 0 {
			b.WriteString(s[i : i+n])
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

// flag returns the length of a leading flag of a region, such as England's: a
// black flag, up to six tags for letters and digits, and the tag that ends it;
// else 0.
func flag(s string) int {
	const black = "\U0001f3f4"
	if !strings.HasPrefix(s, black) {
		return 0
	}
	for n, i := 0, len(black); n <= 6; n++ {
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		switch {
		case r == 0xe007f && n > 0:
			return i
		case (r < 0xe0030 || r > 0xe0039) && (r < 0xe0061 || r > 0xe007a):
			return 0
		}
	}
	return 0
}

// CleanJSON makes JSON harmless for a terminal and leaves its meaning: what
// Clean would spell out is escaped. JSON has such characters in strings alone.
func CleanJSON(text []byte) []byte {
	if ascii(text) || !bytes.ContainsFunc(text, dangerousInJSON) {
		return text
	}
	out := make([]byte, 0, len(text)+64)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case !dangerousInJSON(r):
			out = append(out, text[:size]...)
		case r < 0x10000:
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		}
		text = text[size:]
	}
	return out
}

// ascii tells that no byte is above 0x7e, eight at a time: it is asked about
// every line of every log.
func ascii(text []byte) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; len(text) >= 8; text = text[8:] {
		v := binary.LittleEndian.Uint64(text)
		if (v|(v+ones))&tops != 0 { // 0x7f and one is 0x80
			return false
		}
	}
	for _, c := range text {
		if c >= 0x7f {
			return false
		}
	}
	return true
}

// dangerousInJSON leaves alone what stands between values; in strings JSON
// itself escapes it.
func dangerousInJSON(r rune) bool { return r >= 0x7f && dangerous(r) }

// cleaner is a writer of whole JSON values.
type cleaner struct{ w io.Writer }

func (c cleaner) Write(text []byte) (int, error) {
	if _, err := c.w.Write(CleanJSON(text)); err != nil {
		return 0, err
	}
	return len(text), nil
}

func dangerous(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r < 0xa0: // C0, DEL, C1
	case r == 0x061c, r == 0x200e, r == 0x200f: // marks of direction
	case r >= 0x2028 && r <= 0x202e: // line and paragraph separator, embeddings, overrides
	case r >= 0x2066 && r <= 0x206f: // isolates, deprecated format characters
	case r == 0x180e, r >= 0x2061 && r <= 0x2064: // invisible separators and operators
	case r == 0xfeff, r >= 0xfff9 && r <= 0xfffb: // byte order mark, annotations
	case r >= 0x1d173 && r <= 0x1d17a: // invisible marks in music
	case r >= 0xe0000 && r <= 0xe007f: // invisible tags
	default:
		return false
	}
	return true
}
