package run

import (
	"fmt"
	"strings"
	"time"
)

// slot reads @10s: ten seconds after three o'clock.
func (w *world) slot(l line) *Slot {
	d := time.Duration(w.duration(strings.TrimPrefix(l.words[1], "@")))
	return &Slot{Schedule: or(l.named["of"], "hourly"), Time: time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC).Add(d)}
}

// scheduled is what a store would say of the log, written down once more.
func (w *world) scheduled() map[string]Scheduled {
	all := make(map[string]Scheduled)
	for _, ev := range w.log {
		s := all[ev.Workflow]
		switch {
		case ev.Kind == RunCreated && ev.Created.Source == "cron" && ev.Created.Slot != nil:
			s.Decided = *ev.Created.Slot
		case ev.Kind == SlotSkipped, ev.Kind == ScheduleSet:
			s.Decided = *ev.Slot
		case ev.Kind == WorkflowPaused:
			s.Paused = true
		case ev.Kind == WorkflowResumed:
			s.Paused, s.Decided.Time = false, ev.Time
		default:
			continue
		}
		s.Workflow = ev.Workflow
		all[ev.Workflow] = s
	}
	return all
}

func slotted(s *Slot) string {
	if s == nil {
		return ""
	}
	return fmt.Sprintf(" %s %s", s.Schedule, s.Time.Format("15:04:05"))
}

func scheduled(s Scheduled) string {
	text := s.Workflow + ": nothing decided"
	if s.Decided != (Slot{}) {
		text = s.Workflow + ": decided" + slotted(&s.Decided)
	}
	if s.Paused {
		text += ", paused"
	}
	return text
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
