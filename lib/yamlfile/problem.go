package yamlfile

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// Problem is one mistake in a file, or one warning.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`   // from 1; 0: the file as a whole
	Column  int    `json:"column"` // from 1, in characters
	Message string `json:"message"`
}

// String is the problem as compilers write theirs: file:line:column: message.
func (p Problem) String() string {
	if p.Line == 0 {
		return p.File + ": " + p.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
}

// Report collects the problems of one file.
type Report struct {
	File     string
	Most     int // that are told; of the others, how many there are
	problems []Problem
	dropped  int
}

// Add reports a problem at a place. Line 0: it has none.
func (r *Report) Add(line, column int, format string, args ...any) {
	if r.Full() {
		r.dropped++
		return
	}
	r.problems = append(r.problems, Problem{r.File, line, column, fmt.Sprintf(format, args...)})
}

// At reports a problem where the node begins.
func (r *Report) At(n *yaml.Node, format string, args ...any) {
	r.Add(n.Line, n.Column, format, args...)
}

// Full tells that one more problem will only be counted.
func (r *Report) Full() bool { return len(r.problems) >= r.Most }

// Sorted returns the problems in the file's order. What an anchor holds is
// checked wherever it is used; its mistakes are told once.
func (r *Report) Sorted() []Problem {
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Message, b.Message))
	})
	sorted := slices.Compact(r.problems)
	if r.dropped > 0 {
		sorted = append(sorted, Problem{File: r.File, Message: fmt.Sprintf("and %d more", r.dropped)})
	}
	return sorted
}

// Quote shows a text of the file within a message.
func Quote(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "…"
	}
	return strconv.Quote(s)
}
