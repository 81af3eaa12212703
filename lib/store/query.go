package store

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// pageBytes is about how much JSON a page holds. A record that is larger
// travels alone.
const pageBytes = 1 << 20

// where collects conditions; values are bound, never pasted.
type where struct {
	conditions []string
	args       []any
}

func (w *where) add(condition string, args ...any) {
	w.conditions = append(w.conditions, condition)
	w.args = append(w.args, args...)
}

func (w *where) clone() where {
	return where{append([]string(nil), w.conditions...), append([]any(nil), w.args...)}
}

func (w *where) String() string {
	if len(w.conditions) == 0 {
		return "true"
	}
	return strings.Join(w.conditions, " AND ")
}

// filter adds the conditions of f.
func (w *where) filter(f wire.Filter) {
	w.names(f)
	w.times(f)
}

// names adds the conditions on workflow and run. A workflow is a glob: * and ?
// are wild, everything else, dots too, stands for itself.
func (w *where) names(f wire.Filter) {
	w.glob("workflow", f.Workflow)
	w.equal("run", f.Run)
}

func (w *where) times(f wire.Filter) {
	if f.Since != nil {
		w.add("time >= ?", f.Since.UTC())
	}
	if f.Until != nil {
		w.add("time < ?", f.Until.UTC())
	}
}

func (w *where) equal(column, value string) {
	switch {
	case value == "":
	case strings.ContainsRune(value, 0):
		w.add("false") // no name has a NUL, and a bound value would end there
	default:
		w.add(column+" = ?", value)
	}
}

func (w *where) glob(column, pattern string) {
	if !strings.ContainsAny(pattern, "*?") || strings.ContainsRune(pattern, 0) {
		w.equal(column, pattern)
		return
	}
	w.add(column+` LIKE ? ESCAPE '\'`, likePattern.Replace(pattern))
}

var likePattern = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`, `*`, `%`, `?`, `_`)

// cursor is where a page ended. A query sees no position above Snap, so that
// its pages fit together while rows arrive; Time (microseconds since 1970) is
// for an order by time.
type cursor struct {
	Pos  int64
	Snap int64
	Time int64
}

// beginning is the Time of the cursor before everything.
const beginning = math.MinInt64

func (c cursor) String() string {
	return fmt.Sprintf("%d.%d.%d", c.Pos, c.Snap, c.Time)
}

// parseCursor reads what an earlier page gave out; the empty cursor is the
// start.
func parseCursor(text string, durable int64) (cursor, error) {
	if text == "" {
		return cursor{Snap: durable, Time: beginning}, nil
	}
	fields := strings.Split(text, ".")
	var n [3]int64
	bad := len(fields) != len(n)
	for i := 0; i < len(n) && !bad; i++ {
		var err error
		n[i], err = strconv.ParseInt(fields[i], 10, 64)
		bad = err != nil
	}
	if bad {
		return cursor{}, &wire.Error{Code: wire.BadRequest, Message: "the cursor is not one of this principal's"}
	}
	return cursor{Pos: n[0], Snap: min(n[1], durable), Time: n[2]}, nil
}

// started returns when the first of the runs was created, the zero time where
// none is known.
func (s *Store) started(ctx context.Context, runs []string) (time.Time, error) {
	if len(runs) == 0 {
		return time.Time{}, nil
	}
	w := in("run", runs)
	var at *time.Time
	err := s.db.QueryRowContext(ctx, "SELECT min(time) FROM app.events WHERE kind = 'run_created' AND "+w.String(), w.args...).Scan(&at)
	if err != nil || at == nil {
		return time.Time{}, err
	}
	return at.UTC(), nil
}

// in is the condition that a column is one of some values.
func in[T any](column string, values []T) where {
	w := where{}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	w.add(column+" IN (?"+strings.Repeat(", ?", len(values)-1)+")", args...)
	return w
}
