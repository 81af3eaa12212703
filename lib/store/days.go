package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// day is one log file, attached. Its measures are exact: they are read when it
// is attached and widened with each commit, before that becomes visible.
type day struct {
	date  string // 2026-01-02, UTC
	alias string // within DuckDB: log_20260102
	pos   span
	time  span  // microseconds since 1970, of the lines' own times
	size  int64 // of the largest line
}

// span is a closed interval, empty at first.
type span struct{ min, max int64 }

func emptySpan() span { return span{math.MaxInt64, math.MinInt64} }

func (s span) widen(o span) span { return span{min(s.min, o.min), max(s.max, o.max)} }

func (s span) within(o span) span { return span{max(s.min, o.min), min(s.max, o.max)} }

func (s span) meets(o span) bool { return s.min <= o.max && o.min <= s.max }

const dateLayout = "2006-01-02"

// days knows all log files. A file is attached when it is first needed and
// stays so.
type days struct {
	db  *sql.DB
	dir string
	now func() time.Time
	log *slog.Logger

	mu       sync.Mutex
	attached map[string]*day
	dates    []string // all that there are, ascending
	broken   map[string]bool
	known    map[string]day // measures of files that are not attached
}

var dayFile = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)\.db$`)

func openDays(db *sql.DB, o Options) (*days, error) {
	d := &days{db: db, dir: o.LogDir, now: o.Now, log: o.Logger, attached: make(map[string]*day), broken: make(map[string]bool)}
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return nil, disk("open logs: %w", err)
	}
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return nil, disk("open logs: %w", err)
	}
	for _, e := range entries {
		if m := dayFile.FindStringSubmatch(e.Name()); m != nil {
			d.dates = append(d.dates, m[1])
		}
	}
	slices.Sort(d.dates)
	d.known = d.readSpans()
	return d, nil
}

func (d *days) path(date string) string { return filepath.Join(d.dir, date+".db") }

// peek reads the last position of a file without writing to it.
func (d *days) peek(ctx context.Context, date string) (int64, error) {
	const alias = "probe"
	if err := attach(ctx, d.db, d.path(date), alias, " (READ_ONLY)"); err != nil {
		return 0, d.openError(date, err)
	}
	var last int64
	_, why, err := identify(ctx, d.db, alias)
	if err == nil && why != "" {
		err = &ForeignError{Path: d.path(date), Why: why}
	}
	if err == nil {
		err = d.db.QueryRowContext(ctx, "SELECT coalesce(max(pos), 0) FROM "+alias+".lines").Scan(&last)
	}
	if _, detachErr := d.db.ExecContext(ctx, "DETACH "+alias); err == nil {
		err = detachErr
	}
	return last, d.openError(date, err)
}

func (d *days) openError(date string, err error) error {
	var ours *ForeignError
	if err == nil || errors.As(err, &ours) {
		return err
	}
	return disk("open log file %s: %w", d.path(date), err)
}

// last returns the last position in each of the given files that exists. One
// that cannot be read is left out: what it held shows as missing.
func (d *days) last(ctx context.Context, dates []string) map[string]int64 {
	found := make(map[string]int64)
	for _, date := range dates {
		if !slices.Contains(d.dates, date) {
			continue
		}
		pos, err := d.peek(ctx, date)
		if err != nil {
			d.log.Warn("a log file cannot be read", "error", err)
			continue
		}
		found[date] = pos
	}
	return found
}

// today returns the file that lines go into now, and makes it if need be.
func (d *days) today(ctx context.Context) (*day, error) {
	date := d.now().UTC().Format(dateLayout)
	d.mu.Lock()
	defer d.mu.Unlock()
	if at := d.attached[date]; at != nil {
		return at, nil
	}
	if !slices.Contains(d.dates, date) {
		meta := map[string]string{"app": appName, "schema": schemaVersion, "day": date}
		if err := create(ctx, d.db, d.path(date), daySchema, meta, d.now()); err != nil {
			return nil, err
		}
		d.dates = append(d.dates, date)
		slices.Sort(d.dates)
	}
	return d.attach(ctx, date)
}

// attach needs mu.
func (d *days) attach(ctx context.Context, date string) (*day, error) {
	alias := "log_" + strings.ReplaceAll(date, "-", "")
	if err := attach(ctx, d.db, d.path(date), alias, ""); err != nil {
		return nil, d.openError(date, err)
	}
	_, why, err := identify(ctx, d.db, alias)
	if err == nil && why != "" {
		err = &ForeignError{Path: d.path(date), Why: why}
	}
	at := &day{date: date, alias: alias, pos: emptySpan(), time: emptySpan()}
	if err == nil {
		err = d.measure(ctx, at)
	}
	if err != nil {
		_, _ = d.db.ExecContext(ctx, "DETACH "+alias)
		return nil, d.openError(date, err)
	}
	d.attached[date] = at
	return at, nil
}

func (d *days) measure(ctx context.Context, at *day) error {
	var minPos, maxPos, minTime, maxTime, size sql.NullInt64
	row := d.db.QueryRowContext(ctx, "SELECT min(pos), max(pos), epoch_us(min(time)), epoch_us(max(time)), max(size) FROM "+at.alias+".lines")
	if err := row.Scan(&minPos, &maxPos, &minTime, &maxTime, &size); err != nil {
		return err
	}
	if minPos.Valid {
		at.pos = span{minPos.Int64, maxPos.Int64}
		at.time = span{minTime.Int64, maxTime.Int64}
		at.size = size.Int64
	}
	return nil
}

// newest is the newest file that is attached, or nil.
func (d *days) newest() (at *day) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, date := range d.dates {
		if d.attached[date] != nil {
			at = d.attached[date]
		}
	}
	return at
}

// widen takes note of a committed batch, before anybody can see it.
func (d *days) widen(at *day, pos, time span, size int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at.pos, at.time, at.size = at.pos.widen(pos), at.time.widen(time), max(at.size, size)
}

// seal writes a file that gets no more lines whole, so that it can be copied
// or moved as one.
func (d *days) seal(ctx context.Context, at *day) {
	if _, err := d.db.ExecContext(ctx, "CHECKPOINT "+at.alias); err != nil {
		d.log.Warn("a log file keeps its write-ahead file", "file", d.path(at.date), "error", err)
	}
	d.writeSpans()
}

// holding returns copies of all files that may hold lines that are wanted, by
// their measures, oldest first. A name is no measure: the clock may have been
// wrong, and lines may be late. A file that cannot be read is left out, with a
// warning: the others still answer.
func (d *days) holding(ctx context.Context, wanted func(*day) bool) ([]day, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var found []day
	for _, date := range d.dates {
		at := d.attached[date]
		if known, ok := d.known[date]; d.broken[date] || at == nil && ok && !wanted(&known) {
			continue
		}
		if at == nil {
			var err error
			if at, err = d.attach(ctx, date); err != nil {
				if ctx.Err() != nil {
					return nil, fmt.Errorf("open log file %s: %w", d.path(date), ctx.Err())
				}
				d.broken[date] = true
				d.log.Warn("a log file cannot be read; queries go on without it", "error", err)
				continue
			}
		}
		if wanted(at) {
			found = append(found, *at)
		}
	}
	slices.SortStableFunc(found, func(a, b day) int { return cmp.Compare(a.pos.min, b.pos.min) })
	return found, nil
}
