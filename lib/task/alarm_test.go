package task

import (
	"testing"
	"time"
)

// Go's clock is asked often: after a suspend it is behind.
func TestAlarmThatRingsTooEarlyRingsAgain(t *testing.T) {
	t.Parallel()
	a := &alarm{at: Uptime() + 50*time.Millisecond, timer: time.NewTimer(time.Millisecond)}
	defer a.stop()
	rung := 1
	for <-a.rings(); !a.due(); <-a.rings() {
		rung++
	}
	if rung < 2 || Uptime() < a.at {
		t.Errorf("rang %d times, %s too early", rung, a.at-Uptime())
	}
	if none := newAlarm(0); none.rings() != nil {
		t.Error("there is an alarm without a time")
	}
}
