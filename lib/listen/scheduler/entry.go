package scheduler

import (
	"container/heap"
	"fmt"
	"time"

	"github.com/cdktr/cdktr/lib/listen"
	"github.com/cdktr/cdktr/lib/schedule"
	"github.com/cdktr/cdktr/lib/wire"
)

// entry is a workflow with a schedule.
type entry struct {
	workflow string
	text     string // of the schedule, as it is written in the history
	spec     schedule.Schedule
	rule     schedule.Rule

	cursor time.Time // the slots until then are decided, or emitted
	next   time.Time // the first one after it; zero: none, or paused
	until  time.Time // missed slots until then are caught up with
	place  int       // in the queue; -1: not in it
}

// textOf is how a schedule is written in the history. Another text is another
// schedule: what was decided of the one says nothing about the other.
func textOf(spec schedule.Schedule, start time.Time) string {
	if start.IsZero() {
		return spec.String()
	}
	return spec.String() + " from " + start.UTC().Format(time.RFC3339)
}

func (e *entry) slot(at time.Time) wire.Slot { return wire.Slot{Schedule: e.text, Time: wire.At(at)} }

// event is the trigger of a slot. Its key is the same whoever emits it, and
// whenever.
func (e *entry) event(at time.Time, count int64) listen.Event {
	slot := e.slot(at)
	return listen.Event{Line: count, Trigger: wire.TriggerItem{
		Workflow: e.workflow, Source: "cron", Key: "cron:" + at.Format(time.RFC3339),
		Scheduled: &slot.Time, Schedule: slot.Schedule,
	}}
}

// pass goes on after a slot.
func (e *entry) pass(at time.Time) {
	e.cursor, e.next = at, e.spec.First(at, e.rule.Start)
}

// mostCounted is how many missed slots are counted; more are many.
const mostCounted = 1000

// skip says why missed slots have no run.
func (e *entry) skip(slots schedule.Slots, due bool) wire.Decision {
	span := "1 slot missed at " + stamp(slots.First)
	if n := e.spec.Count(slots, mostCounted+1); n > mostCounted {
		span = fmt.Sprintf("more than %d slots missed from %s to %s", mostCounted, stamp(slots.First), stamp(slots.Last))
	} else if n > 1 {
		span = fmt.Sprintf("%d slots missed from %s to %s", n, stamp(slots.First), stamp(slots.Last))
	}
	why := "older than the catchup_window of " + e.rule.Window.String()
	switch {
	case e.rule.Catchup != "latest" && e.rule.Catchup != "all":
		why = "catchup is none"
	case e.rule.Catchup == "latest" && due:
		why = "catchup is latest"
	}
	return wire.Decision{Workflow: e.workflow, Slot: e.slot(slots.Last), Reason: span + ": " + why}
}

func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// queue is a heap of entries by their next slot.
type queue []*entry

// next is the first slot of all; zero: there is none.
func (q queue) next() time.Time {
	if len(q) == 0 {
		return time.Time{}
	}
	return q[0].next
}

// put brings an entry to its place, or out where it has no next slot.
func (q *queue) put(e *entry) {
	switch in := e.place >= 0; {
	case e.next.IsZero() && in:
		heap.Remove(q, e.place)
	case e.next.IsZero():
	case in:
		heap.Fix(q, e.place)
	default:
		heap.Push(q, e)
	}
}

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].next.Before(q[j].next) }

func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

func (q *queue) Push(x any) {
	e := x.(*entry)
	e.place = len(*q)
	*q = append(*q, e)
}

func (q *queue) Pop() any {
	old := *q
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*q, e.place = old[:len(old)-1], -1
	return e
}
