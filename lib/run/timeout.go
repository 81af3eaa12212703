package run

import "time"

// timeOut ends a run whose time is over: as a cancel does, but its handlers run,
// and it is FAILED.
func (m *Machine) timeOut(r *openRun) {
	stopping := r.stops()
	m.emit(r, nil, Event{Kind: RunTimedOut, Reason: "timeout after " + words(time.Duration(r.definition.Timeout))})
	m.halt(r, stopping)
	m.settle(r)
}

// foldRunning starts the clock of a run that has a timeout.
func (m *Machine) foldRunning(r *openRun, ev *Event) {
	if after := time.Duration(r.definition.Timeout); after > 0 {
		r.alarm = m.newAlarm(r, nil, ev.Time, after)
		m.alarms.put(r.alarm)
	}
}

// foldHalt notes that no ordinary task of the run is wanted any more.
func (m *Machine) foldHalt(r *openRun, ev *Event) {
	r.reason, r.startsOver = ev.Reason, false
	if ev.Kind == RunTimedOut {
		r.timedOut = true
		return
	}
	r.quit = r.left == 0 || r.held // it is in its handlers, which stop too, or has not begun
	if !r.held {
		r.gate.leaving.enter(r)
	}
	r.cancelled, r.cancelledAt = true, m.mono
}
