package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/cdktr/cdktr/lib/failpoint"
	"github.com/cdktr/cdktr/lib/task"
	"github.com/cdktr/cdktr/lib/wire"
)

// start runs a lease. An older attempt of the same task, if there is one, is
// nobody's any more.
func (a *Agent) start(lease wire.Lease) {
	for id, older := range a.attempts {
		if id.Run == lease.Run && id.Task == lease.Task && id.Attempt < lease.Attempt.Attempt {
			a.giveUp(older, "a newer attempt takes its place")
		}
	}
	at := &attempt{id: lease.Attempt, workflow: lease.Workflow, exclusive: lease.Exclusive, state: stateRunning}
	at.wanted, at.unwant = context.WithCancel(a.ctx)
	at.spool = newSpool(a.ship.shelf, lease.Workflow, lease.Attempt, a.ship.wake)
	a.attempts[at.id] = at
	a.ship.add(at.spool)
	a.work.Go(func() { a.perform(at, lease) })
}

// perform is the goroutine of one attempt.
func (a *Agent) perform(at *attempt, lease wire.Lease) {
	failpoint.Hit("agent.after-lease")
	clock := new(task.Clock)
	say := func(text string) {
		at.spool.put(wire.System, []wire.Line{{Time: clock.Stamp(), Text: strings.ToValidUTF8(text, "\uFFFD")}})
	}
	switch n := at.id.Attempt; {
	case lease.Again != "":
		say(lease.Again)
	case n > 1:
		say(fmt.Sprintf("attempt %d", n)) // nobody says why
	}
	result, stopped := wire.Result{Attempt: at.id}, false
	err := a.makeWay(at, say)
	if err == nil {
		err = a.dog.begin(at.wanted, at.id, lease.Exclusive)
	}
	if at.wanted.Err() != nil {
		stopped, result.Ended = true, wire.At(time.Now())
		say("not started: told to stop")
	} else if err != nil {
		result.Outcome, result.Reason, result.Ended = outcomeDropped, err.Error(), wire.At(time.Now())
		say("not started: " + err.Error())
	} else {
		stopped = a.execute(at, lease, clock, &result, say)
	}
	if text := at.spool.losses(); text != "" {
		say("gap: given up so far, because the principal was away and too much was kept: " + text)
	}
	a.dog.end(at.id)
	failpoint.Hit("agent.after-exit")
	result.Lines = at.spool.finish()
	a.post(func() { a.ended(at, result, stopped) })
}

// execute runs the process to its end, and says whether it was stopped.
func (a *Agent) execute(at *attempt, lease wire.Lease, clock *task.Clock, result *wire.Result, say func(string)) (stopped bool) {
	at.spool.mark()
	process, err := a.launch(at, lease, clock)
	if err != nil {
		result.Outcome, result.Reason, result.Ended = outcomeUnable, err.Error(), wire.At(time.Now())
		say("cannot start: " + err.Error())
		return false
	}
	failpoint.Hit("agent.after-start")
	a.dog.runs(at.id, process.ID())
	a.post(func() { a.started(at, process) })
	exit := process.Wait()
	result.Outcome, result.ExitCode, result.Reason = exit.Outcome(), &exit.Code, exit.Reason
	result.Outputs = exit.Outputs
	result.Started, result.Ended = wire.MaybeAt(exit.Started), wire.At(exit.Ended)
	if lease.Exclusive {
		if err := a.cut(at.id, exit); err != nil {
			result.Outcome, result.Reason = outcomeDropped, err.Error()
			say(err.Error())
			return false
		}
	}
	return exit.Stopped
}

// launch starts the process with the secrets as they are now.
func (a *Agent) launch(at *attempt, lease wire.Lease, clock *task.Clock) (*task.Process, error) {
	secrets, err := task.Secrets{Agent: a.home.name, File: a.o.Secrets}.Values(lease.Secrets)
	if err != nil {
		return nil, err
	}
	return task.Start(lease.Spec, task.Options{
		Sink: at.spool.put, Clock: clock, TempDir: a.home.temp(), Grace: a.o.TaskGrace, Strays: &a.strays,
		Secrets: secrets, Timeout: time.Duration(lease.TimeoutMS) * time.Millisecond,
	})
}

// cut says why the watchdog has ended an exclusive attempt; nil: it has not. A
// watchdog that died with its answer may have done it where the end looks so.
func (a *Agent) cut(id wire.Attempt, exit task.Exit) error {
	v, err := a.dog.ask(id)
	switch {
	case err == nil && v.Killed:
		return v.reason()
	case (err != nil || a.dog.doubtful(id)) && !exit.Stopped && !exit.TimedOut && exit.Code == 128+int(syscall.SIGKILL):
		return errors.New("killed, perhaps by a watchdog of the agent that has died since")
	}
	return nil
}

// wayTime is how long an attempt waits for what is left of earlier ones.
// It is long: a run ends CRASHED after three attempts that were not started.
const wayTime = 30 * time.Second

// makeWay ends what lives on this machine of earlier attempts of the task: of
// this agent, of one that died, or of one that lost its principal.
func (a *Agent) makeWay(at *attempt, say func(string)) error {
	if at.id.Attempt <= 1 {
		return nil
	}
	ctx, cancel := context.WithTimeout(at.wanted, wayTime)
	defer cancel()
	n, err := task.EndEarlier(ctx, at.id)
	if n > 0 {
		say(fmt.Sprintf("an earlier attempt was still running on this machine: SIGKILL to %d of its processes", n))
	}
	if err != nil {
		return fmt.Errorf("an earlier attempt cannot be ended: %w", err)
	}
	return nil
}
