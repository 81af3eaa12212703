// Package task runs one child process: it starts what a wire.Spec says, in a
// process group of its own, captures its output as lines, stops it, and says
// how it ended.
//
// A task is over when its main process has ended, no other process of its
// group lives, and what they wrote has been handed to the sink. The package
// owns nothing beyond that: what becomes of lines and results is lib/agent's.
package task

import (
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
	TempDir string // for the file of a Script; empty: the system's

	Grace  time.Duration // from SIGTERM to SIGKILL when stopped: 10 s
	Linger time.Duration // the same for what the main process left behind: 1 s
	Drain  time.Duration // how long a pipe that a stranger holds is read on: 2 s
}

// Exit is how a task ended.
type Exit struct {
	Code    int    // 128+n where signal n ended it
	Reason  string // why it is not a plain exit code; empty if it is
	Stopped bool   // Stop or Kill came before the main process had ended
	Started time.Time
	Ended   time.Time // of the main process
}

// Process is a task that was started.
type Process struct {
	o       Options
	cmd     *exec.Cmd
	script  string // temporary file, or empty
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
	orDefault(&o.Grace, 10*time.Second)
	orDefault(&o.Linger, time.Second)
	orDefault(&o.Drain, 2*time.Second)

	c, err := resolve(spec, o.TempDir)
	if err != nil {
		return nil, err
	}
	p := &Process{o: o, script: c.script, words: make(chan wire.Line, mostWords), done: make(chan struct{})}
	p.stopping, p.stop = trigger()
	p.killing, p.kill = trigger()
	if err := p.spawn(c); err != nil {
		p.cleanUp()
		return nil, err
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
const mostWords = 8

// say writes a line of the system stream. It does not wait for the sink: one
// that blocks must not keep a process from being ended. Only supervise does.
func (p *Process) say(format string, args ...any) { p.words <- p.word(format, args...) }

func (p *Process) word(format string, args ...any) wire.Line {
	return wire.Line{Time: p.o.Clock.Stamp(), Text: strings.ToValidUTF8(fmt.Sprintf(format, args...), "\uFFFD")}
}

func (p *Process) cleanUp() {
	closeAll(p.pipes)
	if p.script != "" {
		os.Remove(p.script)
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

func orDefault(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}
