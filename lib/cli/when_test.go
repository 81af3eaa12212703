package cli

import (
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	zone, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Skip("no zone data on this machine")
	}
	now := time.Date(2026, 3, 29, 12, 0, 0, 0, zone) // the clocks went forward at 01:00
	for _, test := range []struct{ text, want string }{
		{"now", "2026-03-29T11:00:00Z"},
		{"today", "2026-03-29T00:00:00Z"},
		{"yesterday", "2026-03-28T00:00:00Z"},
		{"1h", "2026-03-29T10:00:00Z"},
		{"-1h", "2026-03-29T10:00:00Z"},
		{"1h ago", "2026-03-29T10:00:00Z"},
		{" -1h30m ago ", "2026-03-29T09:30:00Z"},
		{"2d", "2026-03-27T11:00:00Z"},
		{"2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z"},
		{"2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05Z"},
		{"2026-07-02 03:04", "2026-07-02T02:04:00Z"},
		{"2026-07-02 03:04:05", "2026-07-02T02:04:05Z"},
		{"2026-07-02 03:04:05.678", "2026-07-02T02:04:05.678Z"}, // as text output shows it
		{"2026-07-02T03:04", "2026-07-02T02:04:00Z"},
		{"2026-07-02", "2026-07-01T23:00:00Z"},
		{"@1767323040", "2026-01-02T03:04:00Z"},
		{"@1767323040.25", "2026-01-02T03:04:00.25Z"},
		{"@0", "1970-01-01T00:00:00Z"},
	} {
		got, err := ParseTime(test.text, now, zone)
		if err != nil || got.UTC().Format(time.RFC3339Nano) != test.want {
			t.Errorf("%q is %v (%v), want %s", test.text, got.UTC(), err, test.want)
		}
	}
	for _, text := range []string{"", "-", "ago", "10", "1y", "noon", "tomorrow", "@", "@x", "@1.x", "@1e9", "@999999999999999", "2026-13-01", "1h1", "--1h", "+1h", "1 h", "1.2.3h", "99999999999w"} {
		if got, err := ParseTime(text, now, zone); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "10m": 10 * time.Minute, "1h30m": 90 * time.Minute, "2d": 48 * time.Hour,
		"1w": 168 * time.Hour, "500ms": 500 * time.Millisecond, "1.5h": 90 * time.Minute, "0s": 0,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%q is %v (%v), want %v", text, got, err, want)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	for _, seed := range []string{"1h ago", "@1.5", "2026-01-02 03:04", "yesterday", "9w9d"} {
		f.Add(seed)
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := ParseDuration(text); err == nil && d < 0 {
			t.Errorf("%q is negative: %v", text, d)
		}
		got, err := ParseTime(text, now, time.UTC)
		again, err2 := ParseTime(text, now, time.UTC)
		if (err == nil) != (err2 == nil) || !got.Equal(again) {
			t.Errorf("%q means two things", text)
		}
	})
}
