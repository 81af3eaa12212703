package main

import (
	"strings"
	"unicode"
)

// cells is how many columns of a terminal a text takes.
func cells(s string) (n int) {
	for _, r := range s {
		n += cellsOf(r)
	}
	return n
}

// cellsOf knows the wide blocks roughly: where a terminal sees it otherwise, it
// does not wrap lines while a frame is drawn.
func cellsOf(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3,
		r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60,
		r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

// cut shortens a text to a width, and shows that something is missing.
func cut(s string, width int) string {
	if cells(s) <= width {
		return s
	}
	const mark = "…"
	var b strings.Builder
	left := width - cells(mark)
	for _, r := range s {
		if left -= cellsOf(r); left < 0 {
			break
		}
		b.WriteRune(r)
	}
	if width > 0 {
		b.WriteString(mark)
	}
	return b.String()
}
