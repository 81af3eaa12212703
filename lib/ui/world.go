package ui

import (
	"cmp"
	"slices"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// world is what is known of the principal at hand. Update alone changes it;
// screens read it, and keep no data of their own that it has.
type world struct {
	link   link
	status wire.PrincipalStatus

	workflows []wire.Workflow // by id
	agents    []wire.Agent    // by name

	// runs are in order of creation, the newest last. There is one for each that
	// was ever listed or told of, within bounds.
	runs []*runRow
	byID map[string]*runRow
	of   map[string][]*runRow // of each workflow, in the same order

	// older tells that the history has runs before the first of runs.
	older  bool
	loaded bool // the first page of runs is here
	known  struct{ workflows, agents bool }

	counts map[string]int // runs by status
	rev    int            // grows with every change of what a list of runs shows

	details *details
}

// link is the state of the connection.
type link struct {
	up    bool
	tried bool          // an answer, or none, has come
	since time.Time     // of that state
	heard time.Time     // the last answer: the age of the data
	lag   time.Duration // of the last answer
	live  bool          // status changes arrive as they happen
	err   string        // why it is not up
}

// runRow is a run with a summary of its tasks. Rows stay: a pointer to one names
// a run for as long as the session lasts.
type runRow struct {
	wire.Run
	at   time.Time // of its creation
	sum  summary
	pos  int64     // of the last status change that was applied
	rev  int       // grows with every change of the run or a task of it
	read time.Time // when its tasks were last asked for
	miss time.Time // when they were last asked for in vain
	thin bool      // known from a status change only: who started it is still to be asked
}

// summary counts the tasks of a run. It is there when total is not 0.
type summary struct {
	total, done, failed int
	agent               string // of the newest task that has one
	reason              string // what a run that does not run waits for, or the first failure
	stale               bool   // tasks have changed since
}

func newWorld() *world {
	return &world{byID: make(map[string]*runRow), of: make(map[string][]*runRow), counts: make(map[string]int), details: newDetails()}
}

// run is the row of a run, or nil.
func (w *world) run(id string) *runRow { return w.byID[id] }

// detail is a run with its tasks, as it was last read and as events changed it
// since; nil where it was not read or is out of memory.
func (w *world) detail(id string) *wire.Run { return w.details.get(id) }

// newest are at most n of the newest runs of a workflow, the newest first.
func (w *world) newest(workflow string, n int) []*runRow {
	all := w.of[workflow]
	out := make([]*runRow, 0, min(n, len(all)))
	for i := len(all) - 1; i >= 0 && len(out) < n; i-- {
		out = append(out, all[i])
	}
	return out
}

// workflow is a workflow of the list, or nil.
func (w *world) workflow(id string) *wire.Workflow {
	i, found := slices.BinarySearchFunc(w.workflows, id, func(f wire.Workflow, id string) int { return cmp.Compare(f.Workflow, id) })
	if !found {
		return nil
	}
	return &w.workflows[i]
}

func earlier(a, b *runRow) int {
	return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.Run.Run, b.Run.Run))
}

// row is the row of a run, which is new if there is none yet.
func (w *world) row(r wire.Run) (row *runRow, isNew bool) {
	if row = w.byID[r.Run]; row != nil {
		return row, false
	}
	r.Tasks = nil
	row = &runRow{Run: r}
	if r.Created != nil {
		row.at = r.Created.Time
	}
	w.byID[r.Run] = row
	w.counts[r.Status]++
	w.rev++
	return row, true
}

// put takes a run as it was listed or read. What it says of the status is old
// where status changes have come since; then it is not believed.
func (w *world) put(r wire.Run, old bool) *runRow {
	row, isNew := w.row(r)
	if isNew {
		w.runs = insert(w.runs, row)
		w.of[r.Workflow] = insert(w.of[r.Workflow], row)
		return row
	}
	r.Tasks = nil
	if old {
		r.Status, r.Started, r.Ended = row.Status, row.Started, row.Ended
	}
	w.change(row, r.Status)
	row.Run, row.thin = r, false
	row.rev++
	w.rev++
	return row
}

// busy tells that the tasks of a run change all the time: status changes tell
// nearly all of it, and it is read again now and then only.
func (r *runRow) busy(now time.Time) bool {
	return !final(r.Status) && now.Sub(r.read) < time.Second
}

// mostRuns bounds how many runs are kept: those that come make the oldest go.
const mostRuns = 50_000

// trim keeps to the bound.
func (w *world) trim() {
	if len(w.runs) <= mostRuns {
		return
	}
	gone := w.runs[:len(w.runs)-mostRuns*9/10]
	for _, row := range gone {
		delete(w.byID, row.Run.Run)
		w.counts[row.Status]--
		rows := w.of[row.Workflow]
		if i := slices.Index(rows, row); i >= 0 {
			w.of[row.Workflow] = rows[i+1:] // those before it are older, and gone
		}
	}
	w.runs = slices.Clone(w.runs[len(gone):])
	w.older = true
	w.rev++
}

// page takes a page of the history that knows of everything up to pos. Many rows
// at once cost one sort.
func (w *world) page(some []wire.Run, pos int64) {
	var fresh []*runRow
	touched := make(map[string]bool)
	for i := range some {
		row, isNew := w.row(some[i])
		if !isNew {
			w.put(some[i], row.pos > pos)
			continue
		}
		fresh = append(fresh, row)
		w.of[row.Workflow] = append(w.of[row.Workflow], row)
		touched[row.Workflow] = true
	}
	if len(fresh) == 0 {
		return
	}
	w.runs = append(w.runs, fresh...)
	slices.SortFunc(w.runs, earlier)
	for workflow := range touched {
		slices.SortFunc(w.of[workflow], earlier)
	}
}

// insert puts a row into its place, which is nearly always the end.
func insert(rows []*runRow, row *runRow) []*runRow {
	if n := len(rows); n == 0 || earlier(rows[n-1], row) <= 0 {
		return append(rows, row)
	}
	i, _ := slices.BinarySearchFunc(rows, row, earlier)
	return slices.Insert(rows, i, row)
}

func (w *world) change(row *runRow, status string) {
	if row.Status != status {
		w.counts[row.Status]--
		w.counts[status]++
		row.Status = status
	}
}

// failedSince counts the runs that were created since then and failed.
func (w *world) failedSince(t time.Time) int {
	n := 0
	for i := len(w.runs) - 1; i >= 0 && !w.runs[i].at.Before(t); i-- {
		if s := w.runs[i].Status; s == "FAILED" || s == "CRASHED" {
			n++
		}
	}
	return n
}

func final(status string) bool {
	switch status {
	case "COMPLETED", "FAILED", "CRASHED", "CANCELLED":
		return true
	}
	return false
}
