package task

import (
	"strings"
	"time"
)

// alarm rings when a time has passed on the clock of Uptime.
type alarm struct {
	at    time.Duration
	timer *time.Timer // nil: it never rings
}

// nap is how long an alarm trusts Go's clock, which does not count suspend.
const nap = 10 * time.Second

// newAlarm rings in d; 0: never.
func newAlarm(d time.Duration) *alarm {
	if d <= 0 {
		return new(alarm)
	}
	return &alarm{at: Uptime() + d, timer: time.NewTimer(min(d, nap))}
}

// rings may do so too early: due tells.
func (a *alarm) rings() <-chan time.Time {
	if a.timer == nil {
		return nil
	}
	return a.timer.C
}

// due says whether the time has passed; if not, the alarm rings again.
func (a *alarm) due() bool {
	left := a.at - Uptime()
	if left > 0 {
		a.timer.Reset(min(left, nap))
	}
	return left <= 0
}

func (a *alarm) stop() {
	if a.timer != nil {
		a.timer.Stop()
		a.timer = nil
	}
}

// spoken is a duration as a person writes it: 10m and not 10m0s.
func spoken(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
