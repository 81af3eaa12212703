package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"sync"
	"unicode/utf8"

	duckdb "github.com/marcboeker/go-duckdb/v2"

	"github.com/cdktr/cdktr/lib/failpoint"
	"github.com/cdktr/cdktr/lib/wire"
)

// lineLog is the writer of the log files.
type lineLog struct {
	mu     sync.Mutex
	conn   *transactor
	day    *day // the file that is appended to
	lines  *duckdb.Appender
	heads  *duckdb.Appender
	more   *duckdb.Appender
	known  map[head]int64 // positions of heads in that file
	failed error
}

// head is what the lines of a stream share.
type head struct {
	workflow, agent string
	wire.StreamID
}

// maxHeads bounds known. Forgetting costs a stream another head, no more.
const maxHeads = 10_000

func (l *lineLog) open(ctx context.Context, connector *duckdb.Connector) (err error) {
	l.conn, err = connect(ctx, connector)
	return err
}

func (l *lineLog) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = ErrClosed
	}
	errs := []error{l.leave()}
	if l.conn != nil {
		errs = append(errs, l.conn.conn.Close())
	}
	l.conn = nil
	return errors.Join(errs...)
}

// leave gives up the file that was appended to.
func (l *lineLog) leave() error {
	var errs []error
	for _, a := range []*duckdb.Appender{l.lines, l.heads, l.more} {
		if a != nil {
			errs = append(errs, a.Close())
		}
	}
	l.day, l.lines, l.heads, l.more, l.known = nil, nil, nil, nil, nil
	return errors.Join(errs...)
}

// turn makes at the file to append to.
func (l *lineLog) turn(at *day) error {
	err := l.leave()
	for table, a := range map[string]**duckdb.Appender{"lines": &l.lines, "heads": &l.heads, "more": &l.more} {
		if err == nil {
			*a, err = duckdb.NewAppender(l.conn.conn, at.alias, "main", table)
		}
	}
	if err != nil {
		return disk("append to log file %s: %w", at.date, err)
	}
	l.day, l.known = at, make(map[head]int64)
	return nil
}

// AppendLines commits the batches in one transaction, into the file of the day
// it is now, and sets their Pos. After an error the process must end, as with
// Append.
func (s *Store) AppendLines(ctx context.Context, batches []wire.LogBatch) error {
	count := 0
	for i := range batches {
		count += len(batches[i].Lines)
	}
	if count == 0 {
		return nil
	}
	l := &s.lines
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = s.commitLines(context.WithoutCancel(ctx), l, batches, int64(count))
	}
	if l.failed != nil {
		return fmt.Errorf("append %d lines: %w", count, l.failed)
	}
	return nil
}

func (s *Store) commitLines(ctx context.Context, l *lineLog, batches []wire.LogBatch, count int64) error {
	at, err := s.days.today(ctx)
	if err != nil {
		return err
	}
	if len(l.known) >= maxHeads {
		l.known = make(map[head]int64)
	}
	if at != l.day {
		before := l.day
		if err := l.turn(at); err != nil {
			return err
		}
		if before != nil {
			s.days.seal(ctx, before)
		}
	}
	first := s.pos.take(lineWriter, count)
	next := first
	for i := range batches {
		batches[i].Pos = next
		next += int64(len(batches[i].Lines))
	}
	var times span
	var largest int
	err = l.conn.commit(ctx, "store.lines.before-commit", func() (err error) {
		times, largest, err = l.add(batches)
		return err
	})
	if err != nil {
		return err
	}
	failpoint.Hit("store.lines.after-commit")
	if err := s.acked.write(lineWriter, mark{Pos: next - 1, Day: at.date}); err != nil {
		return err
	}
	failpoint.Hit("store.lines.after-side-file")
	s.days.widen(at, span{first, next - 1}, times, int64(largest))
	s.pos.done(lineWriter)
	s.lineKeeper.committed(1)
	return nil
}

// flushBytes is how much text goes into DuckDB at once.
const flushBytes = 8 << 20

// add returns the span of the lines' times and the size of the largest.
func (l *lineLog) add(batches []wire.LogBatch) (times span, largest int, err error) {
	times = emptySpan()
	row := make([]driver.Value, 10)
	unflushed, known := 0, len(l.known)
	for i := range batches {
		b := &batches[i]
		if row[1], err = l.head(b); err != nil {
			return span{}, 0, err
		}
		for j := range b.Lines {
			line := &b.Lines[j]
			at := inRange(line.Time)
			times = times.widen(span{at.UnixMicro(), at.UnixMicro()})
			row[0], row[2], row[3] = b.Pos+int64(j), at, b.First+int64(j)
			size, rest := content(line, row[4:])
			if len(rest) > 0 {
				if err := l.goOn(b.Pos+int64(j), rest, row[6] == nil); err != nil {
					return span{}, 0, err
				}
			}
			if err := l.lines.AppendRow(row...); err != nil {
				return span{}, 0, err
			}
			largest = max(largest, size)
			if unflushed += size; unflushed > flushBytes {
				unflushed = 0
				if err := errors.Join(l.lines.Flush(), l.more.Flush()); err != nil {
					return span{}, 0, err
				}
			}
		}
	}
	if len(l.known) != known {
		if err := l.heads.Flush(); err != nil {
			return span{}, 0, err
		}
	}
	if largest > pieceBytes {
		if err := l.more.Flush(); err != nil {
			return span{}, 0, err
		}
	}
	return times, largest, l.lines.Flush()
}

// head returns the position of the batch's head, and writes one if need be.
func (l *lineLog) head(b *wire.LogBatch) (int64, error) {
	h := head{b.Workflow, b.Agent, b.ID()}
	if pos, ok := l.known[h]; ok {
		return pos, nil
	}
	l.known[h] = b.Pos
	return b.Pos, l.heads.AppendRow(b.Pos, word(b.Workflow), word(b.Run), word(b.Task),
		min(b.Attempt, math.MaxInt32), text(b.Agent), word(b.Stream))
}

// goOn writes what a line has beyond its first piece.
func (l *lineLog) goOn(pos int64, rest []byte, isText bool) error {
	for n := 1; len(rest) > 0; n++ {
		var part []byte
		var message, binary driver.Value
		if part, rest = cut(rest, isText); isText {
			message = part
		} else {
			binary = part
		}
		if err := l.more.AppendRow(pos, n, message, binary); err != nil {
			return err
		}
	}
	return nil
}

// content sets the columns part, message, bytes, gap_lines, gap_bytes and size.
// It returns the size, and what the first piece does not hold.
func content(line *wire.Line, row []driver.Value) (size int, rest []byte) {
	row[0], row[1], row[2], row[3], row[4] = nil, nil, nil, nil, nil
	if line.Part != 0 {
		row[0] = min(line.Part, math.MaxInt32)
	}
	all, isText := line.Bytes, false
	if len(all) == 0 {
		all, isText = []byte(line.Text), utf8.ValidString(line.Text)
	}
	first, rest := cut(all, isText)
	switch {
	case line.Gap != nil:
		row[3], row[4] = line.Gap.Lines, line.Gap.Bytes
		all, rest = nil, nil
	case isText:
		row[1] = first
	default:
		row[2] = first
	}
	row[5] = len(all)
	return len(all), rest
}
