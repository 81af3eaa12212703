// Package principal is the daemon's core: it receives requests, lets lib/run
// decide, makes the decisions durable, and only then lets their effects out.
//
// It owns the sockets, the workflow directory, the intake of log lines and the
// requests that wait. It does not decide what a run does next (lib/run) and
// does not know how history is kept (Store).
//
// Four goroutines carry it, each the only owner of what it works on:
//
//	door     the API port: requests in, each to what answers it
//	loop     the machine, the event log, everything that waits
//	intake   the log port: lines and their sequence numbers
//	definitions  the workflow directory
//
// Queries run beside them, a few at a time; live publishes what has become
// durable.
package principal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

// Config is what a principal needs to know.
type Config struct {
	Data    string // data directory, exists
	Version string
	Log     *slog.Logger

	Host      string // bind address
	Port      int    // of the API; 0: a free one
	LogsPort  Port
	LivePort  Port
	Insecure  bool // plaintext, on a loopback address only
	Ring      *bus.Ring
	Workflows string        // the workflow directory
	Refresh   time.Duration // how often it is read again

	HeartbeatTimeout time.Duration
	Sources          []Source // of events

	Disks   []string                            // directories on the disks that the history is written to
	Reserve int64                               // bytes that are kept free there; 0: none
	Free    func(dir string) (n int64, e error) // how much is free; nil: what the system says
	Broken  <-chan error                        // gets the error of a store that has failed between two calls
}

// Port is one of the two ports beside the API's. Named: the user asked for
// just this one, so that no other may take its place.
type Port struct {
	Number int
	Named  bool
}

// Principal is one running principal.
type Principal struct {
	cfg         Config
	store       Store
	server      *bus.Server
	api         *bus.Router
	logs        *bus.Router
	live        *live
	loop        *loop
	intake      *intake
	definitions *definitions
	disk        *disk
	queries     *queries
	lastRuns    *lastRuns
	schedules   *schedules
	listeners   *listeners
	ops         map[wire.Op]op
	started     time.Time
	epoch       string
	closing     atomic.Bool // nothing new is started
	told        chan struct{}
	tell        func() // closes told
}

// Open replays the history, loads the workflows and binds the sockets. The
// principal serves when Run is called. The caller closes the store.
func Open(ctx context.Context, cfg Config, store Store) (*Principal, error) {
	p := &Principal{cfg: cfg, store: store, ops: ops(), started: time.Now(), epoch: rand.Text()[:12], told: make(chan struct{})}
	p.tell = sync.OnceFunc(func() { close(p.told) })
	var err error
	if p.schedules, err = readSchedules(ctx, store); err != nil {
		return nil, err
	}
	machine, open, err := replay(ctx, store, p.schedules, cfg.HeartbeatTimeout, readClock())
	if err != nil {
		return nil, err
	}
	if p.lastRuns, err = readLastRuns(ctx, store); err != nil {
		return nil, err
	}
	if p.intake, err = newIntake(ctx, p, open); err != nil {
		return nil, err
	}
	p.queries = newQueries(p)
	p.loop = newLoop(p, machine)
	p.disk = newDisk(cfg)
	p.definitions = newDefinitions(NewDirectory(cfg.Workflows), cfg.Refresh, cfg.Log)
	p.listeners = p.newListeners(cfg.Sources)
	if err := p.bind(); err != nil {
		return nil, err
	}
	return p, nil
}

// bind makes the server and its three sockets.
func (p *Principal) bind() error {
	var pair *bus.Pair
	if !p.cfg.Insecure {
		own := p.cfg.Ring.Principal()
		pair = &own
	}
	server, err := bus.NewServer(pair, p.admits)
	if err != nil {
		return fmt.Errorf("start the message server: %w", err)
	}
	p.server = server
	if err := p.bindAll(); err != nil {
		return errors.Join(err, server.Close())
	}
	return nil
}

func (p *Principal) bindAll() error {
	var err error
	if p.api, err = p.server.Router(p.at(p.cfg.Port)); err != nil {
		return err
	}
	err = p.bindBeside(p.cfg.LogsPort, func(endpoint string) (err error) {
		p.logs, err = p.server.Router(endpoint)
		return err
	})
	if err != nil {
		return err
	}
	return p.bindBeside(p.cfg.LivePort, func(endpoint string) error {
		pub, err := p.server.Publisher(endpoint)
		if err != nil {
			return err
		}
		p.live = newLive(pub, p.epoch, p.store)
		return nil
	})
}

// bindBeside binds a port that may give way to a free one, unless it was asked
// for by name.
func (p *Principal) bindBeside(port Port, bind func(endpoint string) error) error {
	err := bind(p.at(port.Number))
	if err == nil || port.Named || port.Number == 0 {
		return err
	}
	return bind(p.at(0))
}

func (p *Principal) at(port int) string {
	host := strings.Trim(p.cfg.Host, "[]") // people write IPv6 either way
	return "tcp://" + net.JoinHostPort(host, strconv.Itoa(port))
}

// admits is asked at each handshake. An agent has nothing to read on the live
// stream.
func (p *Principal) admits(public string, live bool) bool {
	_, role, known := p.cfg.Ring.Lookup(public)
	return known && (!live || role != agent)
}

// letIn is asked before each answer.
func (p *Principal) letIn(public string) bool {
	if p.cfg.Insecure {
		return true
	}
	_, _, ok := p.cfg.Ring.Lookup(public)
	return ok
}

// Presence is what principal.json says.
func (p *Principal) Presence() wire.Presence {
	there := wire.Presence{PID: os.Getpid(), API: p.api.Endpoint(), Logs: p.logs.Endpoint(), Live: p.live.pub.Endpoint()}
	if !p.cfg.Insecure {
		there.PublicKey = p.cfg.Ring.Principal().Public
	}
	return there
}

// StartNoMore refuses new runs from now on; those that there are go on. It is
// the first step of a stop, while agents still hand in what they have.
func (p *Principal) StartNoMore() {
	p.closing.Store(true)
	p.listeners.hush()
}

// ToldToStop is closed when somebody has asked over the API that the process
// end. Whoever called Run sees to it.
func (p *Principal) ToldToStop() <-chan struct{} { return p.told }

// Run serves until ctx ends, and then answers what it has received, or until a
// failure that leaves memory ahead of the disk: then the process must end
// without another word.
func (p *Principal) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	parts := []func(context.Context) error{p.door, p.loop.run, p.intake.run, p.definitions.run, p.listeners.run, p.live.run, p.disk.run, p.watch}
	ended := make(chan error, len(parts))
	for _, part := range parts {
		go func() {
			err := part(ctx)
			cancel(err)
			ended <- err
		}()
	}
	var first error
	for range parts {
		if err := <-ended; err != nil && first == nil {
			first = err
		}
	}
	p.definitions.refuseAll()
	p.queries.wait()
	return errors.Join(first, p.server.Close())
}

// watch ends the process when what it stands on has failed: the handler that
// checks keys, or the store.
func (p *Principal) watch(ctx context.Context) error {
	select {
	case err := <-p.cfg.Broken:
		return fmt.Errorf("the history failed: %w", err)
	case err := <-p.server.Failed():
		return fmt.Errorf("the key check stopped: %w", err)
	case <-ctx.Done():
		return nil
	}
}

// How long idempotency keys are remembered, and how many of them.
const (
	keyAge   = 7 * 24 * time.Hour
	keyLimit = 1_000_000
)

// replayed is what the history says of a run that has not ended.
type replayed struct {
	workflow string
	begun    bool // a task of it has: there may be lines
}

// replay folds the runs that have not ended, and the schedules, into a new
// machine and returns these runs by id.
func replay(ctx context.Context, store Store, scheduled *schedules, timeout time.Duration, now run.Now) (*run.Machine, map[string]replayed, error) {
	m := run.New(run.Config{HeartbeatTimeout: timeout, KeyAge: keyAge, KeyLimit: keyLimit})
	for _, s := range scheduled.of {
		m.RestoreScheduled(s)
	}
	open := map[string]replayed{}
	err := store.Replay(ctx, func(e run.Event) error {
		begins := e.Kind == run.TaskChanged && e.Status == run.Running
		open[e.Run] = replayed{e.Workflow, open[e.Run].begun || begins}
		return m.Restore(e)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("replay the open runs: %w", err)
	}
	err = store.Keys(ctx, now.Wall.Add(-keyAge), keyLimit, func(k run.Key) error {
		m.RestoreKey(k)
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read the idempotency keys: %w", err)
	}
	m.Start(now)
	return m, open, nil
}
