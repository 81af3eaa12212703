// Package local runs one workflow in this process: a whole installation without
// a network. It owns the machine of lib/run, the tasks of lib/task, and what a
// store would keep, all in memory; nothing of it outlives the process.
//
// An Installation answers what a client asks of a principal, as far as one who
// starts a run and waits for it asks. So a command that has a client can be
// given an Installation in its place.
package local

import (
	"sync"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/story"
	"github.com/cdktr/cdktr/lib/task"
	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

// Options of an Installation.
type Options struct {
	Workflow *workflow.Definition
	Slots    int    // tasks at once
	Agent    string // the name that the runs and the lines show
	Lines    bool   // somebody asks for the lines; else none is kept
	Secrets  string // file with the secrets that the environment lacks; empty: there is none

	Grace time.Duration // from SIGTERM to SIGKILL for a task that is stopped: 10 s
}

// Installation runs one workflow, once. Any number of goroutines may use it.
type Installation struct {
	o      Options
	began  time.Time
	lines  *lines
	work   sync.WaitGroup // the attempts
	strays task.Strays
	ended  chan struct{} // closed when the run has ended

	mu       sync.Mutex
	machine  *run.Machine
	alarm    *time.Timer // the machine's next deadline
	story    story.Story
	changes  []wire.Event  // of status, by position from 1
	changed  chan struct{} // closed when there are more
	attempts map[run.AttemptID]*attempt
	pulls    int64
	stopping string // why the run is cancelled, also if it is still to come
	killing  bool
}

// The agent is in this process: it says hello once and is never lost.
var self = run.AgentRef{ID: "local", Incarnation: 1}

const forEver = 100 * 365 * 24 * time.Hour

// Who gets an effect: the caller, or the agent, for its pull.
const (
	callersToken run.Token = 1 + iota
	agentsToken
)

// New returns an installation with nothing in it. Close must be called.
func New(o Options) *Installation {
	in := &Installation{
		o: o, began: time.Now(), lines: newLines(o.Lines), ended: make(chan struct{}),
		machine:  run.New(run.Config{HeartbeatTimeout: forEver}),
		attempts: map[run.AttemptID]*attempt{},
		changed:  make(chan struct{}),
	}
	in.alarm = time.AfterFunc(forEver, in.tick)
	// Whoever runs a file here wants it here: the agent has what it asks for.
	in.apply(run.Hello{Agent: self, Name: o.Agent, Slots: o.Slots, Labels: o.Workflow.Agents})
	in.apply(in.pull())
	return in
}

// Cancel cancels the run: its tasks are stopped in order. A run that is still
// to come is cancelled as it begins.
func (in *Installation) Cancel(reason string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.stopping != "" {
		return
	}
	in.stopping = reason
	if r := in.story.Run(); r != nil {
		in.apply(run.Cancel{Run: r.Run, Reason: reason})
	}
}

// Kill cancels the run and ends its tasks at once. Lines that nobody has taken
// are thrown away: no task waits for a reader any more.
func (in *Installation) Kill(reason string) {
	in.lines.close()
	in.Cancel(reason)
	in.mu.Lock()
	defer in.mu.Unlock()
	in.killing = true
	for _, at := range in.attempts {
		at.obey(in.killing)
	}
}

// Close cancels the run, if it has not ended, and returns when no process of
// its tasks lives.
func (in *Installation) Close() {
	in.lines.close()
	in.Cancel("given up")
	in.work.Wait()
	in.alarm.Stop()
}

// apply decides, keeps what happened, and does what follows from it. The effect
// for the caller is returned, if there is one. It is called with mu held.
//
// Nothing is to be made durable: what this process knows dies with it.
func (in *Installation) apply(cmd run.Command) (answer run.Effect) {
	for todo := []run.Command{cmd}; len(todo) > 0; todo = todo[1:] {
		now := run.Now{Wall: time.Now(), Mono: time.Since(in.began)}
		events, effects := in.machine.Apply(now, todo[0])
		for i := range events {
			e := &events[i]
			in.story.Add(e)
			in.note(e)
			if e.Kind == run.RunChanged && e.Status.Final() {
				close(in.ended)
			}
		}
		for _, e := range effects {
			switch e := e.(type) {
			case run.Work:
				in.obey(e)
				todo = append(todo, in.pull())
			case run.Triggered, run.Done, run.Refused:
				answer = e
			}
		}
	}
	if due, ok := in.machine.Deadline(); ok {
		in.alarm.Reset(max(0, due-time.Since(in.began)))
	}
	return answer
}

func (in *Installation) tick() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.apply(run.Tick{})
}
