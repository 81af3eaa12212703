package cli

import (
	"bufio"
	"encoding/json"
	"io"
	"strings"
	"unicode/utf8"
)

// List prints like things: JSON lines for programs, a table for people.
type List struct {
	w       *bufio.Writer
	json    *json.Encoder // nil: a table
	columns []string
	rows    [][]string
}

// NewList starts a list on stdout. The format is "json", "table" (or "text"),
// or "auto" (or empty): a table on a terminal, else JSON.
func NewList(env Env, format string, columns ...string) *List {
	l := &List{w: bufio.NewWriterSize(env.Stdout, 1<<16), columns: columns}
	if format == "json" || (!env.OutTerminal && (format == "" || format == "auto")) {
		l.json = NewEncoder(l.w)
	}
	return l
}

// Add adds one thing: as a program wants it, and as cells of a table's row. A
// table is held until Flush, because its widths depend on all rows.
func (l *List) Add(object any, cells ...string) error {
	if l.json != nil {
		return l.json.Encode(object)
	}
	for i := range cells {
		cells[i] = Clean(cells[i])
	}
	l.rows = append(l.rows, cells)
	return nil
}

// Flush prints what has been added.
func (l *List) Flush() error {
	if l.json == nil && len(l.rows) > 0 {
		writeTable(l.w, l.columns, l.rows)
		l.rows = nil
	}
	return l.w.Flush()
}

// writeTable aligns the columns; the writer keeps the first error.
func writeTable(w *bufio.Writer, columns []string, rows [][]string) {
	widths := make([]int, len(columns))
	all := append([][]string{columns}, rows...)
	for _, row := range all {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range all {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		w.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

// NewEncoder writes JSON objects a line each, with <, > and & as they are, and
// nothing that harms a terminal.
func NewEncoder(w io.Writer) *json.Encoder {
	e := json.NewEncoder(cleaner{w})
	e.SetEscapeHTML(false)
	return e
}

// JSON tells whether the list comes as JSON lines.
func (l *List) JSON() bool { return l.json != nil }
