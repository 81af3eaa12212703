package principal

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

// schedules is what the log says of each workflow's schedule, as far as it is
// durable, for any goroutine.
type schedules struct {
	mu    sync.Mutex
	of    map[string]run.Scheduled
	tells []chan struct{}
}

func readSchedules(ctx context.Context, store Store) (*schedules, error) {
	k := &schedules{of: map[string]run.Scheduled{}}
	err := store.Schedules(ctx, func(s run.Scheduled) error {
		k.of[s.Workflow] = s
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the schedules: %w", err)
	}
	return k, nil
}

// happened takes a durable event.
func (k *schedules) happened(e *run.Event) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.of[e.Workflow]
	was := s
	s.Workflow = e.Workflow
	was.Workflow = e.Workflow
	if s.Note(e); s != was {
		k.of[e.Workflow] = s
	}
	if s.Paused == was.Paused {
		return
	}
	for _, tell := range k.tells {
		select {
		case tell <- struct{}{}:
		default: // it has one to read, and asks then
		}
	}
}

func (k *schedules) get(workflow string) run.Scheduled {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.of[workflow]
}

// subscribe returns a channel that gets a value after a workflow was paused or
// resumed: one for all that happened since it was last read.
func (k *schedules) subscribe() <-chan struct{} {
	tell := make(chan struct{}, 1)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tells = append(k.tells, tell)
	return tell
}

func (p *Principal) pauseWorkflow(ctx context.Context, c *call, req *wire.WorkflowRef) {
	p.setPaused(ctx, c, req.Workflow, true)
}

func (p *Principal) resumeWorkflow(ctx context.Context, c *call, req *wire.WorkflowRef) {
	p.setPaused(ctx, c, req.Workflow, false)
}

// setPaused answers when it is durable. A file that does not load can be paused
// before it is mended; one that is gone can be resumed.
func (p *Principal) setPaused(ctx context.Context, c *call, name string, paused bool) {
	if p.definitions.shown.Load().Get(name) == nil && !p.schedules.get(name).Paused {
		_, refused := p.definitions.find(name)
		if refused == nil { // it has come this moment
			refused = refuse(wire.Unavailable, "workflow %q is being loaded; try again", name)
		}
		c.refuse(refused)
		return
	}
	p.loop.submit(ctx, func(l *loop) {
		token := l.expect(func(e run.Effect) { c.effect(e, wire.Nothing{}) })
		l.apply(run.Pause{Token: token, Workflow: name, Resume: !paused})
	})
}

// listSchedules tells a scheduler all that it goes by.
func (p *Principal) listSchedules(_ context.Context, c *call, req *wire.ScheduleList) {
	out := wire.Schedules{Schedules: []wire.Schedule{}}
	entries := p.definitions.shown.Load().Entries
	for i := range entries {
		d := entries[i].Definition
		if d == nil || d.Cron == "" || entries[i].ID <= req.Cursor {
			continue
		}
		if len(out.Schedules) == pageSize {
			out.Cursor = out.Schedules[pageSize-1].Workflow
			break
		}
		out.Schedules = append(out.Schedules, scheduleOut(entries[i].ID, d, p.schedules.get(entries[i].ID)))
	}
	c.ok(out)
}

// catchupWindow is how far back slots are caught up with where the file does not
// say.
const catchupWindow = 24 * time.Hour

func scheduleOut(id string, d *workflow.Definition, known run.Scheduled) wire.Schedule {
	out := wire.Schedule{Workflow: id, Cron: d.Cron, Timezone: d.Timezone, Catchup: string(d.Catchup), Paused: known.Paused}
	if d.StartTime != nil {
		out.StartTime = wire.MaybeAt(*d.StartTime)
	}
	if out.Catchup == "" {
		out.Catchup = "none"
	}
	window := time.Duration(d.CatchupWindow)
	if window == 0 {
		window = catchupWindow
	}
	out.CatchupWindow = window.String()
	if known.Decided != (run.Slot{}) {
		out.Decided = &wire.Slot{Schedule: known.Decided.Schedule, Time: wire.At(known.Decided.Time)}
	}
	return out
}

// Bounds of what is kept of a slot, in bytes.
const (
	maxSchedule = 2 << 10
	maxReason   = 4 << 10
)

// slotIn reads a slot of a schedule. Both its parts are given, or neither.
func slotIn(text string, at *wire.Time) (*run.Slot, *wire.Error) {
	switch {
	case text == "" && at == nil:
		return nil, nil
	case text == "" || at == nil || at.IsZero():
		return nil, refuse(wire.BadRequest, "a slot has both an instant and its schedule")
	case len(text) > maxSchedule:
		return nil, refuse(wire.TooLarge, "the schedule has %d bytes; at most %d are taken", len(text), maxSchedule)
	}
	return &run.Slot{Schedule: text, Time: at.UTC()}, nil
}

// decideSlots answers when all decisions are durable. Those on a workflow that is
// not there any more are passed over: it has no slots.
func (p *Principal) decideSlots(ctx context.Context, c *call, req *wire.ScheduleDecide) {
	if n := len(req.Batch); n > maxTriggers {
		c.refuse(refuse(wire.TooLarge, "a batch of %d; at most %d are taken", n, maxTriggers))
		return
	}
	shown := p.definitions.shown.Load()
	commands := make([]run.Decide, 0, len(req.Batch))
	for i := range req.Batch {
		item := &req.Batch[i]
		slot, refused := slotIn(item.Schedule, &item.Time)
		switch {
		case refused != nil:
		case item.Workflow == "":
			refused = refuse(wire.BadRequest, "workflow is missing")
		case len(item.Reason) > maxReason:
			refused = refuse(wire.TooLarge, "the reason has %d bytes; at most %d are taken", len(item.Reason), maxReason)
		case shown.Get(item.Workflow) != nil:
			commands = append(commands, run.Decide{Workflow: item.Workflow, Slot: *slot, Reason: item.Reason})
		}
		if refused != nil {
			c.refuse(refuse(refused.Code, "batch[%d]: %s", i, refused.Message))
			return
		}
	}
	p.loop.submit(ctx, func(l *loop) {
		for _, cmd := range commands {
			l.apply(cmd)
		}
		// They share a commit, which this answer waits for.
		token := l.expect(func(run.Effect) { c.ok(wire.Nothing{}) })
		l.effects = append(l.effects, run.Done{Token: token})
	})
}
