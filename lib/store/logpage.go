package store

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	duckdb "github.com/marcboeker/go-duckdb/v2"

	"github.com/cdktr/cdktr/lib/wire"
)

// loaded is a line as its table has it.
type loaded struct {
	pos, head, micros, seq int64
	text                   string
	other                  *other // in place of text
}

// other is what a line that is not plain has.
type other struct {
	message *string
	binary  []byte
	part    int
	gap     *wire.Gap
}

// plain is true of a line that is nothing but one piece of text: nearly all.
const plain = "message IS NOT NULL AND part IS NULL AND size <= ?"

// lines loads the lines in a box, in order.
func (lq *logQuery) lines(ctx context.Context, b box) ([]loaded, error) {
	lines, others, err := lq.plainLines(ctx, b)
	if err == nil && others > 0 {
		lines, err = lq.otherLines(ctx, b, lines)
	}
	if order := lq.compare(); !slices.IsSortedFunc(lines, order) {
		slices.SortFunc(lines, order)
	}
	return lines, err
}

// plainLines loads the plain lines, in any order, and says how many others
// there are. The lines come in one long text, each as numbers and a message,
// because handing over a value costs more than reading it.
func (lq *logQuery) plainLines(ctx context.Context, b box) (lines []loaded, others int64, err error) {
	w := lq.narrow.clone()
	b.conditions(&w)
	args := append([]any{pieceBytes, pieceBytes}, lq.args...)
	err = each(ctx, lq.db, `SELECT count(*), count(*) FILTER (`+plain+`),
		string_agg(concat(pos, ' ', head, ' ', epoch_us(time), ' ', seq, ' ', strlen(message), ' ', message), '') FILTER (`+plain+`)
		FROM (`+lq.from+`) WHERE `+w.String(), append(args, w.args...), func(row []driver.Value) {
		count := row[1].(int64)
		others = row[0].(int64) - count
		packed, _ := row[2].(string)
		lines = make([]loaded, count, count+others)
		for i := range lines {
			l := &lines[i]
			var size int64
			l.pos, packed = number(packed)
			l.head, packed = number(packed)
			l.micros, packed = number(packed)
			l.seq, packed = number(packed)
			size, packed = number(packed)
			l.text, packed = packed[:size], packed[size:]
		}
	})
	return lines, others, err
}

// number reads a number that DuckDB wrote, and the space behind it.
func number(text string) (n int64, rest string) {
	for i := range len(text) {
		if text[i] == ' ' {
			return n, text[i+1:]
		}
		n = 10*n + int64(text[i]-'0')
	}
	return n, ""
}

// otherLines adds the lines that are not plain.
func (lq *logQuery) otherLines(ctx context.Context, b box, lines []loaded) ([]loaded, error) {
	w := lq.narrow.clone()
	b.conditions(&w)
	w.add("NOT ("+plain+")", pieceBytes)
	var long []int // indices of lines of more than one piece
	err := each(ctx, lq.db, `SELECT pos, head, epoch_us(time), seq, part, message, bytes, gap_lines, gap_bytes, size
		FROM (`+lq.from+`) WHERE `+w.String(), append(lq.args[:len(lq.args):len(lq.args)], w.args...), func(row []driver.Value) {
		o := new(other)
		l := loaded{pos: row[0].(int64), head: row[1].(int64), micros: row[2].(int64), seq: row[3].(int64), other: o}
		if part, ok := row[4].(int32); ok {
			o.part = int(part)
		}
		if message, ok := row[5].(string); ok {
			o.message = &message
		}
		o.binary, _ = row[6].([]byte)
		if gap, ok := row[7].(int64); ok {
			o.gap = &wire.Gap{Lines: gap, Bytes: row[8].(int64)}
		}
		if row[9].(int32) > pieceBytes {
			long = append(long, len(lines))
		}
		lines = append(lines, l)
	})
	if err == nil && len(long) > 0 {
		err = lq.goOn(ctx, lines, long)
	}
	return lines, err
}

func (lq *logQuery) compare() func(a, b loaded) int {
	if lq.byPos {
		return func(a, b loaded) int { return cmp.Compare(a.pos, b.pos) }
	}
	return func(a, b loaded) int {
		return cmp.Or(cmp.Compare(a.micros, b.micros), cmp.Compare(a.pos, b.pos))
	}
}

// goOn adds to the lines at these indices what goes on beyond the first piece.
func (lq *logQuery) goOn(ctx context.Context, lines []loaded, long []int) error {
	at := make(map[int64]int, len(long))
	positions := make([]int64, len(long))
	for i, n := range long {
		at[lines[n].pos], positions[i] = n, lines[n].pos
	}
	// The range is what DuckDB skips by.
	w := in("pos", positions)
	w.add("pos BETWEEN ? AND ?", slices.Min(positions), slices.Max(positions))
	texts := make(map[int64]*strings.Builder)
	for _, file := range lq.files {
		err := each(ctx, lq.db, "SELECT pos, message, bytes FROM "+file+".more WHERE "+w.String()+" ORDER BY pos, n", w.args, func(row []driver.Value) {
			pos := row[0].(int64)
			if message, ok := row[1].(string); ok {
				if texts[pos] == nil {
					texts[pos] = new(strings.Builder)
				}
				texts[pos].WriteString(message)
				return
			}
			binary, _ := row[2].([]byte)
			o := lines[at[pos]].other
			o.binary = append(o.binary, binary...)
		})
		if err != nil {
			return err
		}
	}
	for pos, rest := range texts {
		o := lines[at[pos]].other
		whole := *o.message + rest.String()
		o.message = &whole
	}
	return nil
}

// each calls fn with each row of a query. It goes round database/sql, whose
// conversions cost as much as the query where there are many rows.
func each(ctx context.Context, db *sql.DB, query string, args []any, fn func(row []driver.Value)) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	named := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: arg}
	}
	return conn.Raw(func(c any) error {
		rows, err := c.(*duckdb.Conn).QueryContext(ctx, query, named)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		row := make([]driver.Value, len(rows.Columns()))
		for {
			switch err := rows.Next(row); {
			case errors.Is(err, io.EOF):
				return nil
			case err != nil:
				return err
			}
			fn(row)
		}
	})
}

// encode writes lines into the page as long as there is room, and returns how
// many: encoding can make text longer. size is what the page holds already.
func (s *Store) encode(ctx context.Context, lq *logQuery, lines []loaded, page *wire.Logs, size *int) (int, error) {
	heads, err := s.heads.of(ctx, lq, lines)
	if err != nil {
		return 0, err
	}
	page.Records = slices.Grow(page.Records, len(lines))
	var all []byte // one record after the other
	var of int64   // whose head is encoded
	var head []byte
	var r wire.LogRecord
	for i := range lines {
		l := &lines[i]
		if head == nil || l.head != of {
			h := heads[l.head]
			r.Workflow, r.Run, r.Task, r.Attempt, r.Agent, r.Stream = h.workflow, h.Run, h.Task, h.Attempt, h.agent, h.Stream
			of, head = l.head, r.AppendHead(head[:0])
		}
		r.Time.Time, r.Seq = time.UnixMicro(l.micros), l.seq
		r.Message, r.MessageBase64, r.Part, r.Gap = &l.text, nil, 0, nil
		if o := l.other; o != nil {
			r.Message, r.MessageBase64, r.Part, r.Gap = o.message, o.binary, o.part, o.gap
		}
		start := len(all)
		all = appendRecord(all, head, &r)
		if *size > 0 && *size+len(all)-start > pageBytes {
			return i, nil
		}
		*size += len(all) - start
		if i == 0 {
			all = slices.Grow(all, min(len(all)*len(lines), pageBytes))
		}
		page.Records = append(page.Records, all[start:len(all):len(all)])
	}
	return len(lines), nil
}

// maxRecord bounds one encoded record, so that a page fits into a message.
const maxRecord = 3 << 20

// appendRecord appends a record as it is printed. Text that grows too much, a
// megabyte of control characters, goes as base64, which does not.
func appendRecord(page, head []byte, r *wire.LogRecord) []byte {
	start := len(page)
	page = r.AppendWith(page, head)
	if len(page)-start > maxRecord && r.Message != nil {
		r.Message, r.MessageBase64 = nil, []byte(*r.Message)
		return r.AppendWith(page[:start], head)
	}
	return page
}
