package agent

import (
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/failpoint"
	"github.com/cdktr/cdktr/lib/task"
	"github.com/cdktr/cdktr/lib/wire"
)

// start runs a lease.
func (a *Agent) start(lease wire.Lease) {
	at := &attempt{id: lease.Attempt, workflow: lease.Workflow, state: stateRunning}
	at.spool = newSpool(lease.Workflow, lease.Attempt, a.ship.wake)
	a.attempts[at.id] = at
	a.ship.add(at.spool)
	a.work.Go(func() { a.perform(at, lease.Spec) })
}

// perform is the goroutine of one attempt.
func (a *Agent) perform(at *attempt, spec wire.Spec) {
	failpoint.Hit("agent.after-lease")
	clock := new(task.Clock)
	result := wire.Result{Attempt: at.id}
	process, err := task.Start(spec, task.Options{
		Sink: at.spool.put, Clock: clock, TempDir: a.home.temp(), Grace: a.o.TaskGrace,
	})
	stopped := false
	if err != nil {
		result.Outcome, result.Reason, result.Ended = outcomeUnable, err.Error(), wire.At(time.Now())
		at.spool.put(wire.System, []wire.Line{{Time: clock.Stamp(), Text: "cannot start: " + strings.ToValidUTF8(err.Error(), "\uFFFD")}})
	} else {
		failpoint.Hit("agent.after-start")
		a.post(func() { a.started(at, process) })
		exit := process.Wait()
		stopped = exit.Stopped
		result.Outcome, result.ExitCode, result.Reason = outcomeExited, &exit.Code, exit.Reason
		result.Started, result.Ended = wire.MaybeAt(exit.Started), wire.At(exit.Ended)
	}
	failpoint.Hit("agent.after-exit")
	result.Lines = at.spool.finish()
	a.post(func() { a.ended(at, result, stopped) })
}
