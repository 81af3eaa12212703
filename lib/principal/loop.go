package principal

import (
	"context"
	"fmt"
	"time"

	"github.com/cdktr/cdktr/lib/failpoint"
	"github.com/cdktr/cdktr/lib/run"
)

// maxBatch bounds how many steps share one commit.
const maxBatch = 4096

// loop owns the machine and the event log. Others hand it steps; a step applies
// commands and leaves answers behind, which go out after the commit.
//
// Invariant: nothing that follows from an event leaves the loop before the
// commit of that event has returned.
type loop struct {
	p       *Principal
	machine *run.Machine
	steps   chan func(*loop)
	over    chan struct{} // closed when no step is taken any more

	token   run.Token
	answers map[run.Token]func(run.Effect)
	events  []run.Event
	effects []run.Effect

	timers    timers
	waiting   map[string][]*waiter // by run
	gated     map[run.AttemptID]gatedReport
	agentKeys map[string]string // agent id -> the key that it said hello with
	reopened  map[string]bool   // open runs that had ended before
	endings   map[string]int64  // where such runs ended again
}

func newLoop(p *Principal, m *run.Machine) *loop {
	return &loop{
		p:         p,
		machine:   m,
		steps:     make(chan func(*loop), maxBatch),
		over:      make(chan struct{}),
		answers:   map[run.Token]func(run.Effect){},
		waiting:   map[string][]*waiter{},
		gated:     map[run.AttemptID]gatedReport{},
		agentKeys: map[string]string{},
		reopened:  map[string]bool{},
		endings:   map[string]int64{},
	}
}

// submit hands a step to the loop. After ctx or the loop has ended the step may
// be dropped: its asker gets no answer and asks again.
func (l *loop) submit(ctx context.Context, step func(*loop)) {
	select {
	case l.steps <- step:
	case <-ctx.Done():
	case <-l.over:
	}
}

// run serves until ctx ends. Everything that queued while a commit was under
// way shares the next one.
func (l *loop) run(ctx context.Context) error {
	defer close(l.over)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(l.untilDue())
		select {
		case <-ctx.Done():
			return l.shutdown()
		case step := <-l.steps:
			step(l)
			l.drain(maxBatch - 1)
		case <-l.p.intake.advanced:
			l.openGates()
		case <-timer.C:
		}
		if err := l.settle(); err != nil {
			return err
		}
	}
}

func (l *loop) drain(most int) {
	for range most {
		select {
		case step := <-l.steps:
			step(l)
		default:
			return
		}
	}
}

// settle runs what is due, commits, and releases the effects.
func (l *loop) settle() error {
	now := readClock()
	l.timers.fire(now.Mono)
	if due, ok := l.machine.Deadline(); ok && due <= now.Mono {
		l.apply(run.Tick{})
	}
	if len(l.events) == 0 && len(l.effects) == 0 {
		return nil
	}
	failpoint.Hit("principal.before-commit")
	if len(l.events) > 0 {
		// Not the loop's context: a shutdown must not tear a commit.
		if err := l.p.store.Append(context.Background(), l.events); err != nil {
			return fmt.Errorf("commit %d events: %w", len(l.events), err)
		}
	}
	failpoint.Hit("principal.before-acknowledge")
	events, effects := l.events, l.effects
	l.events, l.effects = nil, nil
	for i := range events {
		l.happened(&events[i])
	}
	for _, e := range effects {
		l.release(e)
	}
	return nil
}

func (l *loop) untilDue() time.Duration {
	due, ok := l.timers.next()
	if d, has := l.machine.Deadline(); has && (!ok || d < due) {
		due, ok = d, true
	}
	if !ok {
		return time.Hour
	}
	return max(due-readClock().Mono, 0)
}

// apply lets the machine decide; answer gets the effect that carries token,
// after the commit.
func (l *loop) apply(cmd run.Command) {
	failpoint.Hit("principal.after-receive")
	events, effects := l.machine.Apply(readClock(), cmd)
	l.events = append(l.events, events...)
	l.effects = append(l.effects, effects...)
}

func (l *loop) expect(answer func(run.Effect)) run.Token {
	l.token++
	l.answers[l.token] = answer
	return l.token
}

func (l *loop) release(e run.Effect) {
	var token run.Token
	switch e := e.(type) {
	case run.Triggered:
		token = e.Token
	case run.Done:
		token = e.Token
	case run.Welcome:
		token = e.Token
	case run.Work:
		token = e.Token
	case run.Refused:
		token = e.Token
	case run.AgentChanged:
		l.agentChanged(e)
		return
	}
	if answer, ok := l.answers[token]; ok {
		delete(l.answers, token)
		answer(e)
	}
}

// happened tells the rest of the principal of one durable event.
func (l *loop) happened(e *run.Event) {
	l.p.live.happened(e) // before anybody can learn of it: see live
	switch e.Kind {
	case run.RunCreated:
		l.p.intake.born(e.Run, e.Workflow)
		l.p.lastRuns.happened(e)
		l.p.schedules.happened(e)
	case run.RunChanged:
		l.p.lastRuns.happened(e)
		if e.Status.Final() {
			l.ended(e)
			l.p.intake.forget(e.Run)
			if l.reopened[e.Run] {
				delete(l.reopened, e.Run)
				l.noteEnding(e)
			}
		}
	case run.RunReopened:
		l.reopened[e.Run] = true
		l.p.lastRuns.happened(e)
	case run.SlotSkipped, run.ScheduleSet, run.WorkflowPaused, run.WorkflowResumed:
		l.p.schedules.happened(e)
	}
}

func (l *loop) agentChanged(e run.AgentChanged) {
	log := l.p.cfg.Log.With("agent", e.Name)
	if e.Status == run.Lost || e.Status == "" {
		delete(l.agentKeys, e.Agent.ID) // its id is free
	}
	switch e.Status {
	case run.Lost:
		log.Warn("agent lost", "reason", e.Reason)
	case "":
		log.Info("agent left", "reason", e.Reason)
	default:
		log.Info("agent "+string(e.Status), "reason", e.Reason)
	}
}

// shutdown finishes what was received and answers all that waits, so that
// nobody hangs on a principal that is gone.
func (l *loop) shutdown() error {
	l.drain(cap(l.steps))
	l.openGates()
	if err := l.settle(); err != nil {
		return err
	}
	for id, waiters := range l.waiting {
		for _, w := range waiters {
			l.timeout(id, w)
		}
	}
	for token := range l.answers {
		l.apply(run.Expire{Token: token})
	}
	for _, g := range l.gated {
		g.call.refuse(stopping())
	}
	return l.settle()
}
