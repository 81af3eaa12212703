package schedule

import (
	"math/bits"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// fields says which readings of a clock a schedule is due at. A reading is what
// a clock on the wall shows, as the seconds since 1970 that a clock in UTC
// would have then. It knows no zone.
type fields struct {
	second, minute, hour, dom, month, dow uint64 // a bit for each value
	anyDay                                bool   // one of dom and dow is *: both must fit; else one is enough

	// Elapsed is set where the hours are * or have a step: they follow elapsed
	// time, where a clock is set. Else they are times of the day.
	elapsed bool
}

const allHours = 1<<24 - 1

func newFields(s *cron.SpecSchedule, hours string) fields {
	const star = 1 << 63
	f := fields{
		second: s.Second &^ star, minute: s.Minute &^ star, hour: s.Hour &^ star,
		dom: s.Dom &^ star, month: s.Month &^ star, dow: s.Dow &^ star,
		anyDay: s.Dom&star != 0 || s.Dow&star != 0,
	}
	f.elapsed = strings.ContainsAny(hours, "*?/") || f.hour == allHours
	return f
}

const day = 24 * 60 * 60

// horizon is how many years there are from one due day to the next, at most:
// around a year such as 2100 from one 29 February to another.
const horizon = 8

// from returns the first reading that is due, from the given one on.
func (f *fields) from(reading int64) (int64, bool) {
	days, rest := floorDiv(reading, day)
	year, month, dom := time.Unix(days*day, 0).UTC().Date()
	if f.onDay(year, month, dom) {
		if clock, ok := f.clockFrom(int(rest)); ok {
			return days*day + int64(clock), true
		}
	}
	dom++
	for last := year + horizon; year <= last; {
		if f.month&(1<<month) != 0 {
			if found := f.dayFrom(year, month, dom); found > 0 {
				clock, _ := f.clockFrom(0)
				return time.Date(year, month, found, 0, 0, clock, 0, time.UTC).Unix(), true
			}
		}
		dom, month = 1, month+1
		if month > time.December {
			year, month = year+1, time.January
		}
	}
	return 0, false
}

// onDay tells whether the schedule is due on a day.
func (f *fields) onDay(year int, month time.Month, dom int) bool {
	return f.month&(1<<month) != 0 && f.dayFrom(year, month, dom) == dom
}

// dayFrom returns the first due day of a month, from a given one on; 0 is none.
func (f *fields) dayFrom(year int, month time.Month, dom int) int {
	last := time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
	if dom > last {
		return 0
	}
	weekday := int(time.Date(year, month, dom, 0, 0, 0, 0, time.UTC).Weekday())
	for ; dom <= last; dom, weekday = dom+1, (weekday+1)%7 {
		inMonth, inWeek := f.dom&(1<<dom) != 0, f.dow&(1<<weekday) != 0
		if inMonth && inWeek || !f.anyDay && (inMonth || inWeek) {
			return dom
		}
	}
	return 0
}

// clockFrom returns the first due time of a day, from a given one on, in
// seconds.
func (f *fields) clockFrom(clock int) (int, bool) {
	h, m, s := clock/3600, clock/60%60, clock%60
	if f.hour&(1<<h) != 0 {
		if f.minute&(1<<m) != 0 {
			if s, ok := bitFrom(f.second, s); ok {
				return h*3600 + m*60 + s, true
			}
		}
		if m, ok := bitFrom(f.minute, m+1); ok {
			return h*3600 + m*60 + first(f.second), true
		}
	}
	if h, ok := bitFrom(f.hour, h+1); ok {
		return h*3600 + first(f.minute)*60 + first(f.second), true
	}
	return 0, false
}

// bitFrom returns the lowest bit that is set, from the given one on.
func bitFrom(set uint64, from int) (int, bool) {
	set &= ^uint64(0) << from
	return bits.TrailingZeros64(set), set != 0
}

func first(set uint64) int { return bits.TrailingZeros64(set) }

func floorDiv(a, b int64) (quotient, rest int64) {
	quotient, rest = a/b, a%b
	if rest < 0 {
		quotient, rest = quotient-1, rest+b
	}
	return quotient, rest
}
