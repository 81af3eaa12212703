package agent

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// mostCalls bounds the messages with lines that are under way at once.
const mostCalls = 4

// shipper carries the lines of all spools to the principal. One message takes
// lines of many tasks; those of one stream arrive in order or are sent again.
type shipper struct {
	name  string // the agent's
	shelf *shelf
	log   *slog.Logger
	bell  chan struct{}  // has room for one: look again
	over  func()         // called when a spool is over
	wait  sync.WaitGroup // for the calls

	mu     sync.Mutex
	link   Link // nil: not known yet
	spools []*spool
	flying int
	failed bool // the last call failed: the log has been told
}

func newShipper(h *home, b bounds, log *slog.Logger, over func()) *shipper {
	return &shipper{name: h.name, shelf: newShelf(h.spools(), b, log), log: log, over: over, bell: make(chan struct{}, 1)}
}

func (s *shipper) wake() {
	select {
	case s.bell <- struct{}{}:
	default:
	}
}

// connect gives the link to use from now on.
func (s *shipper) connect(link Link) {
	s.mu.Lock()
	s.link = link
	s.mu.Unlock()
	s.hurry()
}

// hurry has everything tried at once: the principal is back.
func (s *shipper) hurry() {
	s.mu.Lock()
	for _, sp := range s.spools {
		sp.hurry()
	}
	s.mu.Unlock()
	s.wake()
}

// add ships a spool, until it is over.
func (s *shipper) add(sp *spool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.spools, sp) {
		s.spools = append(s.spools, sp)
	}
}

// idle says that no spool holds anything any more.
func (s *shipper) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.spools) == 0
}

// owes says that lines are not acknowledged.
func (s *shipper) owes() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.spools, (*spool).owes)
}

// abandon lets the tasks that wait go on: the agent ends, and its next start
// delivers what is held.
func (s *shipper) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sp := range s.spools {
		sp.unbound()
	}
}

// close gives the files up.
func (s *shipper) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sp := range s.spools {
		sp.close()
	}
	s.shelf.close()
}

// run ships until ctx ends, and returns when no call is under way.
func (s *shipper) run(ctx context.Context) {
	defer s.close()
	defer s.wait.Wait()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var watch <-chan time.Time
	for {
		next := s.ship(ctx, time.Now())
		var due <-chan time.Time
		if !next.IsZero() {
			timer.Reset(time.Until(next))
			due = timer.C
		}
		if watch == nil && !s.idle() {
			watch = time.After(lookEvery)
		}
		select {
		case <-s.bell:
		case <-due:
		case <-watch:
			watch = nil
			s.shelf.watched(s.owes())
		case <-ctx.Done():
			return
		}
	}
}

// ship starts the calls that are due and says when the next one is.
func (s *shipper) ship(ctx context.Context, now time.Time) (next time.Time) {
	s.mu.Lock()
	over := s.sweep()
	next = s.launch(ctx, now)
	s.mu.Unlock()
	// Last, and without the lock: no call and no new task waits for the disk.
	for _, sp := range over {
		sp.remove()
	}
	if len(over) > 0 {
		s.over()
	}
	return next
}

func (s *shipper) launch(ctx context.Context, now time.Time) (next time.Time) {
	for s.link != nil && s.flying < mostCalls {
		due := s.earliest()
		if due.IsZero() || due.After(now) {
			return due
		}
		c := s.load(now)
		if len(c.parts) == 0 {
			return now.Add(flushDelay)
		}
		s.flying++
		s.wait.Go(func() { s.send(ctx, c) })
	}
	return time.Time{}
}

// sweep takes out the spools that are over.
func (s *shipper) sweep() (over []*spool) {
	s.spools = slices.DeleteFunc(s.spools, func(sp *spool) bool {
		if !sp.over() {
			return false
		}
		over = append(over, sp)
		return true
	})
	return over
}

func (s *shipper) earliest() (first time.Time) {
	for _, sp := range s.spools {
		if due := sp.due(); !due.IsZero() && (first.IsZero() || due.Before(first)) {
			first = due
		}
	}
	return first
}

// cargo is one message and the spools that its batches come from.
type cargo struct {
	link  Link
	req   wire.LogAppend
	parts []part
}

type part struct {
	from    *spool
	batches []wire.LogBatch
}

// load fills a message: with what is due, and with what is ready as well.
func (s *shipper) load(now time.Time) cargo {
	c := cargo{link: s.link, req: wire.LogAppend{Agent: s.name}}
	room := callSize
	for i, sp := range s.spools {
		due := sp.due()
		if (due.IsZero() || due.After(now)) && !sp.ready(now) {
			continue
		}
		if sp.lonely() && len(c.parts) > 0 {
			continue
		}
		batches, bytes := sp.take(room, len(c.parts) == 0)
		if len(batches) == 0 {
			continue
		}
		c.parts = append(c.parts, part{sp, batches})
		c.req.Batches = append(c.req.Batches, batches...)
		if room -= bytes; room <= 0 || sp.lonely() {
			// The one that filled the message is the last in line now.
			s.spools = append(append(s.spools[:i:i], s.spools[i+1:]...), sp)
			break
		}
	}
	return c
}

func (s *shipper) send(ctx context.Context, c cargo) {
	var answer wire.LogAppended
	err := c.link.Call(ctx, wire.OpLogsAppend, &c.req, &answer)
	if err == nil && len(answer.Batches) != len(c.req.Batches) {
		err = fmt.Errorf("%d batches of lines were sent, %d acknowledged", len(c.req.Batches), len(answer.Batches))
	}
	acks := answer.Batches
	for _, p := range c.parts {
		if err != nil {
			p.from.settle(p.batches, nil, err)
			continue
		}
		p.from.settle(p.batches, acks[:len(p.batches)], nil)
		acks = acks[len(p.batches):]
	}
	s.mu.Lock()
	s.flying--
	news := s.failed != (err != nil)
	s.failed = err != nil
	s.mu.Unlock()
	if news && err != nil && ctx.Err() == nil {
		s.log.Warn("lines of tasks are not taken; they are kept and sent again", "error", err)
	}
	s.wake()
}
