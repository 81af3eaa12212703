package schedule

import (
	"strings"
	"testing"
	"time"
)

func instant(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestNextIsTheFirstDueInstantAfter(t *testing.T) {
	const friday = "2026-01-02T03:04:05Z"
	for _, c := range []struct{ spec, after, want string }{
		{"0 0 2 * * *", friday, "2026-01-03T02:00:00Z"},
		{"0 2 * * *", friday, "2026-01-03T02:00:00Z"},
		{"*/40 * * * * *", friday, "2026-01-02T03:04:40Z"},
		{"0/10 * * * * *", friday, "2026-01-02T03:04:10Z"},
		{"5 4 3 * * *", friday, "2026-01-03T03:04:05Z"}, // after is exclusive
		{"@daily", friday, "2026-01-03T00:00:00Z"},
		{"@midnight", friday, "2026-01-03T00:00:00Z"},
		{"@hourly", friday, "2026-01-02T04:00:00Z"},
		{"@weekly", friday, "2026-01-04T00:00:00Z"},
		{"@monthly", friday, "2026-02-01T00:00:00Z"},
		{"@yearly", friday, "2027-01-01T00:00:00Z"},
		{"0 0 * * 0", friday, "2026-01-04T00:00:00Z"},
		{"0 0 * * 7", friday, "2026-01-04T00:00:00Z"},
		{"0 0 * * sun", friday, "2026-01-04T00:00:00Z"},
		{"0 0 * jan-mar Mon", friday, "2026-01-05T00:00:00Z"},
		{"CRON_TZ=Europe/London 0 9 * 7 *", friday, "2026-07-01T08:00:00Z"},
		{"TZ=Asia/Tokyo @daily", friday, "2026-01-02T15:00:00Z"},
		{"0 0 29 2 *", friday, "2028-02-29T00:00:00Z"},
		{"0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z"},
		{"0 0 1 * *", "2026-01-31T23:59:59.999Z", "2026-02-01T00:00:00Z"},
		{"0 2 * * *", "2026-01-02T05:00:00+05:00", "2026-01-02T02:00:00Z"},
	} {
		s, err := Parse(c.spec)
		if err != nil {
			t.Errorf("%s: %v", c.spec, err)
			continue
		}
		got := s.Next(instant(t, c.after))
		if !got.Equal(instant(t, c.want)) || got.Location() != time.UTC {
			t.Errorf("%s after %s: %s, want %s", c.spec, c.after, got, c.want)
		}
	}
}

func TestSundayIsZeroAndSeven(t *testing.T) {
	for spec, want := range map[string]string{
		"7": "Sun", "0": "Sun", "0,7": "Sun", "5-7": "Sun Fri Sat", "1-7": "Sun Mon Tue Wed Thu Fri Sat",
		"0-7": "Sun Mon Tue Wed Thu Fri Sat", "1-7/2": "Sun Mon Wed Fri", "1,5-7": "Sun Mon Fri Sat", "7,3": "Sun Wed",
		"fri-sun": "Sun Fri Sat", "FRI-7": "Sun Fri Sat", "sun-tue": "Sun Mon Tue", "6-7/9": "Sat", "7/2": "Sun",
		"*/3": "Sun Wed Sat", "2-4": "Tue Wed Thu", "?": "Sun Mon Tue Wed Thu Fri Sat", "5/1": "Fri Sat", "sun": "Sun",
		"sun-sun": "Sun", "0-0": "Sun", "7-7": "Sun",
	} {
		s, err := Parse("0 0 * * " + spec)
		if err != nil {
			t.Errorf("%s: %v", spec, err)
			continue
		}
		var got []string
		at := instant(t, "2026-01-03T12:00:00Z") // a Saturday noon
		for end := at.AddDate(0, 0, 7); ; {
			if at = s.Next(at); at.After(end) {
				break
			}
			got = append(got, at.Format("Mon"))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: due on %v, want %s", spec, got, want)
		}
	}
}

func TestBadSpecificationIsExplained(t *testing.T) {
	for spec, want := range map[string]string{
		"":                        "it is empty",
		"   ":                     "it is empty",
		"CRON_TZ=UTC":             "it is empty",
		"* * *":                   "five fields are wanted, or six with seconds first, not 3",
		"0 0 2 * * * 2026":        "five fields are wanted, or six with seconds first, not 7",
		"61 * * * *":              `minute "61": end of range (61) above maximum (59)`,
		"0 0 x * * *":             `hour "x": not a number`,
		"0 0 * * 8":               `day of week "8": days of the week are 0 to 7`,
		"0 0 * * 7-2":             `day of week "7-2": a range that begins with Sunday begins with 0: 0-2`,
		"0 0 * * 5-7/0":           `day of week "5-7/0": step "0" is not a positive number`,
		"0 0 * * sat-mon":         `day of week "sat-mon": beginning of range (6) beyond end of range (1)`,
		"1,,2 * * * *":            `minute "1,,2": a part of the list is empty`,
		", * * * * *":             `second ",": a part of the list is empty`,
		"*/0 * * * *":             `minute "*/0": step of range should be a positive number`,
		"0 0 30 2 *":              "no such day ever comes",
		"@every 5m":               `@every has no fixed instants, so that a missed one cannot be told from one that is not due; use fields, such as "*/5 * * * *"`,
		"@reboot":                 `unknown descriptor "@reboot"; there are @yearly, @monthly, @weekly, @daily and @hourly`,
		"@daily x":                "nothing may follow @daily",
		"TZ=Mars/Base * * * * *":  `unknown time zone "Mars/Base"`,
		"TZ=Local * * * * *":      `time zone "Local": name one, such as Europe/London`,
		"TZ= * * * * *":           `time zone "": name one, such as Europe/London`,
		"TZ=../x * * * * *":       `unknown time zone "../x"`,
		strings.Repeat("1", 2000): "longer than 1024 bytes",
	} {
		if _, err := Parse(spec); err == nil || err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", spec, err, want)
		}
	}
}

func TestZeroScheduleIsNeverDue(t *testing.T) {
	if next := (Schedule{}).Next(time.Unix(0, 0)); !next.IsZero() {
		t.Fatal(next)
	}
}

func FuzzParse(f *testing.F) {
	for _, spec := range []string{"0 0 2 * * *", "*/5 * * * 1-5", "@daily", "CRON_TZ=Europe/London 30 1 * * 7", "TZ=UTC", "@every 1s", "0 0 29 2 fri-sun/2"} {
		f.Add(spec, int64(1767323045))
	}
	f.Fuzz(func(t *testing.T, spec string, unix int64) {
		s, err := Parse(spec)
		if err != nil {
			return
		}
		at := time.Unix(unix%4e9, 0)
		for range 5 {
			next := s.Next(at)
			if next.IsZero() {
				return
			}
			if !next.After(at) {
				t.Fatalf("%q: %s is not after %s", spec, next, at)
			}
			at = next
		}
	})
}
