package cli

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseDuration reads 90s, 10m, 1h30m, 2d, 1w, 500ms: one or more numbers, each
// with its unit. A bare number is refused; a day has 24 hours.
func ParseDuration(text string) (time.Duration, error) {
	rest := text
	var total float64
	for rest != "" {
		n := strings.IndexFunc(rest, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if n <= 0 {
			return 0, badDuration(text)
		}
		number, err := strconv.ParseFloat(rest[:n], 64)
		if err != nil {
			return 0, badDuration(text)
		}
		rest = rest[n:]
		n = strings.IndexFunc(rest, func(r rune) bool { return r < 'a' || r > 'z' })
		if n < 0 {
			n = len(rest)
		}
		unit, ok := units[rest[:n]]
		if !ok {
			return 0, badDuration(text)
		}
		total += number * float64(unit)
		rest = rest[n:]
	}
	if text == "" || total > math.MaxInt64/2 {
		return 0, badDuration(text)
	}
	return time.Duration(total), nil
}

var units = map[string]time.Duration{
	"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour,
	"d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
}

func badDuration(text string) error {
	return fmt.Errorf("%q is not a duration such as 90s, 10m, 1h30m or 2d", text)
}

// ParseTime reads an instant as people write it: now, today, yesterday, 1h or
// -1h or "1h ago" (before now), RFC 3339, 2026-01-02 with or without 03:04 or
// 03:04:05 (in zone), @1767323040 (seconds since 1970, a fraction is allowed).
func ParseTime(text string, now time.Time, zone *time.Location) (time.Time, error) {
	text = strings.TrimSpace(text)
	now = now.In(zone)
	midnight := func(days int) time.Time {
		return time.Date(now.Year(), now.Month(), now.Day()+days, 0, 0, 0, 0, zone)
	}
	switch text {
	case "now":
		return now, nil
	case "today":
		return midnight(0), nil
	case "yesterday":
		return midnight(-1), nil
	}
	if seconds, ok := strings.CutPrefix(text, "@"); ok {
		return parseUnix(seconds)
	}
	ago := strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(text, "-"), "ago"))
	if d, err := ParseDuration(ago); err == nil {
		return now.Add(-d), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, nil
	}
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time such as 1h, 2d, today, yesterday, 2026-01-02, \"2026-01-02 03:04\", 2026-01-02T03:04:05Z or @1767323040", text)
}

var layouts = []string{
	"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02",
	"2006-01-02T15:04", "2006-01-02T15:04:05",
}

func parseUnix(text string) (time.Time, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	// Beyond the year 9999 an instant cannot be written as RFC 3339.
	if err != nil || seconds < -62135596800 || seconds > 253402300799 {
		return time.Time{}, fmt.Errorf("\"@%s\" is not a number of seconds since 1970", text)
	}
	nanos, err := strconv.ParseUint((fraction + "000000000")[:9], 10, 32)
	if err != nil {
		return time.Time{}, fmt.Errorf("\"@%s\" is not a number of seconds since 1970", text)
	}
	return time.Unix(seconds, int64(nanos)), nil
}

// When is an option that takes a time. It stays text until the command knows
// what "now" is, and it may begin with a dash: --since -1h.
type When string

// IsValidValue lets go-flags take -1h for a value, not for a flag.
func (When) IsValidValue(text string) error {
	if _, err := ParseTime(text, time.Time{}, time.UTC); err != nil {
		return errors.New("expected a time: " + err.Error())
	}
	return nil
}

// UnmarshalFlag checks the text at once, so that a mistake is wrong usage.
func (w *When) UnmarshalFlag(text string) error {
	if _, err := ParseTime(text, time.Time{}, time.UTC); err != nil {
		return err
	}
	*w = When(text)
	return nil
}

// Time is the instant meant, in env's zone.
func (w When) Time(env Env) (time.Time, error) { return ParseTime(string(w), env.Start, env.Zone) }

// Span is an option that takes a duration.
type Span time.Duration

// UnmarshalFlag reads it with ParseDuration.
func (s *Span) UnmarshalFlag(text string) error {
	d, err := ParseDuration(text)
	if err != nil {
		return err
	}
	*s = Span(d)
	return nil
}
