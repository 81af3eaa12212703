package agent

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/task"
	"github.com/cdktr/cdktr/lib/wire"
)

var first = wire.Attempt{Run: "r", Task: "t", Attempt: 1}

// listenTo lets w hear g until g ends.
func listenTo(t *testing.T, w *watchdog, g *guard) {
	over := make(chan struct{})
	go func() {
		defer close(over)
		w.listen(g)
		w.lost(g)
	}()
	t.Cleanup(func() {
		g.kill()
		<-over
	})
}

func TestExclusiveTaskWaitsForTheNextWatchdog(t *testing.T) {
	w := newWatchdog(nil, slog.New(slog.DiscardHandler))
	begun := make(chan error, 1)
	go func() { begun <- w.begin(t.Context(), first, true) }()
	select {
	case err := <-begun:
		t.Fatalf("did not wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	g, _ := dogFor(t)
	listenTo(t, w, g)
	if !w.brief(g) {
		t.Fatal("the watchdog does not listen")
	}
	if err := <-begun; err != nil {
		t.Error(err)
	}
	if w.doubtful(first) {
		t.Error("no watchdog has died")
	}
}

func TestEveryQuestionToTheWatchdogIsAnswered(t *testing.T) {
	w := newWatchdog(nil, slog.New(slog.DiscardHandler))
	g, _ := dogFor(t)
	listenTo(t, w, g)
	w.brief(g)
	var asking sync.WaitGroup
	for range 20 {
		asking.Go(func() {
			if _, err := w.ask(first); err != nil {
				t.Error(err)
			}
		})
	}
	asking.Wait()
}

// The one that replaces a watchdog does its work from the first moment: also
// when its agent falls silent just then.
func TestNextWatchdogEnforcesWhatTheOneBeforeKnew(t *testing.T) {
	own, other := bystander(t), bystander(t)
	second := wire.Attempt{Run: "r", Task: "other", Attempt: 1}
	w := newWatchdog(nil, slog.New(slog.DiscardHandler))
	w.tasks[first] = &watched{exclusive: true, process: own}
	w.tasks[second] = &watched{process: other}
	w.heard(contact{Sent: task.Uptime() - time.Second, Limit: 500 * time.Millisecond})
	g, _ := dogFor(t)
	listenTo(t, w, g)
	if !w.brief(g) {
		t.Fatal("the watchdog does not listen")
	}
	until(t, "the exclusive task is gone", func() bool { return !own.Alive() })
	if !other.Alive() {
		t.Error("a task that is not exclusive was ended")
	}
}

// A watchdog that died may have killed the task before: that is no exit of the
// task's own.
func TestTaskThatADeadWatchdogMayHaveKilledIsDropped(t *testing.T) {
	a := &Agent{dog: newWatchdog(nil, slog.New(slog.DiscardHandler))}
	killed := task.Exit{Code: 137, Reason: "killed by signal 9 (SIGKILL)"}
	stopped := task.Exit{Code: 137, Stopped: true}
	a.dog.patience = 10 * time.Second
	g, _ := dogFor(t)
	listenTo(t, a.dog, g)
	a.dog.brief(g)
	if err := a.dog.begin(t.Context(), first, true); err != nil {
		t.Fatal(err)
	}
	if err := a.cut(first, killed); err != nil {
		t.Errorf("killed by somebody else: %v", err)
	}
	g.kill()
	until(t, "the watchdog is missed", func() bool { return a.dog.doubtful(first) })
	if err := a.cut(first, killed); err == nil {
		t.Error("without a watchdog: not dropped")
	}
	next, _ := dogFor(t)
	listenTo(t, a.dog, next)
	a.dog.brief(next)
	if err := a.cut(first, killed); err == nil {
		t.Error("with the next watchdog: not dropped")
	}
	for _, exit := range []task.Exit{stopped, {Code: 0}, {Code: 1}} {
		if err := a.cut(first, exit); err != nil {
			t.Errorf("%+v: %v", exit, err)
		}
	}
}

// The watchdog stands still, so nobody but the agent can end the task in time.
func TestAgentItselfEndsAnExclusiveTaskThatIsOverdue(t *testing.T) {
	p := newPrincipal(t)
	p.timeout = 1200 * time.Millisecond
	run(t, p, Options{Slots: 2})
	alone, other := p.lease(exclusive("alone", script(stubborn))), p.give("other", script("echo $$; exec sleep 1000"))
	pids, otherPID := p.pidsFrom(alone, 2), p.pidsFrom(other, 1)
	dog := theWatchdogOf(t, os.Getpid())
	if err := syscall.Kill(dog, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	p.locked(func() { p.away = true })
	until(t, "the exclusive task is gone", allGone(t, pids...))
	if now := children(t, os.Getpid(), watchdogWord); len(now) != 1 || now[0] != dog {
		t.Errorf("the watchdogs are %v, not %d: the agent was not in time", now, dog)
	}
	if allGone(t, otherPID...)() {
		t.Error("a task that is not exclusive was ended")
	}
	_ = syscall.Kill(dog, syscall.SIGCONT)
	p.locked(func() { p.away = false })
	if r := p.awaitResult(alone); r.Outcome != outcomeDropped || len(r.Reason) < len(noAnswer) || r.Reason[:len(noAnswer)] != noAnswer {
		t.Errorf("%+v", r)
	}
}

func TestWatchdogThatStandsStillIsReplaced(t *testing.T) {
	p := newPrincipal(t)
	p.timeout = 600 * time.Millisecond
	runAgent(t, p, Options{}, func(a *Agent) { a.dog.patience = 200 * time.Millisecond })
	dog := theWatchdogOf(t, os.Getpid())
	p.awaitLine(p.give("t", script("echo up; exec sleep 1000")), "stdout", "up")
	if err := syscall.Kill(dog, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	until(t, "another watchdog", func() bool {
		now := children(t, os.Getpid(), watchdogWord)
		return len(now) == 1 && now[0] != dog
	})
}

// A note may take long where the watchdog does not read.
func TestAgentDoesNotWaitForItsWatchdogToListen(t *testing.T) {
	w := newWatchdog(nil, slog.New(slog.DiscardHandler))
	w.mu.Lock()
	defer w.mu.Unlock()
	done := make(chan struct{})
	go func() {
		for n := range 3 {
			w.heard(contact{Sent: time.Duration(n)})
		}
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("it waits")
	}
	if got := w.contact.Load().Sent; got != 2 {
		t.Errorf("the newest contact is %d", got)
	}
}

func TestNothingIsWatchedWhenItIsOver(t *testing.T) {
	p := newPrincipal(t)
	r := run(t, p, Options{})
	p.awaitResult(p.give("plain", script("exit 0")))
	p.awaitResult(p.give("unable", wire.Spec{Argv: []string{"no-such-program"}}))
	p.awaitResult(p.lease(exclusive("exclusive", script("exit 0"))))
	r.dog.mu.Lock()
	defer r.dog.mu.Unlock()
	if len(r.dog.tasks) > 0 {
		t.Errorf("%d attempts are watched", len(r.dog.tasks))
	}
}

// A process that was just forked has its environment a moment later.
func TestAttemptWithoutAKnownProcessIsLookedForAWhile(t *testing.T) {
	t.Parallel()
	looks := 0
	w := &watch{say: func(string, ...any) {}, tasks: map[wire.Attempt]*watched{first: {}}}
	w.kill = func(map[wire.Attempt]*watched) int {
		if looks++; looks == 4 {
			return 1
		}
		return 0
	}
	w.endAll()
	if looks <= 4 {
		t.Errorf("%d looks", looks)
	}
}

// Until the principal has answered a sign, exclusive tasks have no time left: an
// answer to a drain is none, it is an order by name.
func TestAnswerToADrainIsNoSignOfThePrincipal(t *testing.T) {
	p := newPrincipal(t)
	p.bound, p.timeout = true, time.Hour
	r := run(t, p, Options{})
	p.await("a pull", func() bool { return p.pulls > 0 })
	p.locked(func() { p.deaf[wire.OpAgentRenew], p.deaf[wire.OpAgentPull] = true, true })
	moved := make(chan bool, 1)
	r.post(func() {
		before := r.sent
		r.call(wire.OpAgentDrain, &wire.AgentDrain{Name: "box"}, &wire.Nothing{}, func(err error) {
			moved <- err != nil || r.sent != before
		})
	})
	if <-moved {
		t.Error("it was taken for one")
	}
}

func TestOlderAttemptOfATaskIsGivenUpForTheNext(t *testing.T) {
	p := newPrincipal(t)
	run(t, p, Options{Slots: 2})
	older := p.give("t", script("echo $$; exec sleep 1000"))
	pids := p.pidsFrom(older, 1)
	newer := wire.Attempt{Run: older.Run, Task: older.Task, Attempt: 2}
	p.lease(wire.Lease{Attempt: newer, Workflow: "w", Spec: script("exit 0")})
	p.awaitResult(newer)
	until(t, "the older attempt is gone", allGone(t, pids...))
	p.locked(func() {
		if r, ok := p.results[older]; ok {
			t.Errorf("its result was reported: %+v", r)
		}
	})
}

// An order to stop, or the loss of the attempt, came while it waited.
func TestAttemptThatIsNotWantedIsNotStarted(t *testing.T) {
	for _, c := range []struct {
		name    string
		order   func(a *Agent, at *attempt)
		outcome string
	}{
		{"stopped", func(a *Agent, at *attempt) { a.stop(at) }, outcomeStopped},
		{"dropped", func(a *Agent, at *attempt) { at.drop("why") }, outcomeDropped},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := New(Options{Name: "box", Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			defer a.home.close()
			defer a.dog.close()
			a.ctx = t.Context()
			at := &attempt{id: first, state: stateRunning}
			at.wanted, at.unwant = context.WithCancel(a.ctx)
			at.spool = newSpool(a.ship.shelf, "w", first, func() {})
			defer at.spool.close()
			c.order(a, at)
			dir := t.TempDir()
			spec := script("echo started > ran")
			spec.Dir = dir
			a.work.Go(func() { a.perform(at, wire.Lease{Attempt: first, Spec: spec}) })
			(<-a.inbox)()
			a.work.Wait()
			if left := spooled(t, dir); at.result.Outcome != c.outcome || at.result.ExitCode != nil || len(left) > 0 {
				t.Errorf("%+v", at.result)
			}
			if _, err := os.Stat(dir + "/ran"); err == nil {
				t.Error("it was started")
			}
			(<-a.inbox)() // its result is on disk
		})
	}
}

// The attempt is given up while its result is on its way to disk.
func TestResultThatNobodyWaitsForIsNotLeftOnDisk(t *testing.T) {
	dir := t.TempDir()
	a, err := New(Options{Name: "box", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer a.home.close()
	defer a.dog.close()
	a.ctx = t.Context()
	at := &attempt{id: first, state: stateDone, result: wire.Result{Attempt: first}}
	a.attempts[first] = at
	a.report(at)
	a.giveUp(at, "for the test")
	(<-a.inbox)()
	if left := kept(t, dir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
