package store

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"

	duckdb "github.com/marcboeker/go-duckdb/v2"
)

// Errors of this package are one of these kinds, for errors.Is.
var (
	ErrForeign = errors.New("not a database of this version of CDKTR")
	ErrLocked  = errors.New("the database is in use")
	ErrMissing = errors.New("the history is not complete")
	ErrDisk    = errors.New("reading or writing the history failed")
	ErrClosed  = errors.New("the store is closed")
)

// ForeignError says why a database is not ours. It was not touched.
type ForeignError struct {
	Path string
	Why  string
}

func (e *ForeignError) Error() string {
	return fmt.Sprintf("open %s: %s; it was left as it is: move it away, or name another file with --db", e.Path, e.Why)
}

func (e *ForeignError) Unwrap() error { return ErrForeign }

// LockedError says who has the database. PID is 0 where that is not known.
type LockedError struct {
	Path string
	PID  int
}

func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("open %s: another process is using it", e.Path)
	}
	return fmt.Sprintf("open %s: process %d is using it", e.Path, e.PID)
}

func (e *LockedError) Unwrap() error { return ErrLocked }

// MissingError says what of the history was acknowledged and is gone. Acked is
// the last position that was acknowledged, Found the last that is there.
type MissingError struct {
	Path  string
	What  string // "events", "lines" or "the record of what was acknowledged"
	Acked int64
	Found int64
}

func (e *MissingError) Error() string {
	if e.What == unknownLoss {
		return fmt.Sprintf("open %s: %s is missing, so nobody can tell whether its history is complete (it ends at position %d); "+
			"put back the file that belongs to it, or go on with --accept-loss", e.Path, ackedPath(e.Path), e.Found)
	}
	return fmt.Sprintf("open %s: %s are missing: position %d was acknowledged, the history ends at %d; "+
		"put back what is missing, or go on without it with --accept-loss", e.Path, e.What, e.Acked, e.Found)
}

func (e *MissingError) Unwrap() error { return ErrMissing }

// diskError marks err as ErrDisk, whatever its own kind is.
type diskError struct{ err error }

func (e *diskError) Error() string        { return untraced(e.err) }
func (e *diskError) Unwrap() error        { return e.err }
func (e *diskError) Is(target error) bool { return target == ErrDisk }

// traces are what DuckDB adds to a fatal error: where in its own code it was,
// and whom to tell.
var traces = regexp.MustCompile(`\s*Stack Trace:\s+(?:[^\n]*\[0x[0-9a-f]+\]\n?)*|\s*This error signals an assertion failure within DuckDB\.[^\n]*|\s*For more information, see https://duckdb\.org[^\n]*`)

func untraced(err error) string { return traces.ReplaceAllString(err.Error(), "") }

// queryError is what went wrong with a query, for those outside.
type queryError struct{ err error }

func (e *queryError) Error() string { return untraced(e.err) }
func (e *queryError) Unwrap() error { return e.err }

// asked wraps the error of a query.
func asked(format string, args ...any) error { return &queryError{fmt.Errorf(format, args...)} }

func disk(format string, args ...any) error {
	return &diskError{fmt.Errorf(format, args...)}
}

// duckType is the kind of an error of DuckDB.
func duckType(err error) duckdb.ErrorType {
	var e *duckdb.Error
	if errors.As(err, &e) {
		return e.Type
	}
	return duckdb.ErrorTypeInvalid
}

var (
	lockText    = regexp.MustCompile(`(?i)could not set lock on file|conflicting lock`)
	lockPIDText = regexp.MustCompile(`PID (\d+)`)
)

// lockedBy tells whether DuckDB refused a file because of another process.
func lockedBy(path string, err error) *LockedError {
	if !lockText.MatchString(err.Error()) {
		return nil
	}
	locked := &LockedError{Path: path}
	if m := lockPIDText.FindStringSubmatch(err.Error()); m != nil {
		locked.PID, _ = strconv.Atoi(m[1])
	}
	return locked
}
