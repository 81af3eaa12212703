package run

import "github.com/cdktr/cdktr/lib/workflow"

// standing is what a task is to those that depend on it.
type standing uint8

const (
	open     standing = iota // it has not ended
	fine                     // COMPLETED
	allowed                  // FAILED, which is allowed: all but a failure may go on
	harmless                 // it was not needed
	bad                      // FAILED, CRASHED, or SKIPPED because of such a one
	standings
)

// standingNow follows from the task's status and, for a SKIPPED one, from why it
// was skipped.
func (t *task) standingNow() standing {
	switch t.status {
	case Completed:
		return fine
	case Failed:
		if t.spec().AllowFailure {
			return allowed
		}
		return bad
	case Crashed:
		return bad
	case Skipped:
		if t.deps[bad] > 0 {
			return bad
		}
		return harmless
	case Cancelled:
		return harmless // nobody asks any more
	}
	return open
}

// met tells whether what the task asks of those that it depends on is so.
func (t *task) met() bool {
	d := &t.deps
	if d[open] > 0 {
		return false
	}
	switch t.spec().If {
	case workflow.IfAlways:
		return true
	case workflow.IfFailure:
		return d[bad]+d[allowed] > 0 || len(t.spec().Depends) == 0
	}
	return d[bad]+d[harmless] == 0
}

// hopeless tells whether it will never be. What is bad is known to be so at
// once; whether the rest is harmless only when all have ended, so that the order
// in which they end changes nothing.
func (t *task) hopeless() bool {
	d := &t.deps
	switch t.spec().If {
	case workflow.IfAlways:
		return false
	case workflow.IfFailure:
		return d[open] == 0 && !t.met()
	}
	return d[bad] > 0 || d[open] == 0 && d[harmless] > 0
}

// set gives a task its status, and tells those that it concerns.
func (m *Machine) set(t *task, s Status) {
	t.status = s
	was, now := t.standing, t.standingNow()
	if was != now {
		t.standing = now
		m.tell(t, was, now)
	}
	m.lineUp(t)
}

func (m *Machine) tell(t *task, was, now standing) {
	r := t.run
	last := r.left == 0
	if !t.handler() {
		if was == open {
			r.left--
		}
		if now == open {
			r.left++
		}
		for _, i := range r.graph.dependents[t.number] {
			d := &r.tasks[i]
			d.deps[was]--
			d.deps[now]++
			m.lineUp(d)
		}
	}
	if last || r.left == 0 {
		for i := range r.handlers() {
			m.lineUp(&r.handlers()[i])
		}
	}
}

// follow skips what will never run, now that a task has ended: directly or not.
// While the run is to start over, nothing is sure.
func (m *Machine) follow(ended *task) {
	r := ended.run
	if r.startsOver || ended.handler() {
		return
	}
	for next := []int{ended.number}; len(next) > 0; next = next[1:] {
		for _, i := range r.graph.dependents[next[0]] {
			t := &r.tasks[i]
			if t.status == Pending && t.hopeless() {
				m.end(t, Skipped, t.why(), nil)
				next = append(next, i)
			}
		}
	}
}

// followAll does so for all tasks that have ended.
func (m *Machine) followAll(r *openRun) {
	for i := range r.ordinary() {
		if t := &r.tasks[i]; t.ended() {
			m.follow(t)
		}
	}
}

// why says in words why a hopeless task is skipped.
func (t *task) why() string {
	if t.spec().If == workflow.IfFailure {
		return "not needed: nothing it depends on failed"
	}
	want := harmless
	if t.deps[bad] > 0 {
		want = bad
	}
	for _, id := range t.spec().Depends {
		d := t.run.task(id)
		switch {
		case d == nil || d.standing != want:
		case want == harmless:
			return "not needed: " + id + " was skipped"
		case d.status == Skipped:
			return d.reason
		default:
			return "upstream failed: " + id
		}
	}
	return ""
}
