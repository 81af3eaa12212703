package sim

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

// ReadHistory judges what cdktr-logs --events shows: all status changes of the
// runs of these workflows, in order of pos. It goes on after a broken promise,
// so that all of them are told.
func ReadHistory(shown []wire.Event, of ...*workflow.Definition) (*History, []error) {
	h := NewHistory()
	events, err := FromWire(shown, of...)
	if err != nil {
		return h, []error{err}
	}
	var broken []error
	for _, ev := range events {
		if err := h.Add(ev); err != nil {
			broken = append(broken, fmt.Errorf("pos %d: %w", ev.Pos, err))
		}
	}
	return h, broken
}

// FromWire returns the events that must lie behind those that are shown, which
// are status changes only. An agent's id is its name. It adds what is sure to
// have been there, a task queued again or a wish to cancel, and repairs nothing:
// History judges the rest.
func FromWire(shown []wire.Event, of ...*workflow.Definition) ([]run.Event, error) {
	definitions := make(map[string]*workflow.Definition)
	for _, d := range of {
		definitions[d.ID] = d
	}
	byRun := make(map[string]*shownRun)
	var order []*shownRun
	last := int64(0)
	for _, e := range shown {
		if e.Pos <= last {
			return nil, fmt.Errorf("event of run %s at pos %d comes after pos %d", e.Run, e.Pos, last)
		}
		last = e.Pos
		if e.Run == "" { // it is about a workflow
			continue
		}
		s := byRun[e.Run]
		if s == nil {
			d := definitions[e.Workflow]
			if d == nil {
				return nil, fmt.Errorf("run %s is of workflow %s, whose definition is not here", e.Run, e.Workflow)
			}
			s = &shownRun{definition: d}
			byRun[e.Run] = s
			order = append(order, s)
		}
		if e.Workflow != s.definition.ID {
			return nil, fmt.Errorf("run %s is of workflow %s and of %s", e.Run, s.definition.ID, e.Workflow)
		}
		s.shown = append(s.shown, e)
	}
	var events []run.Event
	for _, s := range order {
		events = append(events, s.events()...)
	}
	slices.SortStableFunc(events, func(a, b run.Event) int { return cmp.Compare(a.Pos, b.Pos) })
	return events, nil
}

// shownRun turns the status changes of one run into its events.
type shownRun struct {
	definition *workflow.Definition
	shown      []wire.Event
	out        []run.Event
	now        outline
	losses     map[string]int
	lost       bool // some task was lost for good
	cancelled  bool
	timedOut   bool
	quit       bool   // cancelled in its handlers
	startsOver bool   // when no task is running any more
	home       string // the agent of the newest lease, since the last restart
	calm       []int  // places in out where no task was running, since the last restart
}

func (s *shownRun) together() bool { return s.definition.Placement == workflow.Together }

func (s *shownRun) events() []run.Event {
	s.now, s.losses = make(outline), make(map[string]int)
	for i, e := range s.shown {
		ev := run.Event{
			Pos: e.Pos, Time: e.Time.Time, Kind: run.RunChanged, Workflow: e.Workflow, Run: e.Run,
			Status: run.Status(e.Status), Agent: value(e.Agent), Reason: value(e.Reason),
		}
		if e.Task != nil {
			ev.Kind, ev.Task, ev.Attempt, ev.AgentRef.ID = run.TaskChanged, *e.Task, value(e.Attempt), ev.Agent
			if ev.Status == run.Completed || ev.Status == run.Failed {
				ev.Ended = &run.Ended{Ended: ev.Time}
			}
		} else if ev.Status == run.Pending && i > 0 {
			s.reopen(ev)
			continue
		} else if ev.Status == run.Pending {
			ev.Kind, ev.Created = run.RunCreated, &run.Created{Definition: s.definition}
		}
		switch {
		case s.handler(ev.Task):
			s.mayMove(ev)
		case s.together():
			s.mayStartOver(i, ev)
		}
		s.mayHalt(i, ev)
		if at := s.now[ev.Task]; at.status == run.Waiting && ev.Status == run.Running {
			s.add(queued(ev, ev.Task, at.attempt+1))
		}
		s.lose(ev)
		s.add(ev)
		if at := s.now[ev.Task]; at.status == run.Crashed && (!s.together() || s.handler(ev.Task)) && !s.final(ev.Task) {
			s.add(queued(ev, ev.Task, at.attempt+1))
		}
	}
	if s.startsOver && s.now.calm() {
		s.restart(len(s.out))
	}
	return s.out
}

func (s *shownRun) add(ev run.Event) {
	s.out = append(s.out, ev)
	s.now.apply(ev)
	if ev.Kind == run.TaskChanged && ev.Status == run.Running {
		s.home = ev.AgentRef.ID
	}
}

// lose counts what was lost, before it is added.
func (s *shownRun) lose(ev run.Event) {
	if ev.Kind != run.TaskChanged || ev.Status != run.Crashed {
		return
	}
	s.losses[ev.Task]++
	if s.handler(ev.Task) {
		return
	}
	s.lost = s.lost || s.final(ev.Task) || s.now[ev.Task].status != run.Running
	s.startsOver = s.together() && !s.lost
}

// final tells whether a task that was lost is not queued again.
func (s *shownRun) final(task string) bool {
	return s.definition.OnAgentLoss == workflow.FailOnLoss || s.losses[task] >= maxLosses
}

// mayStartOver adds the restart of a run that stays together, if it lies before
// the shown event i. After a loss that is as soon as nothing of it runs, and
// what was then skipped is skipped. Where the agent was lost between two tasks
// nothing is shown but a task that begins after it ended, or elsewhere.
func (s *shownRun) mayStartOver(i int, ev run.Event) {
	if !s.cancelled && s.now.calm() {
		s.calm = append(s.calm, len(s.out))
	}
	begins := ev.Status == run.Running || ev.Status == run.Cancelled
	switch {
	case s.startsOver && s.now.calm():
		if ev.Status != run.Skipped {
			s.restart(len(s.out))
		}
	case ev.Kind != run.TaskChanged || !begins || s.lost:
	case s.now.calm() && ev.Status == run.Running && s.home != "" && s.home != ev.AgentRef.ID:
		s.restart(len(s.out))
	case s.now[ev.Task].ended():
		s.restart(s.placeOfRestart(i, ev))
	}
}

// restart queues again, at a place in out, all tasks that had started or ended.
func (s *shownRun) restart(place int) {
	s.out = s.restartedAt(place)
	s.now, s.calm, s.startsOver, s.home = outlineOf(s.out), nil, false, ""
	for _, ev := range s.out[place:] {
		if ev.Kind == run.TaskChanged && ev.Status == run.Running {
			s.home = ev.AgentRef.ID
		}
	}
}

func (s *shownRun) restartedAt(place int) []run.Event {
	then := outlineOf(s.out[:place])
	var again []run.Event
	for _, t := range s.definition.Tasks {
		if at := then[t.ID]; at.status != "" {
			ev := queued(s.out[place-1], t.ID, at.attempt+1)
			ev.AgentRef.ID = "lost"
			again = append(again, ev)
		}
	}
	return slices.Concat(s.out[:place], again, s.out[place:])
}

// placeOfRestart finds where in out the run started again, now that the shown
// event i, which is ev, tells that it did: a task that had not begun before may
// have been running again first. It is the last place that the rules allow and
// after which each task that had begun has more to come; soon if possible, and
// not only because the run starts again once more.
func (s *shownRun) placeOfRestart(i int, ev run.Event) int {
	best, place := -1, len(s.out)
	for _, p := range slices.Backward(s.calm) {
		if !outlineOf(s.out[:p])[ev.Task].ended() {
			break
		}
		if fit := s.fit(i, p, ev); fit > best {
			best, place = fit, p
		}
	}
	return place
}

// fit tells how well a restart at a place in out goes with what is shown.
func (s *shownRun) fit(i, place int, ev run.Event) int {
	h := NewHistory()
	for _, ev := range append(s.restartedAt(place), ev) {
		if h.Add(ev) != nil {
			return 0
		}
	}
	more, soon := outlineOf(s.out[place:]), true
	fit := 3
	left := 0
	for task, at := range outlineOf(s.out[:place]) {
		if at.status != "" && more[task].status == "" {
			more[task] = mark{}
			left++
		}
	}
	for _, e := range s.shown[i:] {
		soon = soon && e.Status != string(run.Crashed)
		if e.Task == nil {
			continue
		}
		if m, waits := more[*e.Task]; waits && m.status == "" {
			more[*e.Task] = mark{status: run.Status(e.Status)}
			left--
			if !soon {
				fit = 2
			}
		}
	}
	if left > 0 {
		fit = 1
	}
	return fit
}

// outline is how far the tasks of a run are.
type outline map[string]mark

type mark struct {
	status  run.Status // empty: neither started nor ended
	attempt int        // the newest that was leased
}

func (m mark) ended() bool { return m.status != "" && m.status != run.Running }

func outlineOf(events []run.Event) outline {
	o := make(outline)
	for _, ev := range events {
		o.apply(ev)
	}
	return o
}

func (o outline) apply(ev run.Event) {
	m := o[ev.Task]
	switch ev.Kind {
	case run.TaskChanged:
		m.status = ev.Status
		if ev.Status == run.Running {
			m.attempt = ev.Attempt
		}
	case run.TaskQueued:
		m.status = ""
	default:
		return
	}
	o[ev.Task] = m
}

func (o outline) calm() bool {
	for _, m := range o {
		if m.status == run.Running {
			return false
		}
	}
	return true
}

func queued(after run.Event, task string, attempt int) run.Event {
	return run.Event{
		Pos: after.Pos, Time: after.Time, Kind: run.TaskQueued, Workflow: after.Workflow, Run: after.Run,
		Task: task, Attempt: attempt, Reason: after.Reason,
	}
}

func value[T any](p *T) T {
	if p == nil {
		var none T
		return none
	}
	return *p
}
