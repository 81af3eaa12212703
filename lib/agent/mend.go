package agent

import (
	"context"
	"fmt"

	"github.com/cdktr/cdktr/lib/task"
	"github.com/cdktr/cdktr/lib/wire"
)

// remember takes up the results and lines that earlier incarnations left
// unacknowledged. A result names the last line of each stream; where no file
// has the lines up to there, a gap closes what the death tore: the principal
// waits for them before it takes the result, and drops those that it has.
func (a *Agent) remember() error {
	records, err := a.home.kept(func(file string, err error) {
		a.log.Error("a result cannot be read; it is put aside, and removed after some days", "file", file, "error", err)
	})
	if err != nil {
		return err
	}
	spools, err := a.ship.shelf.left(a.ship.wake)
	if err != nil {
		return fmt.Errorf("read the lines of earlier starts: %w", err)
	}
	open := map[wire.Attempt]bool{}
	for id := range spools {
		open[id] = true
	}
	for _, r := range records {
		delete(open, r.Result.Attempt)
	}
	a.bury(open)
	for _, r := range records {
		id := r.Result.Attempt
		sp := spools[id]
		if sp == nil {
			sp = newSpool(a.ship.shelf, r.Workflow, id, a.ship.wake)
			spools[id] = sp
		}
		sp.owe(r.Result.Lines, r.Result.Ended.Time)
		a.attempts[id] = &attempt{
			id: id, workflow: r.Workflow, state: stateDone, result: r.Result, kept: true, spool: sp,
		}
	}
	for _, sp := range spools {
		a.ship.add(sp)
	}
	return nil
}

// bury ends what lives of attempts that have lines and no result: their watchdog
// has died with the agent, or is still at work. The hello says that they are
// not here, and then they must not be.
func (a *Agent) bury(open map[wire.Attempt]bool) {
	if len(open) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), wayTime)
	defer cancel()
	n, err := task.EndAll(ctx, func(id wire.Attempt) bool { return open[id] })
	if n > 0 {
		a.log.Warn("tasks of the start before were still running: SIGKILL", "processes", n)
	}
	if err != nil {
		a.log.Error("a task of the start before cannot be ended", "error", err)
	}
}

// mark puts the attempt's name on disk before anything of it runs: for bury.
func (s *spool) mark() {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open || len(s.segments) > 0 {
		return
	}
	if err := s.begin(nil, tally{}); err == nil {
		s.pos = s.end // no line so far
	}
}

// doubt has the principal told again how far an attempt's streams go, when it
// does not take the result: it may have lost lines that it had acknowledged, and
// wait for them.
func (a *Agent) doubt(at *attempt) {
	if at.spool.doubt() {
		a.ship.add(at.spool)
		a.ship.wake()
	}
}
