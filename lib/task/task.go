// Package task runs one child process: it starts what a wire.Spec says, in a
// process group of its own, captures its output as lines, stops it when it is
// told to or when its time is over, and says how it ended and what it hands on.
//
// A task is over when its main process has ended, no other process of its
// group lives, and what they wrote has been handed to the sink. Its secrets
// leave the package in its environment alone: they are masked in all else. The
// package owns nothing beyond that: what becomes of lines and results is
// lib/agent's.
package task

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// Options of a task. Zero durations take the defaults.
type Options struct {
	// Sink takes the lines of one stream, in order. Calls for one stream
	// never overlap; calls for different streams do. While it blocks, the
	// stream is not read. It keeps the slice.
	Sink func(stream string, lines []wire.Line)

	Clock   *Clock // stamps the lines; nil: one of the task's own
	TempDir string // for the files of a Script and of outputs; empty: the system's

	// Secrets are set in the task's environment, unless its own says otherwise,
	// and masked in all that the task and this package say.
	Secrets map[string]string

	Strays *Strays // shared by the tasks of a machine; nil: the task's own

	Timeout time.Duration // from the start until the task is ended as by Stop; 0: none

	Grace  time.Duration // from SIGTERM to SIGKILL when stopped: 10 s
	Linger time.Duration // the same for what the main process left behind: 1 s
	Drain  time.Duration // how long a pipe that a stranger holds is read on: 2 s
}

// Exit is how a task ended.
type Exit struct {
	Code     int    // 128+n where signal n ended it
	Reason   string // why it is not a plain exit code; empty if it is
	Stopped  bool   // Stop or Kill came before the main process had ended
	TimedOut bool   // the timeout came before that, and before Stop and Kill
	Spoilt   bool   // it wrote outputs that cannot be used; where Code is 0, Reason says why
	Started  time.Time
	Ended    time.Time // of the main process

	Outputs map[string]string
}

// Outcome is what wire.Result calls it.
func (e Exit) Outcome() string {
	switch {
	case e.Stopped:
		return "stopped"
	case e.TimedOut:
		return "timed_out"
	case e.Spoilt && e.Code == 0:
		return "unable"
	}
	return "exited"
}

// Process is a task that was started.
type Process struct {
	o       Options
	cmd     *exec.Cmd
	script  string // temporary file, or empty
	outputs string // temporary file, or empty
	mask    *mask
	attempt wire.Attempt // that the environment names; empty: none
	id      ID
	started time.Time
	pipes   []*os.File
	readers sync.WaitGroup

	stop func() // idempotent
	kill func()
	// Closed by stop and kill.
	stopping, killing chan struct{}

	words chan wire.Line // of the system stream, on their way to the sink

	done chan struct{}
	exit Exit // valid when done is closed
}

// Start starts the task. An error means that nothing runs, and says why in
// words for the person who wrote the workflow.
func Start(spec wire.Spec, o Options) (*Process, error) {
	if o.Clock == nil {
		o.Clock = new(Clock)
	}
	if o.Strays == nil {
		o.Strays = new(Strays)
	}
	orDefault(&o.Grace, 10*time.Second)
	orDefault(&o.Linger, time.Second)
	orDefault(&o.Drain, 2*time.Second)

	p := &Process{
		o: o, mask: newMask(o.Secrets), attempt: attemptOf(spec.Env),
		words: make(chan wire.Line, mostWords), done: make(chan struct{}),
	}
	p.stopping, p.stop = trigger()
	p.killing, p.kill = trigger()
	c, err := p.prepare(spec)
	if err == nil {
		err = p.spawn(c)
	}
	if err != nil {
		p.cleanUp()
		return nil, errors.New(p.reason(err.Error()))
	}
	o.Sink(wire.System, []wire.Line{p.word("started pid %d: %s", p.id.PID, c.shown)})
	go p.supervise()
	return p, nil
}

// ID is the main process.
func (p *Process) ID() ID { return p.id }

// Stop asks the group to end: SIGTERM, and SIGKILL when Grace has passed.
func (p *Process) Stop() { p.stop() }

// Kill ends the group at once.
func (p *Process) Kill() { p.kill() }

// Wait returns when the task is over.
func (p *Process) Wait() Exit {
	<-p.done
	return p.exit
}

// prepare makes the command and the task's temporary files.
func (p *Process) prepare(spec wire.Spec) (command, error) {
	c, err := resolve(spec, p.o.Secrets, p.o.TempDir)
	p.script = c.script
	if err != nil {
		return c, err
	}
	p.outputs, err = newOutputFile(p.o.TempDir)
	c.env = append(c.env, OutputVariable+"="+p.outputs)
	return c, err
}

func (p *Process) spawn(c command) error {
	p.cmd = &exec.Cmd{
		Path: c.path, Args: c.argv, Dir: c.dir, Env: c.env,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}
	var ours, theirs []*os.File
	defer func() {
		for _, f := range theirs {
			f.Close()
		}
	}()
	for range 2 {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(ours)
			return fmt.Errorf("open a pipe for the output: %w", err)
		}
		ours, theirs = append(ours, r), append(theirs, w)
	}
	p.cmd.Stdout, p.cmd.Stderr = theirs[0], theirs[1]
	p.started = time.Now()
	if err := p.cmd.Start(); err != nil {
		closeAll(ours)
		return c.explain(err)
	}
	p.id = Identify(p.cmd.Process.Pid)
	p.pipes = ours
	for i, stream := range []string{wire.Stdout, wire.Stderr} {
		p.readers.Go(func() { p.capture(ours[i], stream) })
	}
	return nil
}

// mostWords is more than supervise ever says, so that say does not wait.
const mostWords = 12

// say writes a line of the system stream. It does not wait for the sink: one
// that blocks must not keep a process from being ended. Only supervise does.
func (p *Process) say(format string, args ...any) { p.words <- p.word(format, args...) }

func (p *Process) word(format string, args ...any) wire.Line {
	text := p.mask.text(fmt.Sprintf(format, args...))
	return wire.Line{Time: p.o.Clock.Stamp(), Text: strings.ToValidUTF8(text, "\uFFFD")}
}

// reason makes a text fit to be one: it goes into the history.
func (p *Process) reason(text string) string {
	const most = 1000
	if text = p.mask.text(text); len(text) > most {
		text = text[:most] + "…"
	}
	return strings.ToValidUTF8(text, "")
}

func (p *Process) cleanUp() {
	closeAll(p.pipes)
	if p.script != "" {
		os.Remove(p.script)
	}
	if p.outputs != "" {
		os.RemoveAll(p.outputs) // whatever the task has made of it
	}
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// trigger returns a channel and the function that closes it, once.
func trigger() (chan struct{}, func()) {
	c := make(chan struct{})
	return c, sync.OnceFunc(func() { close(c) })
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func orDefault(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}
