package wire

import (
	"encoding/json"
	"fmt"
	"time"
)

// Time is an instant in messages: RFC 3339, UTC, milliseconds.
type Time struct{ time.Time }

const timeLayout = `2006-01-02T15:04:05.000Z`

// At returns t as it travels, cut to the millisecond.
func At(t time.Time) Time { return Time{t.UTC().Truncate(time.Millisecond)} }

// MaybeAt returns nil for the zero instant.
func MaybeAt(t time.Time) *Time {
	if t.IsZero() {
		return nil
	}
	at := At(t)
	return &at
}

func (t Time) String() string { return t.UTC().Format(timeLayout) }

// MarshalJSON writes the instant with exactly three decimals.
func (t Time) MarshalJSON() ([]byte, error) {
	return []byte(`"` + t.String() + `"`), nil
}

// UnmarshalJSON reads any RFC 3339 instant.
func (t *Time) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("a time must be a string: %w", err)
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return fmt.Errorf("time %q is not RFC 3339", s)
	}
	*t = At(at)
	return nil
}
