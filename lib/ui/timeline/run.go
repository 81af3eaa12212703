package timeline

import (
	"strings"
	"time"
)

// Run is what is drawn.
type Run struct {
	Status string
	// Created, Started and Ended are zero where that has not come about.
	Created, Started, Ended time.Time
	// Closed are the times between an end of the run and its reopening: they
	// take no room.
	Closed []Pause
	// Tasks are in the file's order, handlers after them. A task depends on
	// others by their index.
	Tasks []Task
}

// Pause is a time in which nothing was done.
type Pause struct{ From, To time.Time }

// Task is one row.
type Task struct {
	ID       string
	Depends  []int
	Handler  bool
	Status   string
	Reason   string
	ExitCode *int      // of the latest attempt, where it is known
	Ready    time.Time // since when it waits for an agent, zero when it does not
	Ended    time.Time // when it was decided that nothing more comes
	Attempts []Attempt // that began, the oldest first
}

// Attempt is one try.
type Attempt struct {
	Number  int
	Agent   string
	Status  string
	Reason  string
	Queued  time.Time // since when it waited for an agent; zero: not known
	Started time.Time
	Ended   time.Time // zero: it runs
	Retry   time.Time // until when the task waits after it; zero: it does not
}

// Final tells whether nothing more happens, unless the run is retried.
func (r *Run) Final() bool { return final(r.Status) }

func final(status string) bool {
	switch status {
	case "COMPLETED", "FAILED", "CRASHED", "CANCELLED":
		return true
	}
	return false
}

func (t *Task) ended() bool { return final(t.Status) || t.Status == "SKIPPED" }

// held tells that the run has to wait for another one of its workflow, and the
// task with it: nobody asks an agent for it yet.
func (t *Task) held() bool { return strings.HasPrefix(t.Reason, "waits for run ") }

// Latest is the latest attempt, or nil.
func (t *Task) Latest() *Attempt {
	if len(t.Attempts) == 0 {
		return nil
	}
	return &t.Attempts[len(t.Attempts)-1]
}

// end is when the attempt ended, or now.
func (a *Attempt) end(now time.Time) time.Time {
	if a.Ended.IsZero() {
		return later(a.Started, now)
	}
	return later(a.Started, a.Ended)
}

// Spent is how long the task's attempts took, with the waits between a failed
// one and the next.
func (t *Task) Spent(now time.Time) time.Duration {
	var sum time.Duration
	for i := range t.Attempts {
		a := &t.Attempts[i]
		sum += a.end(now).Sub(a.Started)
		if wait := t.wait(i, now); wait.After(a.end(now)) {
			sum += wait.Sub(a.end(now))
		}
	}
	return sum
}

// wait is until when the task waited for a retry after an attempt, or zero.
func (t *Task) wait(i int, now time.Time) time.Time {
	until := t.Attempts[i].Retry
	if until.IsZero() {
		return until
	}
	limit := now
	if i+1 < len(t.Attempts) {
		limit = t.Attempts[i+1].Started
	} else if t.ended() && !t.Ended.IsZero() {
		limit = t.Ended
	}
	if limit.Before(until) {
		return limit
	}
	return until
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
