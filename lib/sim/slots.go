package sim

import (
	"fmt"
	"time"

	"github.com/cdktr/cdktr/lib/run"
)

// has tells whether a slot is decided.
func (o *turnsOf) has(slot run.Slot) bool {
	return o.schedule == slot.Schedule && !slot.Time.After(o.decided)
}

// schedule follows what the log says of slots: each is decided once, and in a
// workflow that is paused none has a run.
func (s *turns) schedule(ev run.Event) error {
	o, slot := s.workflow(ev.Workflow), ev.Slot
	switch {
	case ev.Kind == run.RunCreated && ev.Created.Source == "cron" && ev.Created.Slot != nil:
		slot = ev.Created.Slot
		if o.paused {
			return fmt.Errorf("%s: a slot of a workflow that is paused", subject(ev))
		}
	case ev.Kind == run.SlotSkipped, ev.Kind == run.ScheduleSet:
	case ev.Kind == run.WorkflowPaused, ev.Kind == run.WorkflowResumed:
		if o.paused == (ev.Kind == run.WorkflowPaused) {
			return fmt.Errorf("%s twice", subject(ev))
		}
		if o.paused = !o.paused; !o.paused {
			o.decided = ev.Time
		}
		return nil
	default:
		return nil
	}
	if o.slots[*slot] || o.has(*slot) {
		return fmt.Errorf("%s: slot %v is decided twice", subject(ev), *slot)
	}
	o.slots[*slot] = ev.Kind != run.ScheduleSet
	o.schedule, o.decided = slot.Schedule, slot.Time
	return nil
}

// agree holds what the machine says of all schedules against the log.
func (s *turns) agree(m *run.Machine) error {
	for id, o := range s.of {
		if got := m.Schedule(id); got.Paused != o.paused || got.Decided.Schedule != o.schedule || !got.Decided.Time.Equal(o.decided) {
			return fmt.Errorf("the machine knows %+v, and the log says %+v", got, *o)
		}
	}
	return nil
}

// scheduler lives in the principal, as long as that does. It goes on from what
// the machine says, whatever the one before it did.
type scheduler struct {
	p      *principal
	nth    int // workflow
	period time.Duration
}

func (p *principal) startSchedulers() {
	for i := range p.w.crons {
		s := &scheduler{p: p, nth: i, period: time.Duration(3+5*i) * time.Second}
		p.w.after(p.w.upTo(s.period), p.ofThisLife(s.tick))
	}
}

// ofThisLife is what is not done when the principal has died since.
func (p *principal) ofThisLife(what func()) func() {
	life := p.life
	return func() {
		if p.up && p.life == life {
			what()
		}
	}
}

// tick asks for the slot that has just come, and for some of those that were
// missed. Answers are nothing to it: they do not get lost on the way.
func (s *scheduler) tick() {
	w := s.p.w
	if !w.faults {
		return
	}
	w.after(s.period, s.p.ofThisLife(s.tick))
	if s.p.frozen {
		return
	}
	def := w.workflows[s.nth]
	if w.chance(0.02) {
		w.crons[s.nth]++ // somebody edits the file
	}
	text := fmt.Sprint("cron ", w.crons[s.nth])
	now := w.clock().Wall.Truncate(s.period)
	at := s.p.m.Schedule(def.ID)
	send := func(make func(run.Token) run.Command) { s.p.receive(make, func(run.Effect) {}) }
	decide := func(slot time.Time, reason string) {
		send(func(t run.Token) run.Command {
			return run.Decide{Token: t, Workflow: def.ID, Slot: run.Slot{Schedule: text, Time: slot}, Reason: reason}
		})
	}
	slot := func(due time.Time) {
		send(func(t run.Token) run.Command {
			return run.Trigger{
				Token: t, Run: s.p.newID(), Workflow: def, Params: map[string]string{"day": "1"}, Source: "cron",
				Key: fmt.Sprint("cron:", due), Slot: &run.Slot{Schedule: text, Time: due},
			}
		})
	}
	if at.Decided.Schedule != text {
		decide(now, "")
		return
	}
	missed := int(now.Sub(at.Decided.Time)/s.period) - 1
	switch {
	case at.Paused && w.chance(0.9): // it may not have heard of it yet
		return
	case missed > 0 && missed < 4 && w.chance(0.5):
		for i := range missed {
			slot(now.Add(time.Duration(i-missed) * s.period))
		}
	case missed > 0:
		decide(now.Add(-s.period), "missed")
	}
	slot(now)
}
