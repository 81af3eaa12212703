package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cdktr/cdktr/lib/task"
	"github.com/cdktr/cdktr/lib/wire"
)

// errNoWatchdog tells that no watchdog has answered.
var errNoWatchdog = errors.New("the agent's watchdog does not answer")

// watchdog is the agent's side of the process that ends the tasks when the
// agent cannot: when it is dead, or, for exclusive ones, when it has had no
// answer from the principal for too long.
//
// Each attempt is told before its process exists, so that there is no instant
// at which the death of the agent leaves one behind. Any goroutine may call.
type watchdog struct {
	log     *slog.Logger
	stop    chan struct{} // closed by close
	over    chan struct{} // closed when the last process is gone
	contact atomic.Pointer[contact]
	sign    chan struct{} // has room for one: contact is new

	patience time.Duration // for an answer

	mu     sync.Mutex // held while a note is written, which may take answerTime
	now    *guard     // nil: there is none at the moment
	closed bool
	tasks  map[wire.Attempt]*watched // those that were begun and have not ended
}

func newWatchdog(g *guard, log *slog.Logger) *watchdog {
	w := &watchdog{
		log: log, now: g, stop: make(chan struct{}), over: make(chan struct{}),
		sign: make(chan struct{}, 1), tasks: map[wire.Attempt]*watched{}, patience: answerTime,
	}
	w.contact.Store(new(contact))
	return w
}

// startWatchdog starts the process, and another one whenever it dies.
func startWatchdog(log *slog.Logger) (*watchdog, error) {
	g, err := newGuard(os.Stderr)
	if err == nil {
		err = g.shown()
	}
	if err != nil {
		return nil, fmt.Errorf("start the watchdog: %w", err)
	}
	w := newWatchdog(g, log)
	go func() {
		defer close(w.over)
		var passing sync.WaitGroup
		defer passing.Wait()
		passing.Go(w.pass)
		w.keep(g)
	}()
	return w, nil
}

// close ends the process and waits for it.
func (w *watchdog) close() {
	w.mu.Lock()
	g := w.now
	w.closed, w.now = true, nil
	w.mu.Unlock()
	close(w.stop)
	if g != nil {
		g.notes.Close()
		defer time.AfterFunc(answerTime, g.kill).Stop()
	}
	<-w.over
}

// keep listens to the process. When it ends though nobody wanted it, keep
// starts the next one.
func (w *watchdog) keep(g *guard) {
	for wait := time.Duration(0); g != nil; {
		begun := time.Now()
		w.listen(g)
		err := g.end()
		if !w.lost(g) {
			return
		}
		w.log.Error("the watchdog has ended; another one is started", "reason", err)
		if time.Since(begun) > time.Minute {
			wait = 0
		}
		g = w.another(&wait)
	}
}

// listen hands the answers to those who asked, until there are no more.
func (w *watchdog) listen(g *guard) {
	for {
		v, err := g.read()
		if errors.Is(err, errBadNote) {
			w.log.Error("the watchdog says what nobody understands", "error", err)
			continue
		}
		if err != nil {
			return
		}
		w.mu.Lock()
		if waiting := g.asked[v.Attempt]; len(waiting) > 0 {
			g.asked[v.Attempt] = waiting[1:]
			waiting[0] <- v
		}
		w.mu.Unlock()
	}
}

// lost takes note that g has ended, and says whether there must be another. What
// g knew and did with the tasks that it was told of is lost with it.
func (w *watchdog) lost(g *guard) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.now == g {
		w.now = nil
	}
	for _, waiting := range g.asked {
		for _, answer := range waiting {
			close(answer)
		}
	}
	clear(g.asked)
	for _, t := range w.tasks {
		t.doubtful = true
	}
	return !w.closed
}

// another starts a process and tells it all that runs. The result is nil when
// none is needed any more.
func (w *watchdog) another(wait *time.Duration) *guard {
	for {
		select {
		case <-time.After(*wait):
		case <-w.stop:
			return nil
		}
		*wait = min(max(2**wait, 50*time.Millisecond), 5*time.Second)
		g, err := newGuard(os.Stderr)
		if err != nil {
			w.log.Error("the watchdog cannot be started; it is tried again", "error", err)
			continue
		}
		// First it learns all: the agent may die before the other shows itself.
		if !w.brief(g) {
			_ = g.end()
			w.lost(g)
			continue
		}
		if err := g.shown(); err == nil {
			return g
		}
		w.lost(g)
	}
}

// brief makes g the watchdog and tells it everything; false: it is not needed,
// or does not listen.
func (w *watchdog) brief(g *guard) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.now = g
	told := w.tell(note{Kind: noteHeard, contact: *w.contact.Load()})
	for id, t := range w.tasks {
		told = told && w.tell(note{Kind: noteBegin, Attempt: id, Exclusive: t.exclusive})
		if t.process.PID != 0 {
			told = told && w.tell(note{Kind: noteRuns, Attempt: id, Process: t.process})
		}
	}
	return told
}

// tell is called under the lock, which keeps the notes in order. A process that
// does not take one is killed; keep then starts another.
func (w *watchdog) tell(n note) bool {
	if w.now == nil {
		return false
	}
	if err := w.now.write(n); err != nil {
		w.now.kill()
		w.now = nil
		return false
	}
	return true
}

// beginTime is how long an exclusive attempt waits for a watchdog: one that does
// not answer has to be noticed, and the next one to show itself.
const beginTime = answerTime + 5*time.Second

// begin tells of an attempt that is about to be started. An exclusive one must
// not be started without the watchdog's word that it may run.
func (w *watchdog) begin(ctx context.Context, id wire.Attempt, exclusive bool) error {
	w.mu.Lock()
	w.tasks[id] = &watched{exclusive: exclusive}
	if exclusive {
		w.tell(note{Kind: noteHeard, contact: *w.contact.Load()})
	}
	w.tell(note{Kind: noteBegin, Attempt: id, Exclusive: exclusive})
	w.mu.Unlock()
	if !exclusive {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, beginTime)
	defer cancel()
	for {
		v, err := w.ask(id)
		if err == nil && v.Killed {
			err = v.reason()
		}
		if !errors.Is(err, errNoWatchdog) {
			return err
		}
		select {
		case <-time.After(20 * time.Millisecond): // the next one is told of the attempt
		case <-ctx.Done():
			return err
		}
	}
}

// runs tells of the attempt's process.
func (w *watchdog) runs(id wire.Attempt, process task.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t := w.tasks[id]; t != nil {
		t.process = process
		w.tell(note{Kind: noteRuns, Attempt: id, Process: process})
	}
}

// end tells that nothing of the attempt lives.
func (w *watchdog) end(id wire.Attempt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.tasks, id)
	w.tell(note{Kind: noteEnd, Attempt: id})
}

// heard has the newest sign of the principal passed on. It does not wait.
func (w *watchdog) heard(c contact) {
	w.contact.Store(&c)
	select {
	case w.sign <- struct{}{}:
	default:
	}
}

func (w *watchdog) pass() {
	for {
		select {
		case <-w.sign:
		case <-w.stop:
			return
		}
		w.mu.Lock()
		for _, t := range w.tasks {
			if t.exclusive {
				w.tell(note{Kind: noteHeard, contact: *w.contact.Load()})
				break
			}
		}
		w.mu.Unlock()
	}
}

// doubtful says that a watchdog that knew the attempt has died, and perhaps had
// killed it.
func (w *watchdog) doubtful(id wire.Attempt) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.tasks[id]
	return t != nil && t.doubtful
}

// ask returns what the watchdog did to an attempt.
func (w *watchdog) ask(id wire.Attempt) (verdict, error) {
	answer := make(chan verdict, 1)
	w.mu.Lock()
	g := w.now
	if g != nil {
		g.asked[id] = append(g.asked[id], answer)
	}
	told := w.tell(note{Kind: noteAsk, Attempt: id})
	w.mu.Unlock()
	if !told {
		return verdict{}, errNoWatchdog
	}
	// In two parts: one of them may be over because this process stood still,
	// and then the answer is there but for a moment.
	for range 2 {
		select {
		case v, ok := <-answer:
			if ok {
				return v, nil
			}
			return verdict{}, errNoWatchdog
		case <-time.After(w.patience / 2):
		}
	}
	g.kill()
	return verdict{}, errNoWatchdog
}
