package local

import (
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/brief"
	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/task"
	"github.com/cdktr/cdktr/lib/wire"
)

// attempt is a lease from its arrival to its result.
type attempt struct {
	process  *task.Process // nil: not started yet
	stopping bool
}

// pull offers the free slots. One pull is always parked at the machine, so that
// leases and orders to stop come at once.
func (in *Installation) pull() run.Pull {
	in.pulls++
	p := run.Pull{Token: agentsToken, Agent: self, Seq: in.pulls}
	for id, at := range in.attempts {
		state := run.HeldRunning
		if at.stopping {
			state = run.HeldStopping
		}
		p.Held = append(p.Held, run.Held{AttemptID: id, State: state})
	}
	return p
}

// obey does what a pull has brought.
func (in *Installation) obey(w run.Work) {
	for _, lease := range w.Leases {
		at := &attempt{}
		in.attempts[lease.AttemptID] = at
		in.work.Go(func() { in.perform(at, lease) })
	}
	for _, id := range w.Stop {
		if at := in.attempts[id]; at != nil {
			at.stopping = true
			at.obey(in.killing)
		}
	}
}

// obey passes on to the process the orders that came for the attempt, as soon
// as there is one.
func (at *attempt) obey(kill bool) {
	switch {
	case at.process == nil:
	case kill:
		at.process.Kill()
	case at.stopping:
		at.process.Stop()
	}
}

// perform is the goroutine of one attempt.
func (in *Installation) perform(at *attempt, lease run.Lease) {
	clock := new(task.Clock)
	sink := in.lines.sink(wire.LogRecord{
		Workflow: lease.Definition.ID, Run: lease.Run, Task: lease.AttemptID.Task, Attempt: lease.Attempt, Agent: in.o.Agent,
	})
	say := func(text string) {
		sink(wire.System, []wire.Line{{Time: clock.Stamp(), Text: strings.ToValidUTF8(text, "\uFFFD")}})
	}
	if lease.Again != "" {
		say(lease.Again)
	}
	result := run.Result{AttemptID: lease.AttemptID}
	process, err := in.launch(lease, task.Options{Sink: sink, Clock: clock, Grace: in.o.Grace, Strays: &in.strays})
	if err != nil {
		result.Outcome, result.Reason, result.Ended = run.Unable, err.Error(), time.Now()
		say("cannot start: " + err.Error())
	} else {
		in.started(at, process)
		exit := process.Wait()
		result.Outcome, result.ExitCode, result.Reason = run.Outcome(exit.Outcome()), &exit.Code, exit.Reason
		result.Started, result.Ended, result.Outputs = &exit.Started, exit.Ended, exit.Outputs
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.attempts, lease.AttemptID)
	in.apply(run.Report{Agent: self, Result: result})
}

// launch starts the process with the secrets as they are now.
func (in *Installation) launch(lease run.Lease, o task.Options) (*task.Process, error) {
	work, err := brief.Lease(lease)
	if err != nil {
		return nil, err
	}
	if o.Secrets, err = (task.Secrets{Agent: in.o.Agent, File: in.o.Secrets}).Values(work.Secrets); err != nil {
		return nil, err
	}
	o.Timeout = time.Duration(work.TimeoutMS) * time.Millisecond
	return task.Start(work.Spec, o)
}

func (in *Installation) started(at *attempt, process *task.Process) {
	in.mu.Lock()
	defer in.mu.Unlock()
	at.process = process
	at.obey(in.killing)
}
