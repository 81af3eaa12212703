package scheduler

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// System is the machine's clock. The caller closes it.
func System() interface {
	Clock
	io.Closer
} {
	c, err := newKernelClock()
	if err != nil {
		return newTicking() // a sandbox that has no such timers
	}
	return c
}

// kernelClock is a timer of the kernel that goes by the clock on the wall, and
// ends at once when that is set, or when the machine was asleep. Nothing runs
// while it waits.
type kernelClock struct {
	file *os.File
	wake chan struct{}
	over sync.WaitGroup
}

func newKernelClock() (*kernelClock, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make a timer: %w", err)
	}
	c := &kernelClock{file: os.NewFile(uintptr(fd), "timer"), wake: make(chan struct{}, 1)}
	if err := c.set(time.Time{}); err != nil {
		return nil, errors.Join(err, c.file.Close())
	}
	c.over.Go(c.read)
	return c, nil
}

// never is so far away that only a clock that is set ends the wait.
const never = 1 << 40

func (c *kernelClock) set(at time.Time) error {
	spec := unix.ItimerSpec{Value: unix.Timespec{Sec: never}}
	if !at.IsZero() {
		spec.Value = unix.NsecToTimespec(max(1, at.UnixNano())) // 0 would stop it
	}
	raw, err := c.file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.TimerfdSettime(int(fd), unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, &spec, nil)
	})
	return errors.Join(err, failed)
}

func (c *kernelClock) read() {
	buf := make([]byte, 8)
	for {
		_, err := c.file.Read(buf)
		if err != nil && !errors.Is(err, unix.ECANCELED) {
			return // closed
		}
		c.ring()
	}
}

func (c *kernelClock) ring() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *kernelClock) Now() time.Time { return time.Now().Round(0) }

func (c *kernelClock) Wake(at time.Time) <-chan struct{} {
	if err := c.set(at); errors.Is(err, unix.ECANCELED) {
		c.ring() // the clock was set this moment
	}
	return c.wake
}

func (c *kernelClock) Close() error {
	err := c.file.Close()
	c.over.Wait()
	return err
}
