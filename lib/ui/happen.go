package ui

import (
	"slices"

	"github.com/cdktr/cdktr/lib/wire"
)

// event applies a status change. They come in order of their positions.
func (w *world) event(e *wire.Event) {
	if e.Run == "" {
		return // a slot without a run
	}
	w.rev++
	row := w.byID[e.Run]
	if row == nil {
		at := e.Time
		row = w.put(wire.Run{Run: e.Run, Workflow: e.Workflow, Status: "PENDING", Created: &at}, false)
		row.thin = true
	}
	row.rev++
	row.pos = e.Pos
	if e.Task != nil {
		row.sum.stale = true
		if d := w.details.peek(e.Run); d != nil {
			applyTask(d, e)
			row.summarize(d)
		}
		return
	}
	w.change(row, e.Status)
	row.Ended = nil
	switch {
	case e.Status == "RUNNING" && row.Started == nil:
		at := e.Time
		row.Started = &at
	case final(e.Status):
		at := e.Time
		row.Ended = &at
		w.letOn(row)
	}
	row.sum.stale = true
	if d := w.details.peek(e.Run); d != nil {
		d.Status, d.Started, d.Ended = row.Status, row.Started, row.Ended
	}
}

// letOn has the runs read again that may have waited for this one to end: no
// status change tells that they wait for something else now.
func (w *world) letOn(ended *runRow) {
	rows := w.of[ended.Workflow]
	for i := len(rows) - 1; i >= 0 && rows[i] != ended; i-- {
		if rows[i].Status == "PENDING" {
			rows[i].rev++ // an answer that is on its way may be too old
			rows[i].sum.stale = true
		}
	}
}

// applyTask is what an event tells of a task. It has no exit codes: who needs
// them reads the run again.
func applyTask(r *wire.Run, e *wire.Event) {
	i := slices.IndexFunc(r.Tasks, func(t wire.Task) bool { return t.Task == *e.Task })
	if i < 0 {
		return
	}
	t := &r.Tasks[i]
	if e.Attempt != nil && *e.Attempt != t.Attempt {
		*t = wire.Task{Task: t.Task, Attempt: *e.Attempt}
	}
	t.Status, t.Reason = e.Status, e.Reason
	if e.Agent != nil {
		t.Agent = e.Agent
	}
	at := e.Time
	switch {
	case e.Status == "RUNNING":
		t.Started, t.Ended = &at, nil
	case t.Started != nil && (final(e.Status) || e.Status == "SKIPPED" || e.Status == "WAITING"):
		t.Ended = &at
	}
}

// read takes a run that was read with its tasks, when its row had the revision
// asked, or 0 for no row.
func (w *world) read(r wire.Run, asked int) {
	old := false
	if row := w.byID[r.Run]; row != nil {
		old = row.rev != asked
	}
	row := w.put(r, old)
	r.Status, r.Started, r.Ended = row.Status, row.Started, row.Ended
	w.details.put(r)
	row.summarize(&r)
	row.sum.stale = old
}

func (r *runRow) summarize(d *wire.Run) {
	s := summary{total: len(d.Tasks)}
	for i := range d.Tasks {
		t := &d.Tasks[i]
		switch t.Status {
		case "COMPLETED":
			s.done++
		case "SKIPPED":
			if d.Status == "COMPLETED" {
				s.done++ // it was not needed
			}
		case "FAILED", "CRASHED":
			s.failed++
			if s.reason == "" {
				s.reason = reasonOf(t)
			}
		case "PENDING", "WAITING":
			if s.reason == "" && d.Status == "PENDING" {
				s.reason = reasonOf(t)
			}
		}
		if t.Agent != nil && *t.Agent != "" {
			s.agent = *t.Agent
		}
	}
	r.sum = s
}

func reasonOf(t *wire.Task) string {
	if t.Reason == nil {
		return ""
	}
	return *t.Reason
}
