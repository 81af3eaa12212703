package agent

import (
	"math/rand/v2"
	"time"
)

// backoff is the growing wait between tries: 100 ms to 2 s, spread at random
// so that many agents do not come back in step.
type backoff struct{ tries int }

func (b *backoff) next() time.Duration {
	const least, most = 100 * time.Millisecond, 2 * time.Second
	d := min(least<<min(b.tries, 10), most)
	b.tries++
	return d/2 + rand.N(d/2)
}

func (b *backoff) reset() { b.tries = 0 }
