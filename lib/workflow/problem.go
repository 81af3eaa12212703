package workflow

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// String is the problem as compilers write theirs: file:line:column: message.
func (p Problem) String() string {
	if p.Line == 0 {
		return p.File + ": " + p.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
}

// maxProblems bounds what one file can have said about it.
const maxProblems = 1000

// report collects the problems of one file.
type report struct {
	file     string
	problems []Problem
	dropped  int
}

func (r *report) add(line, column int, format string, args ...any) {
	if r.full() {
		r.dropped++
		return
	}
	r.problems = append(r.problems, Problem{File: r.file, Line: line, Column: column, Message: fmt.Sprintf(format, args...)})
}

func (r *report) at(n *yaml.Node, format string, args ...any) {
	r.add(n.Line, n.Column, format, args...)
}

func (r *report) full() bool { return len(r.problems) >= maxProblems }

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
