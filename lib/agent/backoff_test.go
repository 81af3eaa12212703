package agent

import (
	"slices"
	"testing"
	"time"
)

func TestFirstTryIsQuickAndLaterOnesAreBounded(t *testing.T) {
	for range 1000 {
		var b backoff
		if d := b.next(); d < 10*time.Millisecond || d > 200*time.Millisecond {
			t.Fatalf("first wait: %s", d)
		}
		for range 20 {
			if d := b.next(); d < 10*time.Millisecond || d > 2*time.Second {
				t.Fatalf("later wait: %s", d)
			}
		}
		b.reset()
		if d := b.next(); d > 200*time.Millisecond {
			t.Fatalf("after a reset: %s", d)
		}
	}
}

// A thousand agents lose their principal at one instant: at no time may a large
// part of them come at once, whether it is back soon or late.
func TestManyAgentsDoNotComeBackInStep(t *testing.T) {
	const agents, window = 1000, 20 * time.Millisecond
	for _, back := range []time.Duration{0, 300 * time.Millisecond, 3 * time.Second, 30 * time.Second} {
		var came []time.Duration
		for range agents {
			var b backoff
			at := b.next()
			for at < back {
				at += b.next()
			}
			came = append(came, at)
		}
		slices.Sort(came)
		most := 0
		for i, first := 0, 0; i < agents; i++ {
			for came[i]-came[first] > window {
				first++
			}
			most = max(most, i-first+1)
		}
		if most > agents/5 {
			t.Errorf("away for %s: %d of %d agents come within %s", back, most, agents, window)
		}
		if late := came[agents*9/10] - back; late > 2*time.Second {
			t.Errorf("away for %s: a tenth of the agents comes %s later", back, late)
		}
	}
}
