package run

import "time"

// alarm is something that is due at an instant: a task's next attempt, or the
// end of the time that a run has. It follows from the event that set it: by the
// monotonic clock, and after a replay by the wall clock.
type alarm struct {
	run   *openRun
	task  *task // nil: the run's timeout
	since time.Time
	after time.Duration
	due   time.Duration
	place int
}

func newAlarms() heap[*alarm] {
	return heap[*alarm]{
		before: func(a, b *alarm) bool {
			if a.due != b.due {
				return a.due < b.due
			}
			if a.run != b.run {
				return a.run.number < b.run.number
			}
			return a.number() < b.number()
		},
		at: func(a *alarm) *int { return &a.place },
	}
}

func (a *alarm) number() int {
	if a.task == nil {
		return -1
	}
	return a.task.number
}

func (m *Machine) newAlarm(r *openRun, t *task, since time.Time, after time.Duration) *alarm {
	return &alarm{run: r, task: t, since: since, after: after, due: m.mono + after}
}

// silence takes an alarm back, if there is one.
func (m *Machine) silence(a *alarm) (none *alarm) {
	if a != nil {
		m.alarms.drop(a)
	}
	return nil
}

// ring does what is due. A run whose tasks have all ended has no time to keep.
func (m *Machine) ring() {
	for {
		a, ok := m.alarms.first()
		if !ok || a.due > m.mono {
			return
		}
		switch {
		case a.task != nil:
			m.tryAgain(a.task)
		case a.run.left > 0 && !a.run.halted():
			m.timeOut(a.run)
		}
		m.alarms.drop(a)
	}
}

// resume sets all alarms anew after a replay, and the time of cancels. What a jump of the wall clock
// makes of the rest is never longer than the whole.
func (m *Machine) resume(now Now) {
	for _, r := range m.runs {
		m.resumeOne(r.alarm, now)
		r.cancelledAt = m.mono
		for i := range r.tasks {
			m.resumeOne(r.tasks[i].alarm, now)
		}
	}
}

func (m *Machine) resumeOne(a *alarm, now Now) {
	if a == nil {
		return
	}
	a.due = m.mono + min(max(a.after-now.Wall.Sub(a.since), 0), a.after)
	if a.place > 0 {
		m.alarms.put(a)
	}
}
