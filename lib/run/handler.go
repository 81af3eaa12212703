package run

import "github.com/cdktr/cdktr/lib/workflow"

// Handlers are the last tasks of a run. They begin when all others have ended,
// one after the other, and change nothing of what the run will be.

// ordinary are the tasks that are no handlers.
func (r *openRun) ordinary() []task { return r.tasks[:len(r.definition.Tasks)] }

func (r *openRun) handlers() []task { return r.tasks[len(r.definition.Tasks):] }

func (t *task) handler() bool { return t.number >= len(t.run.definition.Tasks) }

// turn is the handler whose time it is, or nil. It may be that a task which has
// just ended is to be queued again by the event that comes next.
func (r *openRun) turn() *task {
	if r.left > 0 || r.startsOver || r.quit || len(r.handlers()) == 0 {
		return nil
	}
	outcome, _ := r.verdict()
	for i := range r.handlers() {
		if t := &r.handlers()[i]; !t.ended() && t.applies(outcome) {
			return t
		}
	}
	return nil
}

// applies tells whether a handler is for a run that ends so.
func (t *task) applies(outcome Status) bool {
	switch t.spec().ID {
	case workflow.OnSuccessID:
		return outcome == Completed
	case workflow.OnFailureID:
		return outcome == Failed || outcome == Crashed
	}
	return true
}

// handlersEnded tells whether none is left to wait for. It skips those whose
// turn will not come.
func (m *Machine) handlersEnded(r *openRun) bool {
	turn := r.turn()
	for i := range r.handlers() {
		switch t := &r.handlers()[i]; {
		case t.ended():
		case t == turn || t.holder != nil:
			return false
		default:
			outcome, _ := r.verdict()
			m.end(t, Skipped, "not needed: the run is "+string(outcome), nil)
		}
	}
	return true
}

// verdict is what a run is when its tasks have ended, and why.
func (r *openRun) verdict() (Status, string) {
	switch {
	case r.cancelled:
		return Cancelled, r.reason
	case r.timedOut:
		return Failed, r.reason
	}
	if t := r.worst(); t != nil {
		return t.status, "task " + t.spec().ID + ": " + t.reason
	}
	return Completed, ""
}

// worst is the task that says why the run did not complete: the crashed one
// that was lost most often, else the first that failed, else nil.
func (r *openRun) worst() *task {
	var crashed, failed *task
	for i := range r.ordinary() {
		t := &r.tasks[i]
		switch {
		case t.status == Crashed && (crashed == nil || t.losses > crashed.losses):
			crashed = t
		case t.status == Failed && failed == nil && !t.spec().AllowFailure:
			failed = t
		}
	}
	if crashed != nil {
		return crashed
	}
	return failed
}

// moveHandlers lets the handlers of a run go elsewhere that was bound to an agent
// which is gone.
func (m *Machine) moveHandlers(r *openRun, reason string) {
	if t := r.turn(); t != nil {
		m.emit(r, t, Event{Kind: TaskQueued, Attempt: max(t.attempt, 1), Reason: reason, Agent: r.home.name, AgentRef: r.home.ref})
	}
}
