package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	duckdb "github.com/marcboeker/go-duckdb/v2"

	"github.com/cdktr/cdktr/lib/wire"
)

// maxLines is how many log records a page has at most.
// Up to 5,000, DuckDB keeps a heap of them and does not sort all lines.
const maxLines = 4096

// loadBytes is how much text one query may load before it is known how much of
// it a page has room for.
const loadBytes = 16 << 20

// fill puts into the page what it has room for.
func (s *Store) fill(ctx context.Context, lq *logQuery, page wire.Logs, at cursor) (wire.Logs, error) {
	w := lq.where.clone()
	lq.after(&w, at)
	more := false
	if lq.largest*maxLines > loadBytes {
		upTo, beyond, err := lq.fit(ctx, w)
		if err != nil {
			return page, err
		}
		lq.upTo(&w, upTo)
		more = beyond
	}
	lines, err := lq.lines(ctx, w)
	if err != nil {
		return page, err
	}
	n, err := s.encode(ctx, lq, lines, &page)
	if err != nil {
		return page, err
	}
	if n > 0 {
		at.Pos, at.Time = lines[n-1].pos, lines[n-1].micros
	}
	if more || n < len(lines) {
		page.More, page.Cursor = true, at.String()
		return page, nil
	}
	return lq.end(page, at), nil
}

// fit returns where a page ends, the zero cursor where there is nothing, and
// whether more follows. It reads no text, so that where lines are large it is
// known what will be loaded before it is.
func (lq *logQuery) fit(ctx context.Context, w where) (upTo cursor, more bool, err error) {
	rows, err := lq.db.QueryContext(ctx, "SELECT pos, epoch_us(time), size FROM ("+lq.from+") WHERE "+w.String()+lq.order("")+" LIMIT ?",
		append(w.args[:len(w.args):len(w.args)], maxLines+1)...)
	if err != nil {
		return cursor{}, false, err
	}
	defer func() { _ = rows.Close() }()
	total, count := int64(0), 0
	for rows.Next() {
		var pos, micros, size int64
		if err := rows.Scan(&pos, &micros, &size); err != nil {
			return cursor{}, false, err
		}
		if total += size + 150; count == maxLines || count > 0 && total > pageBytes {
			return upTo, true, nil
		}
		upTo.Pos, upTo.Time = pos, micros
		count++
	}
	return upTo, false, rows.Err()
}

// loaded is a line as its table has it.
type loaded struct {
	pos, head, micros int64
	wire.LogRecord
}

// lines loads at most one line more than a page takes.
func (lq *logQuery) lines(ctx context.Context, w where) ([]loaded, error) {
	lines := make([]loaded, 0, maxLines+1)
	var long []int // indices of lines of more than one piece
	err := each(ctx, lq.db, `SELECT pos, head, epoch_us(time), seq, part, message, bytes, gap_lines, gap_bytes, size
		FROM (`+lq.from+`) WHERE `+w.String()+lq.order("")+" LIMIT ?", append(w.args, maxLines+1), func(row []driver.Value) {
		l := loaded{pos: row[0].(int64), head: row[1].(int64), micros: row[2].(int64)}
		l.Time, l.Seq = wire.At(time.UnixMicro(l.micros)), row[3].(int64)
		if part, ok := row[4].(int32); ok {
			l.Part = int(part)
		}
		if message, ok := row[5].(string); ok {
			l.Message = &message
		}
		l.MessageBase64, _ = row[6].([]byte)
		if gap, ok := row[7].(int64); ok {
			l.Gap = &wire.Gap{Lines: gap, Bytes: row[8].(int64)}
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
			l := &lines[at[pos]]
			l.MessageBase64 = append(l.MessageBase64, binary...)
		})
		if err != nil {
			return err
		}
	}
	for pos, rest := range texts {
		l := &lines[at[pos]]
		whole := *l.Message + rest.String()
		l.Message = &whole
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
// many: encoding can make text longer.
func (s *Store) encode(ctx context.Context, lq *logQuery, lines []loaded, page *wire.Logs) (int, error) {
	heads, err := s.heads.of(ctx, lq, lines)
	if err != nil {
		return 0, err
	}
	if len(lines) > 0 {
		page.Records = make([]json.RawMessage, 0, len(lines))
	}
	var all []byte // one record after the other
	for i := range lines {
		l := &lines[i]
		h := heads[l.head]
		l.Workflow, l.Run, l.Task, l.Attempt, l.Agent, l.Stream = h.workflow, h.Run, h.Task, h.Attempt, h.agent, h.Stream
		start := len(all)
		all = appendRecord(all, &l.LogRecord)
		if i == maxLines || i > 0 && len(all) > pageBytes {
			return i, nil
		}
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
func appendRecord(page []byte, r *wire.LogRecord) []byte {
	start := len(page)
	page = r.AppendJSON(page)
	if len(page)-start > maxRecord && r.Message != nil {
		r.Message, r.MessageBase64 = nil, []byte(*r.Message)
		return r.AppendJSON(page[:start])
	}
	return page
}
