package run

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// SourceCron is the Source of a run that is for a slot of its workflow's schedule.
const SourceCron = "cron"

// What is scheduled is known from the log, but not from that of the open runs:
// so Restore takes nothing of it, and RestoreScheduled all.

// slotTime is a slot's instant, for people.
const slotTime = "2006-01-02T15:04:05Z"

// Note takes over what an event of the workflow says. The newest in the order of
// the log counts.
func (s *Scheduled) Note(ev *Event) {
	s.Workflow = ev.Workflow
	switch ev.Kind {
	case RunCreated:
		if ev.Created.Source == SourceCron && ev.Created.Slot != nil {
			s.Decided = *ev.Created.Slot
		}
	case SlotSkipped, ScheduleSet:
		s.Decided = *ev.Slot
	case WorkflowPaused:
		s.Paused = true
	case WorkflowResumed:
		s.Paused, s.Decided.Time = false, ev.Time
	}
}

// has tells whether the slot is decided: slots are decided in their order.
func (s *Scheduled) has(slot *Slot) bool {
	return s.Decided.Schedule == slot.Schedule && !slot.Time.After(s.Decided.Time)
}

// Schedule returns what the log says of a workflow's schedule.
func (m *Machine) Schedule(workflow string) Scheduled {
	s := m.schedules[workflow]
	s.Workflow = workflow
	return s
}

// RestoreScheduled takes over what the log says of a workflow's schedule, before
// the events of the open runs, which change nothing of it.
func (m *Machine) RestoreScheduled(s Scheduled) {
	if s.Paused || s.Decided != (Slot{}) {
		s.Decided = *s.Decided.exact()
		m.schedules[s.Workflow] = s
	}
}

// exact is the slot as it will be written.
func (s *Slot) exact() *Slot {
	if s == nil {
		return nil
	}
	return &Slot{Schedule: s.Schedule, Time: s.Time.Round(0).UTC()}
}

// noteScheduled keeps what a new event says of a schedule.
func (m *Machine) noteScheduled(ev *Event) {
	s := m.Schedule(ev.Workflow)
	was := s
	if s.Note(ev); s != was {
		m.schedules[ev.Workflow] = s
	}
}

// scheduled tells whether the run is to be for a slot of its schedule.
func (c *Trigger) scheduled() bool { return c.Slot != nil && c.Source == SourceCron }

// undue says why a slot has no run whatever its workflow is: one that was
// decided stays so, and resuming decides what comes while it is paused.
func (m *Machine) undue(workflow string, slot *Slot) string {
	switch s := m.schedules[workflow]; {
	case s.has(slot):
		return fmt.Sprintf("slot %s was decided before", slot.Time.UTC().Format(slotTime))
	case s.Paused:
		return fmt.Sprintf("workflow %s is paused", workflow)
	}
	return ""
}

// skip answers a trigger that gets no run because of `overlap: skip`.
func (m *Machine) skip(c Trigger, why string) {
	if c.scheduled() {
		reason := fmt.Sprintf("slot %s: %s", c.Slot.Time.UTC().Format(slotTime), why)
		m.emit(nil, nil, Event{Kind: SlotSkipped, Workflow: c.Workflow.ID, Status: Skipped, Reason: reason, Slot: c.Slot.exact()})
		m.pass(c.Token, why)
		return
	}
	m.refuseSkipped(c.Token, why)
}

// pass answers a slot that has no run.
func (m *Machine) pass(token Token, why string) {
	if token != 0 {
		m.effect(Triggered{Token: token, Skipped: why})
	}
}

func (m *Machine) refuseSkipped(token Token, why string) {
	if token != 0 {
		m.effect(Refused{Token: token, Code: Unavailable, Message: why, Skipped: true})
	}
}

func (m *Machine) decide(c Decide) {
	s := m.schedules[c.Workflow]
	if !s.has(&c.Slot) {
		ev := Event{Kind: ScheduleSet, Workflow: c.Workflow, Slot: c.Slot.exact()}
		if c.Reason != "" {
			ev.Kind, ev.Status, ev.Reason = SlotSkipped, Skipped, c.Reason
		}
		m.emit(nil, nil, ev)
	}
	m.done(c.Token)
}

func (m *Machine) pause(c Pause) {
	if m.schedules[c.Workflow].Paused == c.Resume {
		ev := Event{Kind: WorkflowPaused, Workflow: c.Workflow}
		if c.Resume {
			ev.Kind = WorkflowResumed
		}
		m.emit(nil, nil, ev)
	}
	m.done(c.Token)
}

// scheduledAt is when a run was due: its slot, or its creation.
func scheduledAt(ev *Event) time.Time {
	if s := ev.Created.Slot; s != nil {
		return s.Time
	}
	return ev.Time
}

// writeSchedules tells what is scheduled, for Machine.String.
func (m *Machine) writeSchedules(b *strings.Builder) {
	for _, workflow := range slices.Sorted(maps.Keys(m.schedules)) {
		s := m.schedules[workflow]
		fmt.Fprintf(b, "schedule of %s", workflow)
		if s.Decided != (Slot{}) {
			fmt.Fprintf(b, " %q up to %s", s.Decided.Schedule, s.Decided.Time.Format(time.RFC3339Nano))
		}
		if s.Paused {
			b.WriteString(" paused")
		}
		b.WriteByte('\n')
	}
}
