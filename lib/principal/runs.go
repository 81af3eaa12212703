package principal

import (
	"context"
	"errors"

	"github.com/cdktr/cdktr/lib/brief"
	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

// trigger answers run.trigger: each item is decided by itself, all of them
// share a commit.
func (p *Principal) trigger(ctx context.Context, c *call, req *wire.Trigger) {
	if len(req.Batch) == 0 {
		cmd, err := p.prepare(req.TriggerItem, nil)
		if err != nil {
			c.refuse(err)
			return
		}
		p.loop.submit(ctx, func(l *loop) {
			cmd.Token = l.expect(func(e run.Effect) {
				if t, ok := e.(run.Triggered); ok {
					c.ok(triggered(t))
				} else {
					c.effect(e, nil)
				}
			})
			l.apply(cmd)
		})
		return
	}
	if one := req.TriggerItem; one.Workflow != "" || one.Key != "" || one.Params != nil || one.Source != "" || one.Scheduled != nil || one.Schedule != "" {
		c.refuse(refuse(wire.BadRequest, "a batch has its workflow, params, key, trigger and slot in its items"))
		return
	}
	if n := len(req.Batch); n > maxTriggers {
		c.refuse(refuse(wire.TooLarge, "a batch of %d; at most %d are taken, so that the answer fits into a message", n, maxTriggers))
		return
	}
	results := make([]wire.Triggered, len(req.Batch))
	commands := make([]*run.Trigger, len(req.Batch))
	unknown := map[string]*wire.Error{} // finding out what was meant takes its time
	for i, item := range req.Batch {
		cmd, err := p.prepare(item, unknown)
		if err != nil {
			results[i].Error = err
			continue
		}
		commands[i] = &cmd
	}
	p.loop.submit(ctx, func(l *loop) { l.triggerBatch(c, commands, results) })
}

func (l *loop) triggerBatch(c *call, commands []*run.Trigger, results []wire.Triggered) {
	left := 0
	for _, cmd := range commands {
		if cmd != nil {
			left++
		}
	}
	if left == 0 {
		c.ok(wire.Triggered{Batch: results})
		return
	}
	for i, cmd := range commands {
		if cmd == nil {
			continue
		}
		cmd.Token = l.expect(func(e run.Effect) {
			switch e := e.(type) {
			case run.Triggered:
				results[i] = triggered(e)
			case run.Refused:
				results[i].Error = refusal(e)
			}
			if left--; left == 0 {
				c.ok(wire.Triggered{Batch: results})
			}
		})
		l.apply(*cmd)
	}
}

func triggered(e run.Triggered) wire.Triggered {
	return wire.Triggered{Run: e.Run, Existing: e.Existing, Skipped: e.Skipped}
}

// prepare checks one wanted run against the workflows that are loaded now.
// What is wrong with it, or with the disk, counts only where its key has no run
// yet: a retry gets its run, whatever became of the file since. unknown
// remembers, if it is not nil, what was said of a workflow.
func (p *Principal) prepare(item wire.TriggerItem, unknown map[string]*wire.Error) (run.Trigger, *wire.Error) {
	switch item.Source {
	case "":
		item.Source = "api"
	case "run", run.SourceCron, "listen", "api":
	default:
		return run.Trigger{}, refuse(wire.BadRequest, "trigger %q is not one of run, cron, listen, api", item.Source)
	}
	if len(item.Key) > maxKey {
		return run.Trigger{}, refuse(wire.TooLarge, "the key has %d bytes; at most %d are taken", len(item.Key), maxKey)
	}
	slot, refused := slotIn(item.Schedule, item.Scheduled)
	if refused != nil {
		return run.Trigger{}, refused
	}
	cmd := run.Trigger{Run: brief.RunID(), Key: item.Key, Source: item.Source, Slot: slot, Name: item.Workflow}
	def, refused := p.find(item.Workflow, unknown)
	if refused == nil {
		cmd.Params, cmd.Defaults, refused = brief.Params(def, item.Params)
	}
	if refused != nil {
		cmd.Params, cmd.Defaults = item.Params, nil
	} else if refused = p.disk.refusesRun(); refused == nil {
		cmd.Workflow = def
		return cmd, nil
	}
	if item.Key == "" {
		return run.Trigger{}, refused
	}
	cmd.Otherwise = &run.Refused{Code: run.Code(refused.Code), Message: refused.Message}
	return cmd, nil
}

func (p *Principal) find(id string, unknown map[string]*wire.Error) (*workflow.Definition, *wire.Error) {
	if refused := unknown[id]; refused != nil {
		return nil, refused
	}
	def, refused := p.definitions.find(id)
	if refused != nil && unknown != nil {
		unknown[id] = refused
	}
	return def, refused
}

// waiter is a parked run.wait.
type waiter struct {
	call *call
	done bool
}

// timeout answers who waits for an open run that has not ended yet.
func (l *loop) timeout(id string, w *waiter) {
	w.done = true
	status := run.Running
	if v, open := l.machine.Run(id); open {
		status = v.Status
	}
	w.call.ok(wire.RunWaited{Run: id, Status: string(status)})
}

// waitRun answers run.wait: now where the run has ended, else when it does.
func (p *Principal) waitRun(ctx context.Context, c *call, req *wire.RunWait) {
	p.withRun(ctx, c, req.Run, func(id string) {
		p.loop.submit(ctx, func(l *loop) {
			if !l.machine.Open(id) {
				// Its end may be in the commit to come: asked before, the
				// history would say that it runs.
				token := l.expect(func(run.Effect) {
					p.queries.start(ctx, c, func(ctx context.Context) (any, error) { return p.endedRun(ctx, id) })
				})
				l.effects = append(l.effects, run.Done{Token: token})
				return
			}
			w := &waiter{call: c}
			l.waiting[id] = append(l.waiting[id], w)
			l.timers.at(readClock().Mono+req.Wait(), func() {
				if w.done {
					return
				}
				l.timeout(id, w)
				l.dropWaiter(id, w)
			})
		})
	})
}

func (l *loop) dropWaiter(id string, gone *waiter) {
	kept := l.waiting[id][:0]
	for _, w := range l.waiting[id] {
		if w != gone {
			kept = append(kept, w)
		}
	}
	if len(kept) == 0 {
		delete(l.waiting, id)
	} else {
		l.waiting[id] = kept
	}
}

// ended answers all who wait for a run.
func (l *loop) ended(e *run.Event) {
	for _, w := range l.waiting[e.Run] {
		w.done = true
		w.call.ok(wire.RunWaited{Run: e.Run, Status: string(e.Status), Ended: true, Pos: e.Pos})
	}
	delete(l.waiting, e.Run)
}

func (p *Principal) endedRun(ctx context.Context, id string) (wire.RunWaited, error) {
	r, err := p.store.GetRun(ctx, id)
	if err != nil {
		return wire.RunWaited{}, err
	}
	if r == nil {
		return wire.RunWaited{}, noRun(id)
	}
	return wire.RunWaited{Run: id, Status: r.Status, Ended: run.Status(r.Status).Final(), Pos: p.store.Durable()}, nil
}

// cancelRun answers run.cancel, when the wish is durable. Cancelling what is
// cancelled already is no error.
func (p *Principal) cancelRun(ctx context.Context, c *call, req *wire.RunRef) {
	p.withRun(ctx, c, req.Run, func(id string) {
		p.loop.submit(ctx, func(l *loop) {
			token := l.expect(func(e run.Effect) {
				if r, refused := e.(run.Refused); refused && r.Code == run.NotFound {
					p.queries.start(ctx, c, func(ctx context.Context) (any, error) { return p.cancelEnded(ctx, id) })
					return
				}
				c.effect(e, wire.RunWaited{Run: id})
			})
			l.apply(run.Cancel{Token: token, Run: id, Reason: "cancelled by request"})
		})
	})
}

func (p *Principal) cancelEnded(ctx context.Context, id string) (any, error) {
	ended, err := p.endedRun(ctx, id)
	if err != nil {
		return nil, err
	}
	if ended.Status != string(run.Cancelled) {
		return nil, refuse(wire.Conflict, "run %s has already ended: %s", id, ended.Status)
	}
	return ended, nil
}

// withRun goes on with the whole id of a run that was named by it or by a
// unique prefix.
func (p *Principal) withRun(ctx context.Context, c *call, name string, next func(id string)) {
	if len(name) == brief.RunIDLen {
		next(name)
		return
	}
	p.queries.start(ctx, c, func(ctx context.Context) (any, error) {
		id, err := p.resolveRun(ctx, name)
		if err != nil {
			return nil, err
		}
		next(id)
		return nil, errAnsweredElsewhere
	})
}

// errAnsweredElsewhere keeps a query from answering its call: a later step does.
var errAnsweredElsewhere = errors.New("answered elsewhere")

func (p *Principal) resolveRun(ctx context.Context, name string) (string, error) {
	if len(name) == brief.RunIDLen {
		return name, nil
	}
	if len(name) < 4 || len(name) > brief.RunIDLen {
		return "", refuse(wire.NotFound, "run %q: give an id of %d characters, or at least the first 4 of it", name, brief.RunIDLen)
	}
	found, err := p.store.FindRuns(ctx, name, 6)
	switch {
	case err != nil:
		return "", err
	case len(found) == 0:
		return "", noRun(name)
	case len(found) > 1:
		return "", refuse(wire.NotFound, "run %q is ambiguous: %s", name, candidates(found))
	}
	return found[0], nil
}

func noRun(name string) *wire.Error { return refuse(wire.NotFound, "no run %q", name) }
