package agent

import (
	"math/rand/v2"
	"time"
)

// backoff is the growing wait between tries: 200 ms at most for the first one,
// 2 s later on. Each is spread at random over most of its length, so that many
// agents that lost their principal at once do not come back in step.
type backoff struct{ tries int }

func (b *backoff) next() time.Duration {
	const first, most = 200 * time.Millisecond, 2 * time.Second
	d := min(first<<min(b.tries, 10), most)
	b.tries++
	return d/8 + rand.N(d-d/8)
}

func (b *backoff) reset() { b.tries = 0 }
