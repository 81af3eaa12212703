package run

import (
	"fmt"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/workflow"
)

// maxDelay is what a delay grows to where the file sets no bound.
const maxDelay = 24 * time.Hour

// fail ends an attempt that failed. While the task has retries left, it waits
// for the next; a run that is to start over begins them anew.
func (m *Machine) fail(t *task, reason string, ended *Ended) {
	m.end(t, Failed, reason, ended)
	retries := t.spec().Retries
	if t.tries < retries.Limit && !t.stops() {
		m.emit(t.run, t, Event{
			Kind:    TaskChanged,
			Status:  Waiting,
			Attempt: t.attempt + 1,
			Reason:  fmt.Sprintf("%s %s: %s", nth(t.tries+1, retries.Limit), in(delay(retries, t.tries+1)), reason),
		})
	} else {
		m.follow(t)
	}
	m.settle(t.run)
}

// foldWaiting begins the wait for a retry.
func (m *Machine) foldWaiting(t *task, ev *Event) {
	t.tries++
	t.alarm = m.newAlarm(t.run, t, ev.Time, delay(t.spec().Retries, t.tries))
}

// tryAgain ends it.
func (m *Machine) tryAgain(t *task) {
	m.emit(t.run, t, Event{
		Kind:    TaskQueued,
		Attempt: t.attempt,
		Reason:  nth(t.tries, t.spec().Retries.Limit) + ": " + t.cause(),
	})
}

// cause is the failure that a WAITING task's reason ends with.
func (t *task) cause() string {
	_, cause, _ := strings.Cut(t.reason, ": ")
	return cause
}

// delay is the time before the nth retry.
func delay(r workflow.Retries, n int) time.Duration {
	longest := float64(maxDelay)
	if r.MaxDelay > 0 {
		longest = float64(r.MaxDelay)
	}
	d := float64(r.Delay)
	for i := 1; i < n && r.Backoff > 0 && d < longest && d > 0; i++ {
		d *= r.Backoff
		if r.Backoff == 1 {
			break
		}
	}
	return time.Duration(min(d, longest))
}

func nth(n, limit int) string { return fmt.Sprintf("retry %d of %d", n, limit) }

func in(d time.Duration) string {
	if d <= 0 {
		return "at once"
	}
	return "in " + words(d)
}

// words is a duration as people write it: 2h, not 2h0m0s.
func words(d time.Duration) string {
	s := d.String()
	if rest, ok := strings.CutSuffix(s, "m0s"); ok {
		s = rest + "m"
	}
	if rest, ok := strings.CutSuffix(s, "h0m"); ok {
		s = rest + "h"
	}
	return s
}
