package ui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// box draws a frame of w by h cells round lines, which are cut or filled up. The
// title must be clean; it may be styled.
func (k *kit) box(title string, lines []string, w, h int, focused bool) []string {
	if w < 2 || h < 2 {
		return k.sheet(nil, w, h)
	}
	look := k.style.border
	if focused {
		look = k.style.focused
	}
	g := &k.glyph
	out := make([]string, 0, h)
	out = append(out, k.boxTop(title, w, look))
	side := look.paint(g.side)
	for i := range h - 2 {
		line := ""
		if i < len(lines) {
			line = lines[i]
		}
		out = append(out, side+k.pad(line, w-2)+side)
	}
	return append(out, look.paint(g.bottomLeft+strings.Repeat(g.bottom, w-2)+g.bottomRight))
}

func (k *kit) boxTop(title string, w int, look style) string {
	g := &k.glyph
	room := w - 6 // corners, a dash, spaces round the title, a dash
	if title == "" || room < 1 {
		return look.paint(g.topLeft + strings.Repeat(g.top, w-2) + g.topRight)
	}
	if width(title) > room {
		title = ansi.Truncate(title, room, g.more)
	}
	rest := w - 5 - width(title)
	return look.paint(g.topLeft+g.top) + " " + title + " " + look.paint(strings.Repeat(g.top, rest)+g.topRight)
}

// beside joins blocks of equal height, side by side.
func beside(blocks ...[]string) []string {
	out := make([]string, len(blocks[0]))
	var b strings.Builder
	for i := range out {
		b.Reset()
		for _, block := range blocks {
			b.WriteString(block[i])
		}
		out[i] = b.String()
	}
	return out
}

// sheet makes exactly h lines of w cells of lines.
func (k *kit) sheet(lines []string, w, h int) []string {
	out := make([]string, h)
	for i := range out {
		if i < len(lines) {
			out[i] = k.pad(lines[i], w)
		} else {
			out[i] = spaces(w)
		}
	}
	return out
}

// center puts text into the middle of w cells.
func (k *kit) center(text string, w int) string {
	return k.pad(spaces((w-width(text))/2)+text, w)
}

// empty is what a list without rows says: what there is not, and what to do.
func (k *kit) empty(w, h int, lines ...string) []string {
	out := make([]string, 0, h)
	for range max(0, (h-len(lines))/2) {
		out = append(out, "")
	}
	for i, line := range lines {
		look := k.style.dim
		if i == 0 {
			look = k.style.strong
		}
		out = append(out, k.center(look.paint(clean(line)), w))
	}
	return out
}

// overlay lays a block over the middle of a frame.
func (k *kit) overlay(under, block []string, w int) []string {
	if len(block) == 0 || len(block) > len(under) {
		return under
	}
	bw := width(block[0])
	x, y := max(0, (w-bw)/2), (len(under)-len(block))/2
	for i, line := range block {
		below := under[y+i]
		left := ansi.Truncate(below, x, "")
		right := ansi.TruncateLeft(below, x+bw, "")
		gap := w - x - bw - width(right) // half of a wide character was cut
		under[y+i] = left + spaces(x-width(left)) + line + spaces(gap) + right
	}
	return under
}
