// Package agent pulls tasks from a principal, runs them, and hands in their
// lines and results. It owns the slots, the leases that it was given, the
// results until they are acknowledged, and the way of the lines; it decides
// nothing about workflows. It knows no socket: a Link carries its messages.
//
// One goroutine, Run's, owns the agent's state. Calls and tasks are goroutines
// of their own that hand their news to it, and that it waits for.
package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cdktr/cdktr/lib/task"
	"github.com/cdktr/cdktr/lib/wire"
)

// Link carries one request to the principal and brings the answer. An error
// that is not a *wire.Error means that there was no answer: the request may
// or may not have arrived. Any number of goroutines may call.
type Link interface {
	Call(ctx context.Context, op wire.Op, req, result any) error
}

// Options of an agent.
type Options struct {
	Name    string // wanted: where it is taken on this Dir, NAME-2 and so on
	Dir     string // holds a state directory for each agent
	Secrets string // file with the secrets that the environment lacks; empty: there is none
	Slots   int    // tasks at once
	Labels  map[string]string
	Version string

	API  Link
	Logs func(address string) Link // the link to where the principal takes lines
	Log  *slog.Logger

	// Alone is how long the agent stays without any answer from the principal
	// and without a running task; 0: for ever.
	Alone time.Duration

	// SpoolBytes is how much is kept of the lines of one attempt that are not
	// acknowledged, and a quarter of what is kept of all: 64 MiB.
	SpoolBytes int64

	Grace     time.Duration // for running tasks when the agent is told to end: 30 s
	TaskGrace time.Duration // from SIGTERM to SIGKILL for a task that is stopped: 10 s
}

// ErrNameTaken tells that another living agent has this one's name.
var ErrNameTaken = errors.New("the agent's name is taken")

// ErrSuperseded tells that a newer start of this agent has taken its place.
var ErrSuperseded = errors.New("a newer start of this agent has taken over")

// ErrAlone tells that nobody has answered for as long as Options.Alone. What
// the agent still holds is on disk for its next start.
var ErrAlone = errors.New("the agent is alone, and has nothing to do")

// ErrBadName tells that a name cannot be one.
var ErrBadName = fmt.Errorf("it must not be empty, begin with a dot, hold a slash, or have more than %d bytes", wire.MaxName)

// Agent is one agent. Run is called once.
type Agent struct {
	o    Options
	log  *slog.Logger
	home *home
	ship *shipper
	dog  *watchdog

	inbox chan func()   // what others want done by Run's goroutine
	gone  chan struct{} // closed when nothing is read from inbox any more
	nudge chan struct{} // has room for one: look whether it is time to leave

	drainOrder, killOrder chan struct{} // closed by the functions
	orderDrain, orderKill func()

	calls sync.WaitGroup
	work  sync.WaitGroup

	strays task.Strays

	// What follows belongs to Run's goroutine.
	ctx      context.Context // of calls: ends after Run's own
	attempts map[wire.Attempt]*attempt
	session  int // counts hellos: an answer from before the last one is void
	welcomed bool
	met      bool // was welcomed once
	away     bool // the principal has not answered the newest pull
	pulls    int64
	pulled   time.Time // when the newest pull was sent
	retry    backoff   // of hello and pull
	silent   string    // why the principal does not answer: said once
	logsAt   string
	timeout  time.Duration // without a sign the principal gives the agent up
	beat     time.Duration // from one sign to the next
	sent     time.Duration // when the newest call that was answered was sent, on task.Uptime's clock
	company  time.Time     // when the agent was last seen not to be alone
	renewal  *time.Timer
	renewals int  // not answered yet
	probing  bool // the watchdog is asked for a sign
	leaving  leaving
	err      error // ends Run
}

// New takes a name and its state directory, and starts the watchdog: the main
// function of the program must ask IsWatchdog before anything else.
func New(o Options) (*Agent, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Grace == 0 {
		o.Grace = 30 * time.Second
	}
	o.Slots = max(o.Slots, 1)
	h, err := openHome(o.Dir, o.Name)
	if err != nil {
		return nil, err
	}
	log := o.Log.With("agent", h.name)
	dog, err := startWatchdog(log)
	if err != nil {
		return nil, errors.Join(err, h.close())
	}
	a := &Agent{
		o: o, log: log, home: h, dog: dog,
		inbox: make(chan func()), gone: make(chan struct{}), nudge: make(chan struct{}, 1),
		attempts: map[wire.Attempt]*attempt{},
		beat:     5 * time.Second,
	}
	a.drainOrder, a.orderDrain = order()
	a.killOrder, a.orderKill = order()
	a.ship = newShipper(h, newBounds(o.SpoolBytes, o.Slots), a.log, a.look)
	return a, nil
}

// Name is the name that the agent took.
func (a *Agent) Name() string { return a.home.name }

// Drain lets the agent finish what it has and leave. Any goroutine may call.
func (a *Agent) Drain() { a.orderDrain() }

// Kill ends the tasks at once and then the agent. Any goroutine may call.
func (a *Agent) Kill() { a.orderKill() }

func order() (chan struct{}, func()) {
	c := make(chan struct{})
	return c, sync.OnceFunc(func() { close(c) })
}

// Run works until ctx ends, a drain is through or the agent cannot go on. When
// ctx ends it takes no more, lets its tasks end within Grace, and leaves.
func (a *Agent) Run(ctx context.Context) error {
	defer a.home.close()
	defer a.dog.close()
	if err := a.remember(); err != nil {
		return err
	}
	var stop context.CancelFunc
	a.ctx, stop = context.WithCancel(context.WithoutCancel(ctx))
	shipped := make(chan struct{})
	go func() {
		a.ship.run(a.ctx)
		close(shipped)
	}()
	a.renewal = time.NewTimer(a.beat)
	defer a.renewal.Stop()

	a.hello()
	a.loop(ctx)

	if a.err != nil {
		a.leaving.why = a.err.Error()
	}
	a.killAll()
	a.ship.abandon()
	a.drainInbox(&a.work)
	a.goodbye()
	stop()
	a.drainInbox(&a.calls)
	close(a.gone)
	<-shipped
	return a.err
}

func (a *Agent) loop(ctx context.Context) {
	ended, draining, killing := ctx.Done(), a.drainOrder, a.killOrder
	a.company = time.Now()
	var lonely <-chan time.Time
	if a.o.Alone > 0 {
		ticker := time.NewTicker(max(a.o.Alone/8, time.Millisecond))
		defer ticker.Stop()
		lonely = ticker.C
	}
	for a.err == nil && !a.mayLeave() {
		select {
		case do := <-a.inbox:
			do()
		case <-a.renewal.C:
			a.renew()
		case <-a.nudge:
		case <-lonely:
			a.lookAround()
		case <-a.leaving.alarm:
			a.leaving.alarm = nil
			a.outOfTime()
		case <-ended:
			ended = nil
			a.shutdown()
		case <-draining:
			draining = nil
			a.drain()
		case <-killing:
			killing = nil
			a.kill()
		}
	}
}

// post hands do to Run's goroutine.
func (a *Agent) post(do func()) {
	select {
	case a.inbox <- do:
	case <-a.gone:
	}
}

// after does something later, if the agent is still there.
func (a *Agent) after(d time.Duration, do func()) {
	time.AfterFunc(d, func() { a.post(do) })
}

// look has the loop look whether it may leave.
func (a *Agent) look() {
	select {
	case a.nudge <- struct{}{}:
	default:
	}
}

// drainInbox waits for goroutines that may have news to hand in.
func (a *Agent) drainInbox(group *sync.WaitGroup) {
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	for {
		select {
		case do := <-a.inbox:
			do()
		case <-done:
			return
		}
	}
}
