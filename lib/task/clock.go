package task

import (
	"sync/atomic"
	"time"
)

// Clock stamps the lines of one attempt: its instants never decrease, whatever
// the machine's clock does.
type Clock struct{ last atomic.Int64 }

// Stamp returns the time in milliseconds since 1970.
func (c *Clock) Stamp() int64 {
	now := time.Now().UnixMilli()
	for {
		last := c.last.Load()
		if now <= last {
			return last
		}
		if c.last.CompareAndSwap(last, now) {
			return now
		}
	}
}
