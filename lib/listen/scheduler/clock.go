package scheduler

import "time"

// Clock is the clock on the wall, which may be set while one waits for it.
type Clock interface {
	Now() time.Time

	// Wake returns a channel that gets a value at an instant, or earlier, and
	// soon after the clock was set. The zero time never comes. An earlier call
	// counts no more; its value may still come.
	Wake(at time.Time) <-chan struct{}
}

// often is how long at most a clock goes unobserved that does not tell when it
// is set.
const often = 5 * time.Second

// ticking is a Clock of a timer.
type ticking struct {
	timer *time.Timer
	wake  chan struct{}
}

func newTicking() *ticking {
	c := &ticking{wake: make(chan struct{}, 1)}
	c.timer = time.AfterFunc(often, func() {
		select {
		case c.wake <- struct{}{}:
		default:
		}
	})
	return c
}

func (c *ticking) Now() time.Time { return time.Now().Round(0) }

func (c *ticking) Wake(at time.Time) <-chan struct{} {
	wait := often
	if !at.IsZero() {
		wait = min(often, max(0, at.Sub(c.Now())))
	}
	c.timer.Reset(wait)
	return c.wake
}

func (c *ticking) Close() error {
	c.timer.Stop()
	return nil
}
