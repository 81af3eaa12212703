package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// Problem is one mistake in a file of rules. Line 0: it has no place.
type Problem struct {
	File         string
	Line, Column int
	Message      string
}

// String is the problem as compilers write theirs: file:line:column: message.
func (p Problem) String() string {
	if p.Line == 0 {
		return p.File + ": " + p.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
}

// maxProblems bounds what one file can have said about it.
const maxProblems = 100

// report collects the problems of one file.
type report struct {
	file     string
	text     string // of the file, without a byte order mark
	problems []Problem
	dropped  int
}

func (r *report) add(line, column int, format string, args ...any) {
	if len(r.problems) == maxProblems {
		r.dropped++
		return
	}
	r.problems = append(r.problems, Problem{r.file, line, column, fmt.Sprintf(format, args...)})
}

func (r *report) at(n *yaml.Node, format string, args ...any) {
	r.add(n.Line, n.Column, format, args...)
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
	r.add(line, column, "%s", m.what)
}

// sorted returns the problems in the file's order. What an anchor holds is
// checked wherever it is used; its mistakes are told once.
func (r *report) sorted() []Problem {
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Message, b.Message))
	})
	sorted := slices.Compact(r.problems)
	if r.dropped > 0 {
		sorted = append(sorted, Problem{File: r.file, Message: fmt.Sprintf("and %d more", r.dropped)})
	}
	return sorted
}

// quote shows a text of the file within a message.
func quote(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "…"
	}
	return strconv.Quote(s)
}
