package principal

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

// fail lets the worker run the task of a run to its end, with two lines.
func (w *worker) fail(workflow string) (wire.Attempt, string) {
	w.t.Helper()
	at := w.take()[0].Attempt
	if got := w.durable(batch(at, 1, "x", "y")); got != 2 {
		w.t.Fatalf("durable up to %d", got)
	}
	w.report(at, 3, map[string]int64{"stdout": 2}).get(w.t)
	return at, at.Run
}

func (s *site) retry(id string, after int64) *answer[wire.RunWaited] {
	return later[wire.RunWaited](s.admin, wire.OpRunRetry, &wire.RunRetry{Run: id, After: after})
}

func TestRetriedRunGoesOnAsTheSameRun(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	s.trigger("hello", "")
	_, id := w.fail("hello")
	end := s.waitFor(id).get(t)
	if got := s.retry(id[:5], end.Pos).get(t); got.Run != id || got.Ended {
		t.Errorf("retried: %+v", got)
	}
	if r := ask[wire.Run](t, s.admin, wire.OpRunGet, &wire.RunRef{Run: id}); r.Status == "FAILED" {
		t.Errorf("the run is %s", r.Status)
	}
	wait := s.waitFor(id)
	lease := w.take()[0]
	if lease.Run != id || lease.Attempt.Attempt != 2 || lease.Again == "" {
		t.Fatalf("the new lease: %+v", lease)
	}
	// Lines of the new attempt are taken, and its result waits for them.
	report := w.report(lease.Attempt, 0, map[string]int64{"stdout": 1})
	unanswered(t, "the report", report)
	if got := w.durable(batch(lease.Attempt, 1, "z")); got != 1 {
		t.Errorf("durable up to %d", got)
	}
	report.get(t)
	if got := wait.get(t); got.Status != "COMPLETED" {
		t.Errorf("waited: %+v", got)
	}
	// The history is closed again: what is known of the streams is kept.
	if got := w.durable(batch(lease.Attempt, 1, "z", "late")); got != 2 {
		t.Errorf("a late line: durable up to %d", got)
	}
}

// The answer to a retry may be lost. Sent again with the position of the end
// that it followed, it changes nothing, whatever became of the run since.
func TestRetrySentTwiceIsOneRetry(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	s.trigger("hello", "")
	_, id := w.fail("hello")
	end := s.waitFor(id).get(t)
	s.retry(id, end.Pos).get(t)
	s.retry(id, end.Pos).get(t)
	if got := s.retry(id, 0).refusal(t); got != wire.Conflict {
		t.Errorf("an open run without a position: %s", got)
	}
	w.fail("hello")
	second := s.waitFor(id).get(t)
	if second.Pos <= end.Pos {
		t.Fatalf("ended at %d and then at %d", end.Pos, second.Pos)
	}
	s.retry(id, end.Pos).get(t)
	if got := s.waitFor(id).get(t); !got.Ended {
		t.Error("a retry that came late opened the run a second time")
	}
	reopened := func() (n int) {
		story, err := s.store.Story(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range story {
			if e.Kind == run.RunReopened {
				n++
			}
		}
		return n
	}
	if n := reopened(); n != 1 {
		t.Errorf("%d retries, want 1", n)
	}
	// A story that was read before this end must not open the run.
	s.inLoop(func(l *loop) {
		old, err := s.store.Story(t.Context(), id)
		if err != nil || !l.current(old) || l.current(old[:slices.IndexFunc(old, func(e run.Event) bool { return e.Kind == run.RunReopened })]) {
			t.Errorf("which story is current is not known (%v)", err)
		}
	})
	s.inLoop(func(l *loop) {
		old, err := s.store.Story(t.Context(), id)
		l.events = append(l.events, run.Event{Run: "another"})
		if err != nil || !l.current(old) {
			t.Errorf("what happens to others makes a story old (%v)", err)
		}
		l.events = []run.Event{{Run: id}}
		if l.current(old) {
			t.Error("a story is current that lacks what is not committed yet")
		}
		l.events = nil
	})
	s.retry(id, second.Pos).get(t)
	if n := reopened(); n != 2 {
		t.Errorf("%d retries, want 2", n)
	}
}

// A list of workflows shows the run that was made last, as it does after a
// restart.
func TestRetryOfAnOlderRunIsNotTheLastRun(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	s.trigger("hello", "")
	_, old := w.fail("hello")
	s.trigger("hello", "")
	_, last := w.fail("hello")
	s.retry(old, s.waitFor(old).get(t).Pos).get(t)
	if got, _ := s.p.lastRuns.get("hello"); got.run != last || got.status != "FAILED" {
		t.Errorf("the last run is %v, want %s", got, last)
	}
}

func TestRetryOfWhatCannotBeRetriedIsRefused(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	open := s.trigger("hello", "").Run
	if got := s.retry(open, 0).refusal(t); got != wire.Conflict {
		t.Errorf("an open run: %s", got)
	}
	w.report(w.take()[0].Attempt, 0, nil).get(t)
	_, err := try[wire.RunWaited](s.admin, wire.OpRunRetry, &wire.RunRetry{Run: open})
	wantRefusal(t, err, wire.Conflict, "has completed")
	if got := s.retry("nosuchrun000", 0).refusal(t); got != wire.NotFound {
		t.Errorf("an unknown run: %s", got)
	}
}

// A retry that comes with the report that ends the run waits until the history
// has the end.
func TestRetryThatSharesACommitWithTheEndWaitsForIt(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	s.trigger("hello", "")
	at := w.take()[0].Attempt
	arrived, release := s.store.eventGate.hold(t)
	report := w.report(at, 3, nil)
	<-arrived
	retry := s.retry(at.Run, 0)
	harness.Eventually(t, "the retry queues", func() bool { return len(s.p.loop.steps) == 1 })
	unanswered(t, "the retry", retry)
	release()
	report.get(t)
	retry.get(t)
	if lease := w.take()[0]; lease.Attempt.Attempt != 2 {
		t.Errorf("the new lease: %+v", lease)
	}
}

// What is known of an ended run's streams may be forgotten at any time: there
// are many such runs. Then it is read again before the run is opened.
func TestReopenedRunHasItsStreamsAlsoWhenTheyWereForgotten(t *testing.T) {
	s := newSite(t)
	id := s.trigger("hello", "").Run
	in := s.p.intake
	lineage := func() *lineage {
		known, err := in.lineage(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return known
	}
	old := lineage()
	in.forget(id)
	if in.reopen(id, old) || in.runs[id] != nil {
		t.Error("opened with streams that were forgotten")
	}
	for range 2 { // the second time there is nothing to do
		if now := lineage(); !in.reopen(id, now) || in.runs[id] != now || len(in.guests) > 0 {
			t.Error("the run has no streams")
		}
	}
}

// Two look up the streams of an ended run at a time, and lines come meanwhile:
// what was read before them is not kept.
func TestStreamsReadBeforeLateLinesAreReadAgain(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	s.trigger("hello", "")
	at, id := w.fail("hello")
	in := s.p.intake
	looked := 0
	s.store.looked = func() {
		if looked++; looked > 1 {
			return
		}
		w.durable(batch(at, 3, "late"))
		in.mu.Lock()
		clear(in.guests)
		in.missed++
		in.mu.Unlock()
	}
	known, err := in.lineage(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if got := known.durable[wire.StreamID{Run: id, Task: at.Task, Attempt: 1, Stream: "stdout"}]; got != 3 {
		t.Errorf("the stream is known up to %d, want 3", got)
	}
}

func TestOpenRunSaysWhatItsTasksWaitFor(t *testing.T) {
	s := newSite(t)
	put(t, s.data+"/workflows", "far.yml", "agents: {gpu: \"true\"}\ntasks: {a: {run: x}, b: {depends: a, run: y}}\n")
	ask[wire.Reloaded](t, s.admin, wire.OpReload, &wire.Plain{})
	reasons := func(id string) string {
		var all string
		for _, task := range ask[wire.Run](t, s.admin, wire.OpRunGet, &wire.RunRef{Run: id}).Tasks {
			if task.Reason != nil {
				all += fmt.Sprintf("%s: %s; ", task.Task, *task.Reason)
			}
		}
		return all
	}
	id := s.trigger("far", "").Run
	if got := reasons(id); got != "a: no agent is there; b: waits for a; " {
		t.Errorf("without an agent: %s", got)
	}
	s.worker("a1", 1)
	if got := reasons(id); got != "a: no agent with label gpu=true; b: waits for a; " {
		t.Errorf("without the label: %s", got)
	}
	ask[wire.RunWaited](t, s.admin, wire.OpRunCancel, &wire.RunRef{Run: id})
	s.waitFor(id).get(t)
	if got := reasons(id); got == "" || got == "a: no agent with label gpu=true; b: waits for a; " {
		t.Errorf("of a cancelled run: %s", got)
	}
}
