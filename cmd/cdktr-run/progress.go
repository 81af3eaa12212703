package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/wire"
)

const (
	// calm is how long a run must last to be talked about while it runs. One
	// that is over sooner costs no request more than its end.
	calm = 100 * time.Millisecond

	// A failure is told at once unless a retry follows it, which comes in the
	// same commit.
	heldTime = 50 * time.Millisecond

	// lastWords is how long the telling of a run that has ended may take.
	lastWords = 500 * time.Millisecond

	// A picture is drawn so often, and asked for anew at the latest after
	// newPicture: what tasks wait for changes without an event.
	drawEvery  = 200 * time.Millisecond
	newPicture = time.Second
)

// progress tells what becomes of a run while somebody waits for it: as a
// picture on a terminal, else a line for each change.
type progress struct {
	job
	run   string
	after int64         // the position after which the changes count
	over  chan struct{} // closed when the run has ended
	stop  context.CancelFunc
	all   sync.WaitGroup
}

// watch begins to tell, or returns nil where nobody wants to hear. end must be
// called. Of a run whose output is shown it tells only that it is held.
func (j job) watch(ctx context.Context, id string, after int64) *progress {
	if j.o.Quiet {
		return nil
	}
	p := &progress{job: j, run: id, after: after, over: make(chan struct{})}
	ctx, p.stop = context.WithCancel(ctx)
	p.all.Go(func() {
		select {
		case <-time.After(calm):
		case <-p.over:
			if j.screen == nil || j.o.Log {
				return
			}
		case <-ctx.Done():
			return
		}
		if j.screen == nil || j.o.Log {
			p.sayHeld(ctx)
		}
		if j.o.Log {
			return
		}
		news := make(chan wire.Events)
		p.all.Go(func() {
			// That it fails the one who waits will hear too.
			_ = j.p.FollowEvents(ctx, wire.EventsQuery{Filter: wire.Filter{Run: id}, After: after}, func(page wire.Events) error {
				select {
				case news <- page:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			})
		})
		if j.screen != nil {
			p.show(ctx, news)
		} else {
			p.tell(ctx, news)
		}
		p.stop()
	})
	return p
}

// end ends the telling: of a run that has ended after the last words about it,
// else at once.
func (p *progress) end(ended bool) {
	if p == nil {
		return
	}
	if ended {
		close(p.over)
	} else {
		p.stop()
	}
	p.all.Wait()
	p.stop()
}

// sayHeld says what the run waits for before anything of it begins, if others of
// its workflow hold it back: that may take hours.
func (p *progress) sayHeld(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lastWords)
	defer cancel()
	r, err := p.p.Run(ctx, p.run)
	if err != nil || r.Status != "PENDING" {
		return // a courtesy
	}
	for _, t := range r.Tasks {
		if t.Reason != nil && strings.HasPrefix(*t.Reason, "waits for run ") {
			fmt.Fprintf(p.env.Stderr, "%s: run %s %s\n", p.env.Name, r.Run, cli.Clean(*t.Reason))
			return
		}
	}
}

// tell writes lines until the run's own end was among the changes.
func (p *progress) tell(ctx context.Context, news <-chan wire.Events) {
	lines := changes{w: p.env.Stderr}
	defer lines.release()
	var late, held <-chan time.Time
	over := p.over
	for {
		select {
		case page := <-news:
			ended := false
			for _, e := range page.Events {
				lines.event(e)
				if e.Task == nil {
					ended = final(e.Status)
				}
			}
			if ended {
				return
			}
			held = nil
			if lines.held != nil {
				held = time.After(heldTime)
			}
		case <-held:
			lines.release()
		case <-over:
			over, late = nil, time.After(lastWords)
		case <-late:
			return
		case <-ctx.Done():
			return
		}
	}
}

// final tells that a run in this status has ended.
func final(status string) bool { return status != "PENDING" && status != "RUNNING" }

// picture is an answer to the question how the run is.
type picture struct {
	run wire.Run
	err error
}

// show draws pictures until the run has ended or ctx has. Events say when a new
// picture is due, run.get what is in it.
func (p *progress) show(ctx context.Context, news <-chan wire.Events) {
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, unix.SIGWINCH)
	defer signal.Stop(resized)
	beat := time.NewTicker(drawEvery)
	defer beat.Stop()

	var now wire.Run
	draw := func() {
		if now.Run != "" {
			p.screen.draw(func(width, height int) []row { return frame(now, time.Now(), width, height) })
		}
	}
	answers := make(chan picture, 1)
	asked, due, asking := time.Time{}, time.Now(), false
	for {
		if !asking && !time.Now().Before(due) {
			asking, asked = true, time.Now()
			p.all.Go(func() {
				r, err := p.p.Run(ctx, p.run)
				answers <- picture{r, err}
			})
		}
		select {
		case <-news:
			due = earlier(due, asked.Add(drawEvery))
		case a := <-answers:
			asking = false
			if a.err == nil {
				now = a.run
			}
			// A large run is asked for less often.
			due = time.Now().Add(max(newPicture, 10*time.Since(asked)))
			draw()
		case <-beat.C:
			draw()
		case <-resized:
			draw()
		case <-p.over:
			if r, err := p.p.Run(ctx, p.run); err == nil {
				now = r
			}
			draw()
			return
		case <-ctx.Done():
			draw()
			return
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
