package ui

import (
	"slices"

	"github.com/cdktr/cdktr/lib/wire"
)

// details keeps the tasks of the runs that were looked at last. A run may have
// 10,000 tasks, so it is their number that is bounded.
type details struct {
	runs  map[string]*wire.Run
	order []string // the one that was used last at the end
	tasks int
}

const detailTasks = 50_000

func newDetails() *details { return &details{runs: make(map[string]*wire.Run)} }

// peek is get for who does not look at the run.
func (d *details) peek(id string) *wire.Run { return d.runs[id] }

func (d *details) get(id string) *wire.Run {
	r := d.runs[id]
	if r != nil && d.order[len(d.order)-1] != id {
		d.order = append(slices.DeleteFunc(d.order, func(o string) bool { return o == id }), id)
	}
	return r
}

func (d *details) put(r wire.Run) {
	if old := d.runs[r.Run]; old != nil {
		d.tasks -= len(old.Tasks)
		d.order = slices.DeleteFunc(d.order, func(o string) bool { return o == r.Run })
	}
	r.Tasks = slices.Clone(r.Tasks)
	d.runs[r.Run] = &r
	d.order = append(d.order, r.Run)
	d.tasks += len(r.Tasks)
	for d.tasks > detailTasks && len(d.order) > 1 {
		oldest := d.order[0]
		d.tasks -= len(d.runs[oldest].Tasks)
		d.order = d.order[1:]
		delete(d.runs, oldest)
	}
}
