package schedule

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// due lists the slots within a span, as the clock of the zone shows them.
func due(t *testing.T, zone, spec, from, to string) []string {
	t.Helper()
	s, err := ParseIn(spec, zone)
	if err != nil {
		t.Fatal(err)
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	var slots []string
	for at := s.Next(instant(t, from)); !at.IsZero() && at.Before(instant(t, to)); at = s.Next(at) {
		slots = append(slots, at.In(location).Format("2 15:04:05 -0700"))
	}
	return slots
}

func TestTimesOfDayWhereClocksAreSet(t *testing.T) {
	for _, c := range []struct {
		name, zone, spec, from, to string
		want                       []string
	}{
		{"a skipped time is due right after the jump", "Europe/London", "30 1 * * *", "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z",
			[]string{"28 01:30:00 +0000", "29 02:00:00 +0100", "30 01:30:00 +0100"}},
		{"a doubled time is due the first time only", "Europe/London", "30 1 * * *", "2026-10-24T00:00:00Z", "2026-10-27T00:00:00Z",
			[]string{"24 01:30:00 +0100", "25 01:30:00 +0100", "26 01:30:00 +0000"}},
		{"a doubled time that has been", "Europe/London", "30 1 * * *", "2026-10-25T01:10:00Z", "2026-10-27T00:00:00Z",
			[]string{"26 01:30:00 +0000"}},
		{"many skipped times are due once", "Europe/London", "*/15 1-2 * * *", "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z",
			[]string{"29 02:00:00 +0100", "29 02:15:00 +0100", "29 02:30:00 +0100", "29 02:45:00 +0100"}},
		{"minutes of a doubled hour", "Europe/London", "*/20 1 * * *", "2026-10-24T23:00:00Z", "2026-10-25T12:00:00Z",
			[]string{"25 01:00:00 +0100", "25 01:20:00 +0100", "25 01:40:00 +0100"}},
		{"every hour of spring", "America/New_York", "30 * * * *", "2026-03-08T06:00:00Z", "2026-03-08T09:00:00Z",
			[]string{"8 01:30:00 -0500", "8 03:30:00 -0400", "8 04:30:00 -0400"}},
		{"every hour of autumn", "America/New_York", "30 * * * *", "2026-11-01T05:00:00Z", "2026-11-01T08:00:00Z",
			[]string{"1 01:30:00 -0400", "1 01:30:00 -0500", "1 02:30:00 -0500"}},
		{"all hours, written out", "America/New_York", "30 0-23 * * *", "2026-11-01T05:00:00Z", "2026-11-01T08:00:00Z",
			[]string{"1 01:30:00 -0400", "1 01:30:00 -0500", "1 02:30:00 -0500"}},
		{"hours with a step", "America/New_York", "0 */2 * * *", "2026-03-08T05:00:00Z", "2026-03-08T12:00:00Z",
			[]string{"8 04:00:00 -0400", "8 06:00:00 -0400"}},
		{"a jump of half an hour", "Australia/Lord_Howe", "15 2 * * *", "2026-10-02T16:00:00Z", "2026-10-05T12:00:00Z",
			[]string{"4 02:30:00 +1100", "5 02:15:00 +1100"}},
		{"back by half an hour", "Australia/Lord_Howe", "45 1 * * *", "2026-04-03T16:00:00Z", "2026-04-05T16:00:00Z",
			[]string{"5 01:45:00 +1100", "6 01:45:00 +1030"}},
		{"midnight is skipped", "America/Sao_Paulo", "0 0 * * *", "2018-11-02T12:00:00Z", "2018-11-06T00:00:00Z",
			[]string{"3 00:00:00 -0300", "4 01:00:00 -0200", "5 00:00:00 -0200"}},
		{"midnight comes once after a doubled evening", "America/Sao_Paulo", "0 0 * * *", "2018-02-16T12:00:00Z", "2018-02-19T12:00:00Z",
			[]string{"17 00:00:00 -0200", "18 00:00:00 -0300", "19 00:00:00 -0300"}},
		{"the evening before is doubled", "America/Sao_Paulo", "30 23 * * *", "2018-02-17T12:00:00Z", "2018-02-19T12:00:00Z",
			[]string{"17 23:30:00 -0200", "18 23:30:00 -0300"}},
		{"a day is skipped", "Pacific/Apia", "0 9 * * *", "2011-12-29T12:00:00Z", "2012-01-01T12:00:00Z",
			[]string{"29 09:00:00 -1000", "31 00:00:00 +1400", "31 09:00:00 +1400", "1 09:00:00 +1400"}},
		{"no clock is set", "Asia/Kathmandu", "15 6 * * *", "2026-03-29T00:00:00Z", "2026-03-31T00:00:00Z",
			[]string{"29 06:15:00 +0545", "30 06:15:00 +0545"}},
	} {
		if got := due(t, c.zone, c.spec, c.from, c.to); !slices.Equal(got, c.want) {
			t.Errorf("%s: %s in %s\n got %s\nwant %s", c.name, c.spec, c.zone, strings.Join(got, ", "), strings.Join(c.want, ", "))
		}
	}
}

// Every five minutes stays every five minutes.
func TestStepsFireOnThroughBothNights(t *testing.T) {
	for _, zone := range []string{"Europe/London", "America/New_York", "America/Sao_Paulo", "UTC"} {
		s, err := ParseIn("*/5 * * * *", zone)
		if err != nil {
			t.Fatal(err)
		}
		at := s.Next(instant(t, "2018-01-01T00:00:00Z"))
		for at.Year() < 2019 {
			next := s.Next(at)
			if next.Sub(at) != 5*time.Minute {
				t.Fatalf("%s: %s, then %s", zone, at, next)
			}
			at = next
		}
	}
}

// The rules of a zone go on where its table ends. To Go each of their years has
// 365 days.
func TestLastDayOfALeapYear(t *testing.T) {
	for _, zone := range []string{"Europe/London", "America/New_York", "Australia/Lord_Howe"} {
		for _, spec := range []string{"30 23 * * *", "0 */6 * * *", "0 9 1 1 *", "0 3 * * *"} {
			s, err := ParseIn(spec, zone)
			if err != nil {
				t.Fatal(err)
			}
			agrees(t, s, instant(t, "2040-12-30T20:00:00Z").Unix(), 2*day)
		}
	}
}

// oracle looks at each second. At an instant the clock comes to the readings
// since the latest that it has shown, which are many after a jump and none while
// it repeats itself.
func oracle(s Schedule, from, seconds int64) []int64 {
	read := func(at int64) int64 {
		_, offset := time.Unix(at, 0).In(s.zone).Zone()
		return at + int64(offset)
	}
	matches := func(reading int64) bool {
		c := time.Unix(reading, 0).UTC()
		has := func(set uint64, v int) bool { return set&(1<<v) != 0 }
		f := s.due
		month, week := has(f.dom, c.Day()), has(f.dow, int(c.Weekday()))
		return has(f.second, c.Second()) && has(f.minute, c.Minute()) && has(f.hour, c.Hour()) && has(f.month, int(c.Month())) &&
			(month && week || !f.anyDay && (month || week))
	}
	var slots []int64
	shown := read(from)
	for at := from - from%60 - 2*day - 1; at < from; at += 60 { // clocks are set at full minutes
		shown = max(shown, read(at))
	}
	for at := from; at < from+seconds; at++ {
		reading, found := read(at), false
		if s.due.elapsed {
			found = matches(reading)
		} else {
			for r := shown + 1; r <= reading && !found; r++ {
				found = matches(r)
			}
		}
		if found && at > from {
			slots = append(slots, at)
		}
		shown = max(shown, reading)
	}
	return slots
}

// agrees holds Next against the oracle for a while after an instant.
func agrees(t *testing.T, s Schedule, from, seconds int64) {
	t.Helper()
	at := time.Unix(from, 0)
	for i, want := range oracle(s, from, seconds) {
		next := s.Next(at)
		if next.Unix() != want {
			t.Fatalf("%s: slot %d after %s is %s, want %s", s, i+1, time.Unix(from, 0).In(s.zone), next.In(s.zone), time.Unix(want, 0).In(s.zone))
		}
		at = next
	}
	if next := s.Next(at); !next.IsZero() && next.Unix() < from+seconds {
		t.Fatalf("%s: %s is due after %s", s, next.In(s.zone), at.In(s.zone))
	}
}

func TestNextAgreesWithAClockThatIsWatched(t *testing.T) {
	zones := []string{"Europe/London", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Cairo", "Asia/Kathmandu", "Pacific/Apia", "UTC"}
	specs := []string{"30 1 * * *", "0 0 * * *", "*/5 * * * *", "0 */2 * * *", "15,45 0-3 * * *", "7 59 23 * * *", "*/7 2 * * sun", "0 0 1 * mon", "30 */20 2,3 * * *", "0 0-23 * * *", "@hourly"}
	for _, zone := range zones {
		location, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range changes(location, 2011, 2026) {
			for _, spec := range specs {
				s, err := ParseIn(spec, zone)
				if err != nil {
					t.Fatal(err)
				}
				agrees(t, s, at-5400, 3*3600)
				agrees(t, s, at+600, 3600) // where a doubled hour is, its second half
			}
		}
	}
}

// changes are instants at which a zone's clocks were set, the last few of the
// years; where there is none, the first instant.
func changes(zone *time.Location, first, last int) []int64 {
	at := time.Date(first, 1, 1, 0, 0, 0, 0, time.UTC)
	all := []int64{at.Unix()}
	for {
		_, end := at.In(zone).ZoneBounds()
		if end.IsZero() || end.Year() > last {
			return all[max(0, len(all)-4):]
		}
		if !end.After(at) { // in the last hours of a leap year, to Go
			end = at.Add(time.Hour)
		}
		all = append(all, end.Unix())
		at = end
	}
}

func FuzzNextAgreesWithAWatchedClock(f *testing.F) {
	f.Add("30 1 * * *", uint16(3), int64(1774746000))
	f.Add("*/10 */3 * * 1-5", uint16(100), int64(1792890000))
	zones := strings.Fields(zoneNames)
	f.Fuzz(func(t *testing.T, spec string, zone uint16, unix int64) {
		s, err := ParseIn(spec, zones[int(zone)%len(zones)])
		if err != nil {
			return
		}
		from := unix % 4e9
		if c := changes(s.zone, 1900+int(zone)%140, 2040); unix%2 == 0 {
			from = c[0] - 3000
		}
		agrees(t, s, from, 2*3600)
	})
}

func TestEveryZoneIsKnown(t *testing.T) {
	names := strings.Fields(zoneNames)
	if len(names) < 500 || !slices.IsSorted(names) {
		t.Errorf("%d names", len(names))
	}
	for _, name := range names {
		if err := CheckZone(name); err != nil {
			t.Error(err)
		}
	}
}

func TestMisspeltZoneIsGuessed(t *testing.T) {
	for name, want := range map[string]string{
		"Europe/Londn": "Europe/London", "europe/london": "Europe/London", "London": "Europe/London", "new york": "America/New_York",
		"kathmandu": "Asia/Kathmandu", "utc": "UTC", "Nowhere": "", "Local": "", "": "", "../etc/passwd": "",
	} {
		err := CheckZone(name)
		if hint := fmt.Sprintf("did you mean %q?", want); err == nil || strings.Contains(err.Error(), hint) != (want != "") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestZoneBesideTheFields(t *testing.T) {
	for _, c := range []struct{ spec, zone, want string }{
		{"0 2 * * *", "", "CRON_TZ=UTC 0 0 2 * * *"},
		{"0 2 * * 7", "Europe/London", "CRON_TZ=Europe/London 0 0 2 * * 0"},
		{" TZ=Europe/London  @daily ", "Europe/London", "CRON_TZ=Europe/London 0 0 0 * * *"},
		{"TZ=Europe/London @daily", "", "CRON_TZ=Europe/London 0 0 0 * * *"},
		{"TZ=Europe/London @daily", "UTC", ""},
		{"@daily", "Europe/Londn", ""},
	} {
		s, err := ParseIn(c.spec, c.zone)
		if (err == nil) != (c.want != "") || err == nil && s.String() != c.want {
			t.Errorf("%q in %q: %q, %v", c.spec, c.zone, s, err)
		}
		if err != nil {
			continue
		}
		again, err := Parse(s.String())
		if err != nil || again.String() != s.String() {
			t.Errorf("%q reads back as %q: %v", s, again, err)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	for _, spec := range []string{"* * * * * *", "*/5 * * * *", "30 1 * * *", "0 0 1 1 *", "0 0 29 2 *"} {
		for _, zone := range []string{"UTC", "Europe/London"} {
			s, err := ParseIn(spec, zone)
			if err != nil {
				b.Fatal(err)
			}
			b.Run(spec+" "+zone, func(b *testing.B) {
				at := time.Date(2026, 3, 20, 1, 30, 0, 0, time.UTC)
				for b.Loop() {
					s.Next(at)
				}
			})
		}
	}
}
