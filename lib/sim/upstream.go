package sim

import (
	"fmt"
	"maps"

	"github.com/cdktr/cdktr/lib/run"
)

// upstream is what a lease must carry, by the log up to its RUNNING event: of the
// tasks before it, and of the run.
type upstream struct {
	outcome run.Status
	ended   map[string]run.Status
	outputs map[string]map[string]string
}

func (r *Run) upstream(t *Task) upstream {
	var u upstream
	if t.handler {
		u.outcome = r.outcome()
	}
	if t.spec.WorkingDirectory == "" { // it asks for nothing
		return u
	}
	u.ended, u.outputs = make(map[string]run.Status), make(map[string]map[string]string)
	var look func(id string)
	look = func(id string) {
		d := r.tasks[id]
		u.ended[id] = d.Status
		if d.outputs != nil {
			u.outputs[id] = d.outputs
		}
		for _, up := range d.spec.Depends {
			look(up)
		}
	}
	for id, other := range r.tasks {
		if t.handler && !other.handler {
			look(id)
		}
	}
	for _, id := range t.spec.Depends {
		look(id)
	}
	return u
}

// committed notes what the lease of a RUNNING event must carry.
func (j *judge) committed(ev run.Event) {
	if r := j.history.Runs[ev.Run]; r != nil && ev.Kind == run.TaskChanged && ev.Status == run.Running {
		j.before[run.AttemptID{Run: ev.Run, Task: ev.Task, Attempt: ev.Attempt}] = r.upstream(r.tasks[ev.Task])
	}
}

// carries looks at a lease that leaves the principal.
func (j *judge) carries(l run.Lease) {
	u := j.before[l.AttemptID]
	if due := j.history.Runs[l.Run].due; !l.Scheduled.Equal(due) {
		j.w.fail("%v is for %s, and its run for %s", l.AttemptID, l.Scheduled, due)
	}
	ended, outputs := maps.Clone(l.Ended), maps.Clone(l.Outputs)
	for id, status := range u.ended {
		// What had not ended, before a task that was skipped, may have ended
		// by the time that a lease which was lost is delivered again.
		if live := status == run.Pending || status == run.Waiting || status == run.Running; live && ended[id] != "" {
			ended[id] = status
			delete(outputs, id)
			delete(u.outputs, id)
		}
	}
	switch {
	case l.Outcome != u.outcome:
		j.w.fail("%v is told that the run is %q, and it is %q", l.AttemptID, l.Outcome, u.outcome)
	case (l.Again == "") != (l.Attempt == 1):
		j.w.fail("%v is told why it is not the first: %q", l.AttemptID, l.Again)
	case !maps.Equal(u.ended, ended), !maps.EqualFunc(u.outputs, outputs, maps.Equal):
		j.w.fail("%v is told %v of what comes before it, and it is %v", l.AttemptID, fmt.Sprint(l.Ended, l.Outputs), fmt.Sprint(u.ended, u.outputs))
	}
}
