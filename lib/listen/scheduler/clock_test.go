package scheduler

import (
	"syscall"
	"testing"
	"time"
)

// realTime is the time outside of a bubble.
func realTime() time.Time {
	var tv syscall.Timeval
	if err := syscall.Gettimeofday(&tv); err != nil {
		panic(err)
	}
	return time.Unix(tv.Unix())
}

func TestClocksWakeInTime(t *testing.T) {
	ticking := newTicking()
	defer ticking.Close()
	system := System()
	defer system.Close()
	for name, c := range map[string]Clock{"ticking": ticking, "system": system} {
		for _, wait := range []time.Duration{20 * time.Millisecond, 0, -time.Hour, time.Millisecond} {
			at := c.Now().Add(wait)
			select {
			case <-c.Wake(at):
			case <-time.After(10 * time.Second):
				t.Fatalf("%s: nothing after %s", name, wait)
			}
			late := c.Now().Sub(at)
			t.Logf("%s: %s came %s late", name, wait, late)
			if wait > 0 && late < 0 {
				t.Errorf("%s: %s too early", name, -late)
			}
		}
		select {
		case <-c.Wake(time.Time{}):
			t.Errorf("%s: it wakes with nothing to wait for", name)
		case <-c.Wake(c.Now().Add(time.Hour)):
			t.Errorf("%s: it wakes an hour early", name)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
