package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
	"unicode/utf8"
)

// pieceBytes bounds every text in a table. DuckDB reads and writes columns in
// vectors of 2,048 values and must have a whole vector in memory: with values
// of a megabyte, 200 rows would be enough to make every checkpoint fail. A
// longer text goes on in rows of its own. The bound is a multiple of three, so
// that pieces in base64 can be put together.
const pieceBytes = 4095

// fullPiece is the least length of a piece that more may follow.
const fullPiece = pieceBytes - utf8.UTFMax + 1

// cut returns the beginning of b that is one piece, and the rest. Text is cut
// between characters.
func cut(b []byte, isText bool) (first, rest []byte) {
	if len(b) <= pieceBytes {
		return b, nil
	}
	n := pieceBytes
	for isText && !utf8.RuneStart(b[n]) {
		n--
	}
	return b[:n], b[n:]
}

func piece(s string) (first, rest string) {
	f, _ := cut([]byte(s[:min(len(s), pieceBytes+1)]), true)
	return s[:len(f)], s[len(f):]
}

// text is a string as a column takes it: null where it is empty. A Go string
// would end at its first NUL byte, so it goes as bytes, which then must be
// UTF-8. Names are not meant to be longer than a piece; the rest of such a one
// is cut off.
func text(s string) driver.Value {
	if s == "" {
		return nil
	}
	first, _ := piece(strings.ToValidUTF8(s, "\uFFFD"))
	return []byte(first)
}

// word is text for a column that is never null.
func word(s string) driver.Value {
	if s == "" {
		return []byte{}
	}
	return text(s)
}

// long is a text of an event that may be of any length.
type long struct {
	column     int
	name, text string
}

// pieces returns the value of the text's column and the number of bytes that
// go on elsewhere; these it hands to more, piece by piece.
func (l long) pieces(more func(name string, n int, text []byte) error) (driver.Value, int, error) {
	if l.text == "" {
		return nil, 0, nil
	}
	first, rest := piece(strings.ToValidUTF8(l.text, "\uFFFD"))
	beyond := len(rest)
	for n := 1; rest != ""; n++ {
		var next string
		next, rest = piece(rest)
		if err := more(l.name, n, []byte(next)); err != nil {
			return nil, 0, err
		}
	}
	return []byte(first), beyond, nil
}

// beyond returns what the texts of the event at pos have beyond their first
// pieces, by column.
func (s *Store) beyond(ctx context.Context, pos int64) (map[string]string, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT name, text FROM app.long_texts WHERE pos = ? ORDER BY n", pos)
	if err != nil {
		return nil, fmt.Errorf("long texts of position %d: %w", pos, err)
	}
	defer func() { _ = rows.Close() }()
	rest := make(map[string]*strings.Builder)
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return nil, fmt.Errorf("long texts of position %d: %w", pos, err)
		}
		if rest[name] == nil {
			rest[name] = new(strings.Builder)
		}
		rest[name].WriteString(text)
	}
	whole := make(map[string]string, len(rest))
	for name, b := range rest {
		whole[name] = b.String()
	}
	return whole, rows.Err()
}
