package principal

import (
	"context"
	"slices"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

// staleTime is how long a retry waits for the end of its run to be in the
// history, and staleLook how often it looks.
const (
	staleTime = 2 * time.Second
	staleLook = 10 * time.Millisecond
)

// retryRun answers run.retry, when the run is open again. What has ended is no
// longer in the machine: its story comes from the history.
func (p *Principal) retryRun(ctx context.Context, c *call, req *wire.RunRetry) {
	p.withRun(ctx, c, req.Run, func(id string) { p.retryFrom(ctx, c, id, req.After, time.Now().Add(staleTime)) })
}

func (p *Principal) retryFrom(ctx context.Context, c *call, id string, after int64, deadline time.Time) {
	p.queries.start(ctx, c, func(query context.Context) (any, error) {
		story, err := p.store.Story(query, id)
		if err == nil && len(story) == 0 {
			err = noRun(id)
		}
		if err != nil {
			return nil, err
		}
		streams, err := p.intake.lineage(query, id)
		if err != nil {
			return nil, err
		}
		full := p.disk.refusesRun()
		p.loop.submit(ctx, func(l *loop) {
			switch {
			case full != nil && !l.machine.Open(id):
				c.refuse(full)
			case l.machine.Open(id) || l.current(story) && p.intake.reopen(id, streams):
				token := l.expect(func(e run.Effect) { c.effect(e, wire.RunWaited{Run: id}) })
				l.apply(run.Retry{Token: token, Run: id, Story: story, After: after})
				if !l.machine.Open(id) {
					p.intake.forget(id)
				}
			case time.Now().After(deadline):
				c.refuse(refuse(wire.Unavailable, "the end of run %s is not in the history yet; try again", id))
			default:
				l.timers.at(readClock().Mono+staleLook, func() { p.retryFrom(ctx, c, id, after, deadline) })
			}
		})
		return nil, errAnsweredElsewhere
	})
}

// current tells whether the story of a run that is not open has its last end.
// One that was read before the run ended, for the first or for a later time,
// must not open it.
func (l *loop) current(story []run.Event) bool {
	id := story[0].Run
	if slices.ContainsFunc(l.events, func(e run.Event) bool { return e.Run == id }) {
		return false // it was opened and has ended again since the last commit
	}
	for i := len(story) - 1; i >= 0; i-- {
		switch e := &story[i]; e.Kind {
		case run.RunChanged, run.RunReopened, run.RunCreated:
			return e.Status.Final() && e.Pos >= l.endings[e.Run]
		}
	}
	return false
}

// forgetEnding bounds what is remembered of the ends of runs: no story that was
// read before one is still on its way after this time.
const forgetEnding = 2 * (queryTime + wire.MaxWait)

// noteEnding remembers where a run that was opened again has ended.
func (l *loop) noteEnding(e *run.Event) {
	l.endings[e.Run] = e.Pos
	l.timers.at(readClock().Mono+forgetEnding, func() {
		if l.endings[e.Run] == e.Pos {
			delete(l.endings, e.Run)
		}
	})
}
