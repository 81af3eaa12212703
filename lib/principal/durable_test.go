package principal

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

// settles gives what must not happen the time of many round trips to happen.
const settles = 50 * time.Millisecond

// unanswered fails the test when an answer comes before the commit has.
func unanswered[T any](t *testing.T, what string, a *answer[T]) {
	t.Helper()
	select {
	case <-a.done:
		t.Errorf("%s was answered before its commit: %+v, %v", what, a.value, a.err)
	case <-time.After(settles):
	}
}

func TestNothingIsAcknowledgedBeforeItsCommit(t *testing.T) {
	t.Run("trigger", func(t *testing.T) {
		s := newSite(t)
		arrived, release := s.store.eventGate.hold(t)
		a := later[wire.Triggered](s.admin, wire.OpRunTrigger, item("hello", ""))
		<-arrived
		unanswered(t, "the trigger", a)
		release()
		if a.get(t).Run == "" {
			t.Error("no run id")
		}
	})
	t.Run("existing run of a key", func(t *testing.T) {
		s := newSite(t)
		arrived, release := s.store.eventGate.hold(t)
		first := later[wire.Triggered](s.admin, wire.OpRunTrigger, item("hello", "k"))
		<-arrived
		again := later[wire.Triggered](s.admin, wire.OpRunTrigger, item("hello", "k"))
		unanswered(t, "the repeated trigger", again)
		release()
		if a, b := first.get(t), again.get(t); a.Run != b.Run || a.Existing || !b.Existing {
			t.Errorf("first %+v, again %+v", a, b)
		}
	})
	t.Run("lease and report", func(t *testing.T) {
		s := newSite(t)
		w := s.worker("a1", 1)
		s.trigger("hello", "")
		arrived, release := s.store.eventGate.hold(t)
		pull := w.pull()
		<-arrived
		unanswered(t, "the lease", pull)
		release()
		at := pull.get(t).Leases[0].Attempt

		before := s.waitFor(at.Run)
		s.waiters(1)
		arrived, release = s.store.eventGate.hold(t)
		report := w.report(at, 0, nil)
		<-arrived
		meanwhile := s.waitFor(at.Run)
		unanswered(t, "the report", report)
		unanswered(t, "the wait for the run", before)
		unanswered(t, "the later wait", meanwhile)
		release()
		report.get(t)
		for _, wait := range []*answer[wire.RunWaited]{before, meanwhile} {
			if got := wait.get(t); !got.Ended || got.Status != "COMPLETED" {
				t.Errorf("waited: %+v", got)
			}
		}
	})
	t.Run("wait that shares a commit with the end", func(t *testing.T) {
		s := newSite(t)
		w := s.worker("a1", 1)
		s.trigger("hello", "")
		at := w.take()[0].Attempt
		arrived, release := s.store.eventGate.hold(t)
		later[wire.Triggered](s.admin, wire.OpRunTrigger, item("pair", ""))
		<-arrived
		queued := func(n int) {
			harness.Eventually(t, "it queues", func() bool { return len(s.p.loop.steps) == n })
		}
		report := w.report(at, 0, nil)
		queued(1)
		wait := s.waitFor(at.Run)
		queued(2)
		arrived, releaseNext := s.store.eventGate.hold(t)
		release()
		<-arrived
		unanswered(t, "the report", report)
		unanswered(t, "the wait", wait)
		releaseNext()
		if got := wait.get(t); !got.Ended || got.Status != "COMPLETED" {
			t.Errorf("waited: %+v", got)
		}
	})
	t.Run("cancel", func(t *testing.T) {
		s := newSite(t)
		id := s.trigger("hello", "").Run
		arrived, release := s.store.eventGate.hold(t)
		cancel := later[wire.RunWaited](s.admin, wire.OpRunCancel, &wire.RunRef{Run: id})
		<-arrived
		unanswered(t, "the cancel", cancel)
		release()
		cancel.get(t)
	})
	t.Run("lines", func(t *testing.T) {
		s := newSite(t)
		w := s.worker("a1", 1)
		s.trigger("hello", "")
		at := w.take()[0].Attempt
		arrived, release := s.store.lineGate.hold(t)
		sent := w.send(batch(at, 1, "x"))
		<-arrived
		unanswered(t, "the batch of lines", sent)
		release()
		sent.get(t)
	})
}

func TestTriggersThatArriveDuringACommitShareTheNext(t *testing.T) {
	s := newSite(t)
	arrived, release := s.store.eventGate.hold(t)
	answers := []*answer[wire.Triggered]{later[wire.Triggered](s.admin, wire.OpRunTrigger, item("hello", ""))}
	<-arrived
	const many = 50
	for range many {
		answers = append(answers, later[wire.Triggered](s.admin, wire.OpRunTrigger, item("hello", "")))
	}
	harness.Eventually(t, "the triggers queue", func() bool { return len(s.p.loop.steps) == many })
	release()
	for _, a := range answers {
		a.get(t)
	}
	if c := s.store.commits(); len(c) != 2 || len(c[1]) != many {
		t.Errorf("%d commits, want 2 with the second of %d events", len(c), many)
	}
}

func TestFailedCommitEndsTheProcessAndAnswersNobody(t *testing.T) {
	broken := errors.New("the disk is gone")
	t.Run("events", func(t *testing.T) {
		s := newSite(t)
		w := s.worker("a1", 1)
		pull := w.parked()
		s.store.fail(broken)
		a := later[wire.Triggered](s.admin, wire.OpRunTrigger, item("hello", ""))
		if err := s.over(); !errors.Is(err, broken) {
			t.Errorf("Run ended with %v", err)
		}
		noAnswer(t, a)
		noAnswer(t, pull)
	})
	t.Run("lines", func(t *testing.T) {
		s := newSite(t)
		w := s.worker("a1", 1)
		s.trigger("hello", "")
		at := w.take()[0].Attempt
		s.store.fail(broken)
		a := w.send(batch(at, 1, "x"))
		if err := s.over(); !errors.Is(err, broken) {
			t.Errorf("Run ended with %v", err)
		}
		noAnswer(t, a)
	})
}

func noAnswer[T any](t *testing.T, a *answer[T]) {
	t.Helper()
	<-a.done
	var refused *wire.Error
	if a.err == nil || errors.As(a.err, &refused) {
		t.Errorf("got an answer: %+v, %v", a.value, a.err)
	}
}

func TestShutdownCommitsAndAnswersWhatItHasReceived(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	pull := w.parked()
	arrived, release := s.store.eventGate.hold(t)
	first := later[wire.RunWaited](s.admin, wire.OpRunCancel, &wire.RunRef{Run: "nosuchrun000"})
	if got := first.refusal(t); got != wire.NotFound {
		t.Fatal(got)
	}
	trigger := later[wire.Triggered](s.admin, wire.OpRunTrigger, item("pair", ""))
	<-arrived
	second := later[wire.Triggered](s.admin, wire.OpRunTrigger, item("hello", ""))
	harness.Eventually(t, "the second trigger queues", func() bool { return len(s.p.loop.steps) == 1 })
	s.stop()
	release()
	if trigger.get(t).Run == "" || second.get(t).Run == "" {
		t.Error("a run without an id")
	}
	if work := pull.get(t); len(work.Leases) != 1 {
		t.Errorf("the parked pull got %d leases, want the one that was committed", len(work.Leases))
	}
	if err := s.end(); err != nil {
		t.Error(err)
	}
	created := 0
	for _, e := range s.store.events {
		if e.Kind == run.RunCreated {
			created++
		}
	}
	if created != 2 {
		t.Errorf("%d runs are in the history", created)
	}
}

func TestRestartGoesOnWithWhatIsDurable(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 2)
	first := s.trigger("hello", "key")
	at := w.take()[0].Attempt
	w.durable(batch(at, 1, "one", "two"))
	if err := s.end(); err != nil {
		t.Fatal(err)
	}

	s = openSite(t, s.data, s.store)
	if again := s.trigger("hello", "key"); again.Run != first.Run || !again.Existing {
		t.Errorf("after the restart the key gives %+v, want run %s", again, first.Run)
	}
	w2 := s.worker("a2", 1)
	if got := w2.durable(batch(at, 2, "two", "three")); got != 3 {
		t.Errorf("durable up to %d, want 3", got)
	}
	if got := s.store.stored(at.Run); len(got) != 3 {
		t.Errorf("lines %q", got)
	}
	w1 := &worker{t: t, s: s, c: s.client("agent"), ref: w.ref}
	if _, err := try[wire.Nothing](w1.c, wire.OpAgentRenew, &wire.AgentRenew{AgentRef: w1.ref}); codeOf(t, err) != wire.NotFound {
		t.Errorf("an agent from before the restart: %v, want it told to say hello", err)
	}
	welcome := ask[wire.AgentWelcome](t, w1.c, wire.OpAgentHello, &wire.AgentHello{AgentRef: w1.ref, Name: "name-of-a1", Slots: 1, Version: "test", Held: []wire.Held{{Attempt: at, State: "running"}}})
	if len(welcome.Keep) != 1 || len(welcome.Kill) != 0 {
		t.Errorf("welcomed with %+v, want the attempt kept", welcome)
	}
	w1.report(at, 0, map[string]int64{wire.Stdout: 3}).get(t)
}

// Ten thousand runs that wait to begin have no lines to ask for: that would cost
// the start seconds.
func TestStartAsksForTheLinesOnlyOfWhatHasBegun(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	begun, waits := s.trigger("hello", "1"), s.trigger("hello", "2")
	at := w.take()[0].Attempt
	w.durable(batch(at, 1, "one", "two"))
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	s.store.asked = nil
	s = openSite(t, s.data, s.store)
	if got := s.store.asked; !slices.Equal(got, []string{at.Run}) {
		t.Errorf("asked for the lines of %q, of %s, which has begun, and %s, which waits", got, begun.Run, waits.Run)
	}
	w2 := s.worker("a2", 1)
	if got := w2.durable(batch(at, 3, "three")); got != 3 {
		t.Errorf("durable up to %d, want 3", got)
	}
}

func TestHistoryThatNoMachineWroteStopsTheStart(t *testing.T) {
	store := &memory{events: []run.Event{{Pos: 1, Kind: run.RunChanged, Run: "gone", Workflow: "hello", Status: run.Running}}}
	if _, _, err := replay(t.Context(), store, &schedules{}, time.Second, readClock()); err == nil {
		t.Error("the replay took an event of a run that was never created")
	}
}
