package timeline

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

// Fold makes a run of what is known of it: its definition, which may be nil or
// have changed since, the run as run.get tells it, and its status changes, in any
// order and as far as they are there. clean makes foreign text harmless.
func Fold(def *workflow.Definition, r *wire.Run, events []wire.Event, clean func(string) string) *Run {
	f := &folding{run: &Run{Status: r.Status, Created: at(r.Created), Started: at(r.Started), Ended: at(r.Ended)}, index: map[string]int{}, clean: clean}
	for i := range r.Tasks {
		f.add(r.Tasks[i].Task)
	}
	f.depend(def)
	byPos := func(a, b wire.Event) int { return cmp.Compare(a.Pos, b.Pos) }
	if !slices.IsSortedFunc(events, byPos) {
		events = slices.SortedStableFunc(slices.Values(events), byPos)
	}
	for i := range events {
		f.event(&events[i])
	}
	for i := range r.Tasks {
		f.latest(&r.Tasks[i])
	}
	f.settle()
	return f.run
}

func at(t *wire.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}

type folding struct {
	run    *Run
	index  map[string]int
	clean  func(string) string
	closed time.Time // when the run ended last
	opened []time.Time
}

func (f *folding) add(id string) int {
	i := len(f.run.Tasks)
	f.index[id] = i
	handler := id == workflow.OnSuccessID || id == workflow.OnFailureID || id == workflow.OnEndID
	f.run.Tasks = append(f.run.Tasks, Task{ID: f.clean(id), Status: "PENDING", Handler: handler})
	return i
}

// depend takes the dependencies over, as far as both sides are tasks of the run.
func (f *folding) depend(def *workflow.Definition) {
	if def == nil {
		return
	}
	for _, t := range def.Tasks {
		i, ok := f.index[t.ID]
		if !ok {
			continue
		}
		for _, id := range t.Depends {
			if d, ok := f.index[id]; ok && d != i {
				f.run.Tasks[i].Depends = append(f.run.Tasks[i].Depends, d)
			}
		}
	}
}

func (f *folding) event(e *wire.Event) {
	if e.Task == nil {
		f.change(e)
		return
	}
	i, ok := f.index[*e.Task]
	if !ok {
		i = f.add(*e.Task)
	}
	t := &f.run.Tasks[i]
	number := 0
	if e.Attempt != nil {
		number = *e.Attempt
	}
	t.Status, t.Reason, t.Ended = e.Status, f.reason(e.Reason), time.Time{}
	last := t.Latest()
	switch {
	case e.Status == "RUNNING":
		a := Attempt{Number: number, Status: e.Status, Started: e.Time.Time}
		if e.Agent != nil {
			a.Agent = f.clean(*e.Agent)
		}
		t.Attempts = append(t.Attempts, a)
	case e.Status == "WAITING":
		if last != nil {
			last.Retry = e.Time.Add(delay(t.Reason))
		}
	case last != nil && last.Number == number && last.Ended.IsZero():
		last.Status, last.Ended, last.Reason = e.Status, e.Time.Time, t.Reason
		t.Ended = e.Time.Time
	default:
		t.Ended = e.Time.Time
	}
}

// change is of the run itself: one that ended may begin again.
func (f *folding) change(e *wire.Event) {
	switch {
	case final(e.Status):
		f.closed = e.Time.Time
	case e.Status == "PENDING" && !f.closed.IsZero():
		f.run.Closed = append(f.run.Closed, Pause{f.closed, e.Time.Time})
		f.closed = time.Time{}
		f.reopen()
	}
	if e.Status == "PENDING" {
		f.opened = append(f.opened, e.Time.Time)
	}
}

// reopen lets all tasks that did not complete begin anew, and the handlers.
func (f *folding) reopen() {
	for i := range f.run.Tasks {
		if t := &f.run.Tasks[i]; t.Status != "COMPLETED" || t.Handler {
			t.Status, t.Reason, t.Ended = "PENDING", "", time.Time{}
		}
	}
}

func (f *folding) reason(text *string) string {
	if text == nil {
		return ""
	}
	return f.clean(*text)
}

// delay reads how long a WAITING task waits, from "retry 1 of 3 in 10s: exit 1";
// the event says it nowhere else.
func delay(reason string) time.Duration {
	head, _, _ := strings.Cut(reason, ":")
	_, text, ok := strings.Cut(head, " in ")
	d, err := time.ParseDuration(text)
	if !ok || err != nil {
		return 0
	}
	return d
}

// latest adds what run.get knows of the latest attempt. Its times are the
// agent's, and stand in only where the events are missing.
func (f *folding) latest(w *wire.Task) {
	t := &f.run.Tasks[f.index[w.Task]]
	last := t.Latest()
	if last == nil && w.Started != nil {
		t.Attempts = append(t.Attempts, Attempt{Number: w.Attempt, Status: w.Status, Started: at(w.Started), Ended: at(w.Ended)})
		last = t.Latest()
		if w.Agent != nil {
			last.Agent = f.clean(*w.Agent)
		}
		t.Status, t.Ended = w.Status, at(w.Ended)
	}
	if last != nil && w.Attempt == last.Number {
		t.ExitCode = w.ExitCode
	}
	if last == nil && t.Status == "PENDING" && t.Ended.IsZero() {
		t.Status = w.Status
	}
	// What a task waits for is not in the events.
	if t.Status == w.Status && (t.Reason == "" || t.Status == "PENDING") && t.Status != "COMPLETED" {
		t.Reason = f.reason(w.Reason)
	}
}

// settle finds since when each attempt could have begun.
func (f *folding) settle() {
	r := f.run
	if len(f.opened) == 0 && !r.Created.IsZero() {
		f.opened = []time.Time{r.Created}
	}
	for i := range r.Tasks {
		t := &r.Tasks[i]
		for j := range t.Attempts {
			a := &t.Attempts[j]
			if a.Ended.IsZero() && a.Status == "RUNNING" && (r.Final() || j+1 < len(t.Attempts)) {
				a.Ended = f.cut(t, j) // its end was not told
			}
			a.Queued = f.ready(t, j, a.Started)
		}
		if t.Status != "PENDING" || r.Final() || t.Handler {
			continue
		}
		if f.free(t) && !t.held() {
			t.Ready = f.ready(t, len(t.Attempts), time.Time{})
		}
	}
}

func (f *folding) cut(t *Task, j int) time.Time {
	if j+1 < len(t.Attempts) {
		return t.Attempts[j+1].Started
	}
	return later(t.Attempts[j].Started, f.run.Ended)
}

// free tells whether a task waits for no other one.
func (f *folding) free(t *Task) bool {
	for _, d := range t.Depends {
		if !f.run.Tasks[d].ended() {
			return false
		}
	}
	return true
}

// ready is the latest of what an attempt had to wait for, before it began (zero:
// it has not): the run, the tasks that it depends on, the attempt before it.
func (f *folding) ready(t *Task, attempt int, began time.Time) (since time.Time) {
	take := func(at time.Time) {
		if at.After(since) && (began.IsZero() || !at.After(began)) {
			since = at
		}
	}
	for _, at := range f.opened {
		take(at)
	}
	for _, d := range f.before(t) {
		for _, a := range f.run.Tasks[d].Attempts {
			take(a.Ended)
		}
		take(f.run.Tasks[d].Ended)
	}
	if attempt > 0 {
		take(t.Attempts[attempt-1].Ended)
		take(t.Attempts[attempt-1].Retry)
	}
	return since
}

// before is the tasks that must end before a task may begin: of a handler, all
// that stand before it.
func (f *folding) before(t *Task) []int {
	if !t.Handler {
		return t.Depends
	}
	var all []int
	for i := range f.run.Tasks {
		if &f.run.Tasks[i] == t {
			break
		}
		all = append(all, i)
	}
	return all
}
