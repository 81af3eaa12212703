// Command picture turns a screen of a terminal, as `tmux capture-pane -e -p`
// prints it, into an SVG file: for the README.
//
//	tmux capture-pane -e -p | picture -w 120 >screen.svg
package main

import (
	"bufio"
	"flag"
	"fmt"
	"html"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// The size of a cell, and the looks of the terminal.
const (
	cellWidth  = 8.4
	cellHeight = 17.0
	border     = 12.0
	foreground = "#d4d7dd"
	background = "#16181d"
)

func main() {
	w := flag.Int("w", 120, "cells in a line")
	flag.Parse()
	if err := draw(os.Stdin, os.Stdout, *w); err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

func draw(in io.Reader, out io.Writer, w int) error {
	text, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("read the screen: %w", err)
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	width, height := float64(w)*cellWidth+2*border, float64(len(lines))*cellHeight+2*border
	b := bufio.NewWriter(out)
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="14">`+"\n", width, height)
	fmt.Fprintf(b, `<rect width="100%%" height="100%%" rx="8" fill="%s"/>`+"\n", background)
	var l look
	for row, line := range lines {
		drawLine(b, &l, line, border+float64(row)*cellHeight)
	}
	fmt.Fprintln(b, "</svg>")
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write the picture: %w", err)
	}
	return nil
}

// drawLine draws a line in pieces that look alike. Each has its place and its
// length, so that no font moves a frame.
func drawLine(b io.Writer, l *look, line string, y float64) {
	column := 0
	for line != "" {
		if n := l.sequence(line); n > 0 {
			line = line[n:]
			continue
		}
		end := strings.IndexByte(line, 0x1b)
		if end < 0 {
			end = len(line)
		}
		text := line[:end]
		line = line[end:]
		drawPiece(b, l, text, column, y)
		column += cells(text)
	}
}

func drawPiece(b io.Writer, l *look, text string, column int, y float64) {
	at := func(c int) float64 { return border + float64(c)*cellWidth }
	fg, bg := l.colors()
	if bg != background {
		fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`, at(column), y, float64(cells(text))*cellWidth, cellHeight, bg)
	}
	weight := ""
	if l.bold {
		weight = ` font-weight="bold"`
	}
	for text != "" {
		word := strings.TrimLeft(text, " ")
		column += len(text) - len(word)
		end := strings.Index(word, "  ")
		if end < 0 {
			end = len(word)
		}
		text = word[end:]
		word = strings.TrimRight(word[:end], " ")
		if word == "" {
			continue
		}
		n := cells(word)
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" textLength="%.1f" lengthAdjust="spacingAndGlyphs" xml:space="preserve" fill="%s"%s>%s</text>`+"\n",
			at(column), y+cellHeight-4, float64(n)*cellWidth, fg, weight, html.EscapeString(word))
		column += n
	}
}

// cells is how many cells text takes: the pictures have no wide characters.
func cells(text string) int { return utf8.RuneCountInString(text) }
