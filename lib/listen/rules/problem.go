package rules

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/cdktr/cdktr/lib/yamlfile"
)

// Problem is one mistake in a file of rules. Line 0: it has no place.
type Problem = yamlfile.Problem

// maxProblems bounds what one file can have said about it.
const maxProblems = 100

// report collects the problems of one file.
type report struct {
	yamlfile.Report
	text string // of the file, without a byte order mark
}

func newReport(file string, data []byte) *report {
	text := string(bytes.TrimPrefix(data, []byte(byteOrderMark)))
	return &report{yamlfile.Report{File: file, Most: maxProblems}, text}
}

// within reports a mistake at an expression of a scalar. Its place is where the
// file has as many expressions after the scalar's beginning as the scalar's text
// has before it; where it is not on that line, the place is the scalar's.
func (r *report) within(n *yaml.Node, m mistake) {
	lines := strings.Split(r.text, "\n")
	line, column := n.Line, n.Column
	if line <= len(lines) {
		runes := []rune(lines[line-1])
		rest := string(runes[min(column-1, len(runes)):])
		at := 0
		for range strings.Count(n.Value[:m.offset], opening) + 1 {
			next := strings.Index(rest[at:], opening)
			if next < 0 {
				at = -1
				break
			}
			at += next + len(opening)
		}
		if at > 0 {
			column += utf8.RuneCountInString(rest[:at-len(opening)])
		}
	}
	r.Add(line, column, "%s", m.what)
}

func quote(s string) string { return yamlfile.Quote(s) }
