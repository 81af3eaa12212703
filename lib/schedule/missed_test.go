package schedule

import (
	"testing"
	"time"
)

func TestMissedSlotsAreSorted(t *testing.T) {
	const hourly, daily = "0 * * * *", "0 2 * * *"
	for _, c := range []struct {
		name, spec, decided, now string
		rule                     Rule
		skipped, due             string // first and last, or nothing
	}{
		{"nothing was missed", hourly, "10:00", "10:59", Rule{Catchup: "all", Window: 24 * time.Hour}, "", ""},
		{"none", hourly, "10:00", "13:30", Rule{}, "11:00-13:00", ""},
		{"none, by its name", hourly, "10:00", "13:30", Rule{Catchup: "none", Window: time.Hour}, "11:00-13:00", ""},
		{"latest", hourly, "10:00", "13:30", Rule{Catchup: "latest", Window: 24 * time.Hour}, "11:00-12:00", "13:00-13:00"},
		{"latest of one", hourly, "12:00", "13:30", Rule{Catchup: "latest", Window: 24 * time.Hour}, "", "13:00-13:00"},
		{"latest is too old", hourly, "10:00", "13:30", Rule{Catchup: "latest", Window: 29 * time.Minute}, "11:00-13:00", ""},
		{"latest is as old as may be", hourly, "10:00", "13:30", Rule{Catchup: "latest", Window: 30 * time.Minute}, "11:00-12:00", "13:00-13:00"},
		{"all", hourly, "10:00", "13:30", Rule{Catchup: "all", Window: 24 * time.Hour}, "", "11:00-13:00"},
		{"all within the window", hourly, "08:00", "13:30", Rule{Catchup: "all", Window: 2 * time.Hour}, "09:00-11:00", "12:00-13:00"},
		{"all are too old", hourly, "08:00", "13:30", Rule{Catchup: "all", Window: time.Minute}, "09:00-13:00", ""},
		{"the slot of this instant", hourly, "10:00", "12:00", Rule{Catchup: "all", Window: 24 * time.Hour}, "", "11:00-12:00"},
		{"not before the start", hourly, "08:00", "13:30", Rule{Catchup: "all", Window: 24 * time.Hour, Start: clock("12:00")}, "", "12:00-13:00"},
		{"the start is in between", hourly, "08:00", "13:30", Rule{Start: clock("12:01")}, "13:00-13:00", ""},
		{"the start is to come", hourly, "08:00", "13:30", Rule{Catchup: "all", Window: 24 * time.Hour, Start: clock("13:31")}, "", ""},
		{"the clock was set back", hourly, "13:00", "10:30", Rule{Catchup: "all", Window: 24 * time.Hour}, "", ""},
		{"every second", "* * * * * *", "08:00", "13:30", Rule{Catchup: "all", Window: time.Hour}, "08:00:01-12:29:59", "12:30-13:30"},
		{"a daily one", daily, "01:00", "13:30", Rule{Catchup: "latest", Window: 24 * time.Hour}, "", "02:00-02:00"},
	} {
		s, err := Parse(c.spec)
		if err != nil {
			t.Fatal(err)
		}
		got := s.Missed(clock(c.decided), clock(c.now), c.rule)
		if shown(got.Skipped) != c.skipped || shown(got.Due) != c.due {
			t.Errorf("%s: skipped %q, due %q; want %q, %q", c.name, shown(got.Skipped), shown(got.Due), c.skipped, c.due)
		}
	}
}

func clock(text string) time.Time {
	at, err := time.Parse("15:04", text)
	if err != nil {
		panic(err)
	}
	return at.AddDate(2026, 0, 0)
}

func shown(s Slots) string {
	if s.None() {
		return ""
	}
	text := func(at time.Time) string {
		if at.Second() == 0 {
			return at.Format("15:04")
		}
		return at.Format("15:04:05")
	}
	return text(s.First) + "-" + text(s.Last)
}

// Years of seconds take no longer than a few slots.
func TestALongAbsenceTakesNoTime(t *testing.T) {
	s, err := Parse("* * * * * *")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for range 1000 {
		b := s.Missed(clock("00:00").AddDate(-5, 0, 0), clock("12:00"), Rule{Catchup: "latest", Window: time.Hour})
		if n := s.Count(b.Skipped, 1000); n != 1000 || !b.Due.Last.Equal(clock("12:00")) {
			t.Fatalf("%d skipped, due %v", n, b.Due)
		}
	}
	if took := time.Since(began); took > 20*time.Second { // a hang, not a slow machine
		t.Errorf("it took %s", took)
	}
}

func TestSlotsAreCounted(t *testing.T) {
	s, err := Parse("0 * * * *")
	if err != nil {
		t.Fatal(err)
	}
	for span, want := range map[Slots]int{{}: 0, {clock("01:00"), clock("01:00")}: 1, {clock("01:00"), clock("04:00")}: 4, {clock("01:00"), clock("23:00")}: 5} {
		if n := s.Count(span, 5); n != want {
			t.Errorf("%v: %d, want %d", span, n, want)
		}
	}
}
