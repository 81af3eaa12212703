package store

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/cdktr/cdktr/lib/wire"
)

// About how much JSON a page of lines holds, and how much text one of runs or
// events. What is larger travels alone.
const (
	pageBytes = 2 << 20
	listBytes = 1 << 20
)

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
// for an order by time. With Want, the query is still on its way back, from
// before this place, to where the newest Want begin.
type cursor struct {
	Pos  int64
	Snap int64
	Time int64
	Want int
}

// beginning and end are the Times of the cursors before and after everything.
const (
	beginning = math.MinInt64
	end       = math.MaxInt64
)

func (c cursor) String() string {
	place := fmt.Sprintf("%d.%d.%d", c.Pos, c.Snap, c.Time)
	if c.Want > 0 {
		return fmt.Sprintf("%d<%s", c.Want, place)
	}
	return place
}

// backFrom is the cursor from which a query looks back for the newest want.
func (c cursor) backFrom(want int) cursor {
	return cursor{Pos: math.MaxInt64, Snap: c.Snap, Time: end, Want: want}
}

// forward is the cursor of a query that has found where it begins.
func (c cursor) forward(pos, time int64) cursor {
	return cursor{Pos: pos, Snap: c.Snap, Time: time}
}

// parseCursor reads what an earlier page gave out; the empty cursor is the
// start.
func parseCursor(text string, durable int64) (cursor, error) {
	if text == "" {
		return cursor{Snap: durable, Time: beginning}, nil
	}
	want, place, back := strings.Cut(text, "<")
	if !back {
		want, place = "0", text
	}
	fields := append(strings.Split(place, "."), want)
	var n [4]int64
	bad := len(fields) != len(n)
	for i := 0; i < len(n) && !bad; i++ {
		var err error
		n[i], err = strconv.ParseInt(fields[i], 10, 64)
		bad = err != nil
	}
	if bad || back != (n[3] > 0) {
		return cursor{}, &wire.Error{Code: wire.BadRequest, Message: "the cursor is not one of this principal's"}
	}
	return cursor{Pos: n[0], Snap: min(n[1], durable), Time: n[2], Want: int(n[3])}, nil
}

// started returns the position at which the first of the runs was created, 0
// where none is known. All their lines are above it, whatever a clock said.
func (s *Store) started(ctx context.Context, runs []string) (pos int64, err error) {
	if len(runs) == 0 {
		return 0, nil
	}
	w := in("run", runs)
	err = s.db.QueryRowContext(ctx, "SELECT coalesce(min(pos), 0) FROM app.events WHERE kind = 'run_created' AND "+w.String(), w.args...).Scan(&pos)
	return pos, err
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
