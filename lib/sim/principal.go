package sim

import (
	"fmt"
	"time"

	"github.com/cdktr/cdktr/lib/run"
)

// principal is the principal's loop around the machine: receive, decide,
// commit, release. Its log is its disk: it survives.
type principal struct {
	w    *world
	log  []run.Event
	last map[string]bool // runs whose final event is in the log
	ids  int

	up     bool
	life   int // counts its starts
	frozen bool
	m      *run.Machine
	turns  *turns // of what the machine has decided
	tokens run.Token
	routes map[run.Token]route
	inbox  []run.Command
	batch  *batch // on its way to the disk
	tickAt time.Duration
}

// route is where the answer to a command goes.
type route struct {
	cmd    run.Command
	answer func(run.Effect)
}

type batch struct {
	events  []run.Event
	effects []run.Effect
}

func newPrincipal(w *world) *principal {
	return &principal{w: w, last: make(map[string]bool)}
}

func (p *principal) start() {
	if p.up {
		return
	}
	p.life++
	p.up, p.frozen = true, false
	p.m = p.replay()
	p.m.Start(p.w.clock())
	p.routes = make(map[run.Token]route)
	p.inbox, p.batch, p.tickAt = nil, nil, 0
	var err error
	if p.turns, err = newTurns(p.log); err == nil {
		err = p.turns.agree(p.m)
	}
	if err != nil {
		p.w.fail("%v", err)
	}
	p.startSchedulers()
	p.w.trace("principal starts with %d open runs", p.m.Counts().OpenRuns)
	p.planTick()
}

// replay makes a machine from what a store gives back: all keys, and the
// events of the runs that have not ended.
func (p *principal) replay() *run.Machine {
	m := run.New(run.Config{HeartbeatTimeout: heartbeat})
	for _, ev := range p.log {
		if ev.Kind == run.RunCreated {
			c := ev.Created
			m.RestoreKey(run.Key{Workflow: ev.Workflow, Key: c.Key, Run: ev.Run, Params: c.Given(), Time: ev.Time})
		}
	}
	schedules := make(map[string]run.Scheduled)
	for _, ev := range p.log {
		s := schedules[ev.Workflow]
		s.Note(&ev)
		schedules[ev.Workflow] = s
	}
	for _, s := range schedules {
		m.RestoreScheduled(s)
	}
	for _, ev := range p.log {
		if p.last[ev.Run] || ev.Run == "" {
			continue
		}
		if err := m.Restore(ev); err != nil {
			p.w.fail("replay: %v", err)
		}
	}
	return m
}

// crash may come at any point between receive, commit and acknowledgement.
// Whether a batch on its way to the disk arrived there is the disk's secret.
func (p *principal) crash() {
	if !p.up {
		return
	}
	p.up = false
	if p.batch != nil && p.w.chance(0.5) {
		p.w.trace("principal crashes after the commit")
		p.commit(p.batch.events)
	} else {
		p.w.trace("principal crashes")
	}
	down := p.w.upTo(5 * time.Second)
	if p.w.chance(0.2) {
		down = p.w.upTo(2 * heartbeat)
	}
	p.w.after(down, p.start)
}

func (p *principal) freeze() {
	if !p.up || p.frozen {
		return
	}
	p.frozen = true
	life := p.life
	d := p.w.upTo(2 * heartbeat)
	p.w.trace("principal freezes for %v", d)
	p.w.after(d, func() {
		if p.life == life {
			p.thaw()
		}
	})
}

func (p *principal) thaw() {
	if p.frozen {
		p.frozen = false
		p.w.trace("principal goes on")
		p.ring()
	}
}

func (p *principal) receive(make func(run.Token) run.Command, answer func(run.Effect)) {
	p.tokens++
	cmd := make(p.tokens)
	p.routes[p.tokens] = route{cmd, answer}
	p.put(cmd)
	if _, ok := cmd.(run.Pull); ok {
		life, token := p.life, p.tokens
		p.w.after(pullExpiry, func() {
			if _, open := p.routes[token]; open && p.up && p.life == life {
				p.put(run.Expire{Token: token})
			}
		})
	}
}

func (p *principal) put(cmd run.Command) {
	p.inbox = append(p.inbox, cmd)
	p.ring()
}

// ring starts a turn if none is under way: all commands that have queued are
// decided, and committed together.
func (p *principal) ring() {
	if !p.up || p.frozen || p.batch != nil || len(p.inbox) == 0 {
		return
	}
	b := &batch{}
	for _, cmd := range p.inbox {
		if c, ok := cmd.(run.Retry); ok {
			c.Story = p.story(c.Run, b.events)
			cmd = c
		}
		events, effects := p.m.Apply(p.w.clock(), cmd)
		p.w.judge.applied(cmd, events, effects)
		b.events = append(b.events, events...)
		b.effects = append(b.effects, effects...)
	}
	p.inbox = nil
	if len(b.events) == 0 {
		p.release(b.effects)
		p.planTick()
		return
	}
	p.batch = b
	life := p.life
	d := p.w.between(time.Millisecond, 3*time.Millisecond)
	if p.w.faults && p.w.chance(0.02) {
		d = p.w.upTo(3 * time.Second)
	}
	p.w.after(d, func() {
		if p.up && p.life == life {
			p.committed()
		}
	})
}

// story is all events of a run: those of the log, and those that are to follow.
func (p *principal) story(id string, coming []run.Event) []run.Event {
	var story []run.Event
	for _, events := range [][]run.Event{p.log, coming} {
		for i := range events {
			if events[i].Run == id {
				story = append(story, events[i])
			}
		}
	}
	return story
}

func (p *principal) committed() {
	b := p.batch
	p.batch = nil
	p.commit(b.events)
	if p.w.chance(0.005) {
		p.compareReplay()
	}
	p.release(b.effects)
	p.planTick()
	p.ring()
}

// commit puts events on the disk.
func (p *principal) commit(events []run.Event) {
	for _, ev := range events {
		ev.Pos = int64(len(p.log) + 1)
		p.log = append(p.log, ev)
		if ev.Kind == run.RunChanged && ev.Status.Final() {
			p.last[ev.Run] = true
		}
		if ev.Kind == run.RunReopened {
			p.last[ev.Run] = false
		}
		if p.w.traced {
			p.w.trace("  %v", told(ev))
		}
		if err := p.w.judge.history.Add(ev); err != nil {
			p.w.fail("%v", err)
		}
		p.w.judge.committed(ev)
	}
}

func (p *principal) compareReplay() {
	if live, replayed := p.m.String(), p.replay().String(); live != replayed {
		p.w.fail("replay differs\nlive:\n%s\nreplayed:\n%s", live, replayed)
	}
}

func (p *principal) release(effects []run.Effect) {
	for _, e := range effects {
		token, ok := tokenOf(e)
		if !ok {
			continue
		}
		r, ok := p.routes[token]
		if !ok {
			p.w.fail("%T answers a command twice, or one that nobody sent", e)
			continue
		}
		delete(p.routes, token)
		p.w.judge.released(r.cmd, e)
		p.w.send(func() { r.answer(e) })
	}
}

// planTick wakes the principal when the machine's next deadline is due.
func (p *principal) planTick() {
	due, ok := p.m.Deadline()
	if !ok || p.tickAt > p.w.now && p.tickAt <= due {
		return
	}
	p.tickAt = max(due, p.w.now)
	life := p.life
	p.w.after(p.tickAt-p.w.now, func() {
		if !p.up || p.life != life {
			return
		}
		p.tickAt = 0
		if due, ok := p.m.Deadline(); ok && due <= p.w.now {
			p.put(run.Tick{})
		} else {
			p.planTick()
		}
	})
}

// newID draws a run id.
func (p *principal) newID() string {
	p.ids++
	return fmt.Sprintf("r%d", p.ids)
}

// tokenOf returns the token of the command that an effect answers; ok is false
// when it answers none.
func tokenOf(e run.Effect) (token run.Token, ok bool) {
	switch e := e.(type) {
	case run.Triggered:
		return e.Token, true
	case run.Done:
		return e.Token, true
	case run.Refused:
		return e.Token, true
	case run.Welcome:
		return e.Token, true
	case run.Work:
		return e.Token, true
	}
	return 0, false
}
