package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/workflow"
)

// turns holds what the principal decides against the words of WORKFLOWS about
// overlap, max_active_runs and schedules: who may begin, who waits for whom, which
// slots have a run. It knows what is open, and shares nothing with the machine.
type turns struct {
	of    map[string]*turnsOf // by workflow
	runs  map[string]*turn    // that are open
	known map[string]*turn    // all
	keys  map[string]bool
}

// turnsOf is one workflow.
type turnsOf struct {
	active, held []*turn // in order of entry
	schedule     string
	decided      time.Time
	paused       bool
	slots        map[run.Slot]bool
}

// turn is one run.
type turn struct {
	id        string
	def       *workflow.Definition
	cancelled bool
}

func newTurns(log []run.Event) (*turns, error) {
	s := &turns{of: make(map[string]*turnsOf), runs: make(map[string]*turn), known: make(map[string]*turn), keys: make(map[string]bool)}
	return s, s.take(log)
}

func (s *turns) workflow(id string) *turnsOf {
	o := s.of[id]
	if o == nil {
		o = &turnsOf{slots: make(map[run.Slot]bool)}
		s.of[id] = o
	}
	return o
}

// most is how many runs may be active, by the file; 0: any number.
func most(d *workflow.Definition) int {
	if d.Overlap != "" && d.MaxActiveRuns == 0 {
		return 1
	}
	return d.MaxActiveRuns
}

// blocked tells whether a new run has to wait.
func (o *turnsOf) blocked(d *workflow.Definition) bool {
	return most(d) > 0 && (len(o.held) > 0 || len(o.active) >= most(d))
}

// going is how many of the active ones nobody has cancelled.
func (o *turnsOf) going() []*turn {
	return slices.DeleteFunc(slices.Clone(o.active), func(t *turn) bool { return t.cancelled })
}

// verdict is what a trigger or a retry must lead to.
type verdict string

const (
	starts   verdict = "a run begins"
	waits    verdict = "a run is held"
	passes   verdict = "a slot is skipped, and the log says so"
	silent   verdict = "a slot has no run, and the log says nothing"
	refused  verdict = "refused because of overlap: skip"
	anything verdict = ""
)

// expect says what the command must lead to, before it is known.
func (s *turns) expect(cmd run.Command) verdict {
	switch c := cmd.(type) {
	case run.Trigger:
		o := s.workflow(c.Workflow.ID)
		slot := c.Slot != nil && c.Source == "cron"
		switch {
		case c.Key != "" && s.keys[keyOf(c.Workflow.ID, c.Key)]:
			return anything
		case slot && (o.has(*c.Slot) || o.paused):
			return silent
		case o.blocked(c.Workflow) && c.Workflow.Overlap == workflow.OverlapSkip && slot:
			return passes
		}
		return o.entry(c.Workflow)
	case run.Retry:
		if t := s.known[c.Run]; t != nil && s.runs[c.Run] == nil {
			return s.workflow(t.def.ID).entry(t.def)
		}
	}
	return anything
}

func (o *turnsOf) entry(d *workflow.Definition) verdict {
	switch {
	case !o.blocked(d):
		return starts
	case d.Overlap == workflow.OverlapSkip:
		return refused
	}
	return waits
}

// was is what the command has led to.
func was(events []run.Event, effects []run.Effect) verdict {
	for i, ev := range events {
		switch ev.Kind {
		case run.RunCreated, run.RunReopened:
			if i+1 < len(events) && events[i+1].Kind == run.RunHeld {
				return waits
			}
			return starts
		case run.SlotSkipped:
			return passes
		}
	}
	for _, e := range effects {
		switch e := e.(type) {
		case run.Triggered:
			if e.Skipped != "" {
				return silent
			}
		case run.Refused:
			if e.Skipped && e.Code == run.Unavailable {
				return refused
			}
		}
	}
	return anything
}

// applied looks at a command and what became of it.
func (s *turns) applied(cmd run.Command, events []run.Event, effects []run.Effect) error {
	want, got := s.expect(cmd), was(events, effects)
	_, retried := cmd.(run.Retry)
	if want != got && want != anything && !(retried && got == anything) { // a retry may not be due at all
		return fmt.Errorf("%#v: want %q, and %q", cmd, want, got)
	}
	if err := s.take(events); err != nil {
		return err
	}
	for _, ev := range events {
		o := s.workflow(ev.Workflow)
		if len(o.held) > 0 && len(o.active) < most(o.held[0].def) {
			return fmt.Errorf("run %s is held for nothing", o.held[0].id)
		}
		if ev.Kind != run.RunHeld || s.runs[ev.Run] == nil || s.runs[ev.Run].def.Overlap != workflow.OverlapReplace {
			continue
		}
		if going := o.going(); len(o.held) > 0 && (o.held[0].id != ev.Run || len(going) >= most(o.held[0].def)) {
			return fmt.Errorf("run %s replaces, and %v before it stay", ev.Run, going)
		}
	}
	return nil
}

// take follows the log.
func (s *turns) take(events []run.Event) error {
	for i, ev := range events {
		if ev.Run == "" || ev.Kind == run.RunCreated {
			if err := s.schedule(ev); err != nil {
				return err
			}
		}
		if (ev.Kind == run.RunHeld) != (i > 0 && events[i-1].Run == ev.Run && s.mustHold(events[i-1])) {
			return fmt.Errorf("%s: %s", subject(ev), ev.Reason)
		}
		if err := s.move(ev); err != nil {
			return fmt.Errorf("%s: %w", subject(ev), err)
		}
	}
	return nil
}

// mustHold tells whether the event brought a run for which there is no room.
func (s *turns) mustHold(ev run.Event) bool {
	t, o := s.runs[ev.Run], s.workflow(ev.Workflow)
	if t == nil || ev.Kind != run.RunCreated && ev.Kind != run.RunReopened {
		return false
	}
	return most(t.def) > 0 && (len(o.held) > 0 || len(o.active) > most(t.def))
}

func (s *turns) move(ev run.Event) error {
	t, o := s.runs[ev.Run], s.workflow(ev.Workflow)
	switch ev.Kind {
	case run.RunCreated, run.RunReopened:
		if ev.Kind == run.RunCreated {
			s.known[ev.Run] = &turn{id: ev.Run, def: ev.Created.Definition}
			s.keys[keyOf(ev.Workflow, ev.Created.Key)] = true
		}
		t = s.known[ev.Run]
		t.cancelled = false
		s.runs[ev.Run] = t
		o.active = append(o.active, t)
	case run.RunHeld:
		o.active = slices.DeleteFunc(o.active, func(x *turn) bool { return x == t })
		o.held = append(o.held, t)
	case run.RunReleased:
		if len(o.held) == 0 || o.held[0] != t {
			return fmt.Errorf("it is not its turn")
		}
		if len(o.active) >= most(t.def) {
			return fmt.Errorf("%d others are active", len(o.active))
		}
		o.held, o.active = o.held[1:], append(o.active, t)
	case run.CancelRequested:
		if by, replaced := strings.CutPrefix(ev.Reason, "replaced by run "); replaced {
			by, _, _ = strings.Cut(by, " ")
			if err := o.replaces(s.runs[by], t); err != nil {
				return err
			}
		}
		t.cancelled = true
	case run.RunChanged:
		if ev.Status.Final() {
			gone := func(x *turn) bool { return x == t }
			o.active, o.held = slices.DeleteFunc(o.active, gone), slices.DeleteFunc(o.held, gone)
			delete(s.runs, ev.Run)
		}
	}
	return nil
}

// replaces looks at one run that goes for another: all that are held go, then the
// oldest that are active, but no more than must.
func (o *turnsOf) replaces(by, t *turn) error {
	going := o.going()
	switch {
	case by == nil || by.def.Overlap != workflow.OverlapReplace || len(o.held) == 0 || o.held[len(o.held)-1] != by:
		return fmt.Errorf("replaced by nobody who may")
	case t.cancelled:
		return fmt.Errorf("replaced, and cancelled before")
	case o.held[0] == t && t != by:
		return nil
	case o.held[0] != by || len(going) == 0 || going[0] != t || len(going) < most(by.def):
		return fmt.Errorf("replaced out of turn, or without need")
	}
	return nil
}
