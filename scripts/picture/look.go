package main

import (
	"fmt"
	"strconv"
	"strings"
)

// look is how text looks, as SGR sequences set it.
type look struct {
	fg, bg               string // empty: the terminal's own
	bold, faint, reverse bool
}

// sequence applies a leading SGR sequence and returns its length; another escape
// sequence is skipped.
func (l *look) sequence(s string) int {
	if !strings.HasPrefix(s, "\x1b") {
		return 0
	}
	end := strings.IndexFunc(s[1:], func(r rune) bool { return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' })
	if end < 0 {
		return len(s)
	}
	if strings.HasPrefix(s, "\x1b[") && s[1+end] == 'm' {
		l.apply(strings.Split(s[2:1+end], ";"))
	}
	return end + 2
}

func (l *look) apply(codes []string) {
	for len(codes) > 0 {
		n, _ := strconv.Atoi(codes[0])
		codes = codes[1:]
		switch {
		case n == 0:
			*l = look{}
		case n == 1:
			l.bold = true
		case n == 2:
			l.faint = true
		case n == 7:
			l.reverse = true
		case n == 22:
			l.bold, l.faint = false, false
		case n == 27:
			l.reverse = false
		case n >= 30 && n <= 37:
			l.fg = color(n - 30)
		case n == 39:
			l.fg = ""
		case n >= 40 && n <= 47:
			l.bg = color(n - 40)
		case n == 49:
			l.bg = ""
		case n >= 90 && n <= 97:
			l.fg = color(n - 90 + 8)
		case (n == 38 || n == 48) && len(codes) >= 2 && codes[0] == "5":
			c, _ := strconv.Atoi(codes[1])
			codes = codes[2:]
			if n == 38 {
				l.fg = color(c)
			} else {
				l.bg = color(c)
			}
		}
	}
}

// colors are those of the text and of what is behind it.
func (l *look) colors() (fg, bg string) {
	fg, bg = l.fg, l.bg
	if fg == "" {
		fg = foreground
	}
	if bg == "" {
		bg = background
	}
	if l.faint {
		fg = "#7c828d"
	}
	if l.reverse {
		fg, bg = bg, fg
	}
	return fg, bg
}

// base are the first 16 colours.
var base = [16]string{
	"#2e3440", "#e0606c", "#7fb069", "#d9a649", "#5f9fe0", "#b48ead", "#5fb3b3", "#d4d7dd",
	"#5c6370", "#f07178", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#ffffff",
}

// color is one of the 256: the first 16, a cube of six shades, 24 greys.
func color(n int) string {
	switch {
	case n < 0 || n > 255:
		return foreground
	case n < 16:
		return base[n]
	case n >= 232:
		v := 8 + (n-232)*10
		return fmt.Sprintf("#%02x%02x%02x", v, v, v)
	}
	shade := func(v int) int {
		if v == 0 {
			return 0
		}
		return 55 + v*40
	}
	n -= 16
	return fmt.Sprintf("#%02x%02x%02x", shade(n/36), shade(n/6%6), shade(n%6))
}
