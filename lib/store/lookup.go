package store

import (
	"context"
	"time"
)

// stepBack is how many rows a query that looks back for the newest few reads at
// once.
const stepBack = 2000

// lookup goes through a table of app.db by position, a page's worth at a time,
// and takes what matches.
type lookup[T any] struct {
	// ahead returns what comes after a position, up to which one, and whether
	// there is more.
	ahead func(ctx context.Context, after int64) (some []T, upTo int64, more bool, err error)

	// back hands what comes before a position to fn, the newest first, as long
	// as fn wants more, and returns how many there were.
	back func(ctx context.Context, before int64, fn func(*T) bool) (int, error)

	look  time.Duration // at most, about
	match func(*T) bool // nil: all
	pos   func(*T) int64
}

// page appends to found what a page takes, and returns the cursor of the next
// one, empty where there is no more. It looks until something was found, and
// not much longer than look.
func (l *lookup[T]) page(ctx context.Context, at cursor, found *[]T) (string, error) {
	deadline := time.Now().Add(l.look)
	for at.Want > 0 {
		if err := l.stepBack(ctx, &at); err != nil {
			return "", err
		}
		if time.Now().After(deadline) {
			return at.String(), nil
		}
	}
	for {
		some, upTo, more, err := l.ahead(ctx, at.Pos)
		if err != nil {
			return "", err
		}
		for i := range some {
			if l.match == nil || l.match(&some[i]) {
				*found = append(*found, some[i])
			}
		}
		if !more {
			return "", nil
		}
		at.Pos = upTo
		if len(*found) > 0 || time.Now().After(deadline) {
			return at.String(), nil
		}
	}
}

// stepBack counts what matches on the way back, until there are enough or
// nothing is left.
func (l *lookup[T]) stepBack(ctx context.Context, at *cursor) error {
	n, err := l.back(ctx, at.Pos, func(row *T) bool {
		at.Pos = l.pos(row)
		if l.match(row) {
			at.Want--
		}
		return at.Want > 0
	})
	switch {
	case err != nil:
		return err
	case at.Want == 0:
		*at = at.forward(at.Pos-1, 0)
	case n < stepBack:
		*at = at.forward(0, 0)
	}
	return nil
}
