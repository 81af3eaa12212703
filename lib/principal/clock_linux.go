package principal

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/cdktr/cdktr/lib/run"
)

// readClock reads both clocks. The monotonic one counts suspend, which Go's
// own does not: an agent on a machine that slept is overdue when it wakes.
func readClock() run.Now {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return run.Now{Wall: time.Now(), Mono: time.Since(clockStart)}
	}
	return run.Now{Wall: time.Now(), Mono: time.Duration(ts.Nano())}
}

var clockStart = time.Now()
