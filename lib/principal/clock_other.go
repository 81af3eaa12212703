//go:build !linux

package principal

import (
	"time"

	"github.com/cdktr/cdktr/lib/run"
)

func readClock() run.Now {
	return run.Now{Wall: time.Now(), Mono: time.Since(clockStart)}
}

var clockStart = time.Now()
