package scheduler

import (
	"context"
	"time"

	"github.com/cdktr/cdktr/lib/schedule"
	"github.com/cdktr/cdktr/lib/wire"
)

// ahead is how far the newest decided slot may lie in the future: the clock was
// set back a little, and comes there again. More is a clock that had been wrong.
const ahead = time.Hour

// read takes over the schedules as they are now. In the beginning of a life
// slots may have been missed for as long as nobody looked.
func (s *Scheduler) read(ctx context.Context, beginning bool) error {
	list, err := s.principal.Schedules(ctx)
	if err != nil {
		return err
	}
	now := s.clock.Now()
	away := beginning && now.Sub(s.seen) >= grace
	known := s.entries
	s.entries = make(map[string]*entry, len(list))
	var decisions []wire.Decision
	for i := range list {
		e, err := s.entry(&list[i], known[list[i].Workflow])
		if err != nil {
			s.log.Error("a schedule is left out", "workflow", list[i].Workflow, "error", err)
			continue
		}
		delete(known, e.workflow)
		s.entries[e.workflow] = e
		decisions = append(decisions, e.begin(&list[i], now, beginning, away)...)
		s.queue.put(e)
	}
	for _, gone := range known {
		gone.next = time.Time{}
		s.queue.put(gone)
	}
	return s.decide(ctx, decisions)
}

// entry makes one of what is known of a schedule. It is the same one as before
// while the schedule is the same.
func (s *Scheduler) entry(w *wire.Schedule, known *entry) (*entry, error) {
	spec, err := s.specs.Parse(w.Cron, w.Timezone)
	if err != nil {
		return nil, err
	}
	window, err := time.ParseDuration(w.CatchupWindow)
	if err != nil {
		return nil, err
	}
	var start time.Time
	if w.StartTime != nil {
		start = w.StartTime.Time
	}
	e := known
	if text := textOf(spec, start); e == nil || e.text != text {
		if known != nil {
			known.next = time.Time{}
			s.queue.put(known)
		}
		e = &entry{workflow: w.Workflow, text: text, spec: spec, place: -1}
	}
	e.rule.Catchup, e.rule.Window, e.rule.Start = w.Catchup, window, start
	return e, nil
}

// begin finds the slot to go on with. The decisions say from when on the
// schedule holds, where the history does not, or which slots are passed over.
func (e *entry) begin(w *wire.Schedule, now time.Time, beginning, away bool) []wire.Decision {
	if w.Paused {
		e.next, e.until = time.Time{}, time.Time{}
		return nil
	}
	decided := w.Decided != nil && w.Decided.Schedule == e.text
	fresh := e.cursor.IsZero()
	if decided && w.Decided.Time.After(e.cursor) {
		e.cursor = w.Decided.Time.Time
	}
	switch {
	case e.cursor.IsZero():
		e.pass(now)
		return []wire.Decision{{Workflow: e.workflow, Slot: e.slot(now)}}
	case e.cursor.After(now.Add(ahead)):
		// A slot before one that is decided of the same schedule is decided
		// too: hence the other one in between.
		e.pass(now)
		other := wire.Slot{Schedule: "the clock was set back", Time: wire.At(now)}
		return []wire.Decision{{Workflow: e.workflow, Slot: other}, {Workflow: e.workflow, Slot: e.slot(now)}}
	case fresh && away:
		skipped := e.sort(now)
		e.pass(e.cursor)
		return skipped
	case fresh && !beginning:
		return e.back(now)
	}
	e.pass(e.cursor)
	return nil
}

// back goes on with a schedule that was gone for a while, and had no slots then.
// But a file may be written anew in two steps: the newest slot of the last
// minute is due still, and never a burst of them.
func (e *entry) back(now time.Time) []wire.Decision {
	gone := e.spec.Missed(e.cursor, now, schedule.Rule{Catchup: "latest", Window: grace, Start: e.rule.Start})
	if gone.Skipped.None() {
		e.pass(e.cursor)
		return nil
	}
	e.pass(gone.Skipped.Last)
	return []wire.Decision{{Workflow: e.workflow, Slot: e.slot(e.cursor)}}
}
