package principal

import (
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

// waiters waits until so many requests wait for the end of a run.
func (s *site) waiters(n int) {
	s.t.Helper()
	harness.Eventually(s.t, "the waits are there", func() bool {
		waiting := 0
		s.inLoop(func(l *loop) {
			for _, w := range l.waiting {
				waiting += len(w)
			}
		})
		return waiting == n
	})
}

func (s *site) waitFor(name string) *answer[wire.RunWaited] {
	return later[wire.RunWaited](s.admin, wire.OpRunWait, &wire.RunWait{Run: name})
}

func TestWaitEndsWithTheRun(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	id := s.trigger("hello", "").Run
	at := w.take()[0].Attempt
	waits := []*answer[wire.RunWaited]{s.waitFor(id), s.waitFor(id[:6])}
	s.waiters(2)
	w.report(at, 3, nil).get(t)
	for _, a := range append(waits, s.waitFor(id)) { // the last one: for an ended run
		got := a.get(t)
		if !got.Ended || got.Status != "FAILED" || got.Run != id || got.Pos != s.store.Durable() {
			t.Errorf("waited: %+v", got)
		}
	}
	s.waiters(0)
	if got := s.waitFor("nosuchrun000").refusal(t); got != wire.NotFound {
		t.Errorf("an unknown run: %s", got)
	}
}

func TestWaitIsAnsweredWhenItsTimeIsUp(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	id := s.trigger("hello", "").Run
	short := &wire.RunWait{Run: id, TimeoutMS: 20}
	if got := ask[wire.RunWaited](t, s.admin, wire.OpRunWait, short); got.Ended || got.Status != "PENDING" || got.Run != id {
		t.Errorf("waited: %+v", got)
	}
	w.take()
	if got := ask[wire.RunWaited](t, s.admin, wire.OpRunWait, short); got.Ended || got.Status != "RUNNING" {
		t.Errorf("waited: %+v", got)
	}
	s.waiters(0)
	long := s.waitFor(id)
	s.waiters(1)
	s.pass(wire.MaxWait)
	if got := long.get(t); got.Ended {
		t.Errorf("waited: %+v", got)
	}
}

func TestWaitIsAnsweredWhenThePrincipalStops(t *testing.T) {
	s := newSite(t)
	id := s.trigger("hello", "").Run
	a := s.waitFor(id)
	s.waiters(1)
	s.stop()
	if got := a.get(t); got.Ended || got.Run != id {
		t.Errorf("waited: %+v", got)
	}
}

func TestRunsAreFoundByAUniquePrefix(t *testing.T) {
	store := &memory{}
	for i, id := range []string{"abcd00000000", "abcd11111111", "wxyz00000000"} {
		def := &workflow.Definition{ID: "hello", Tasks: []workflow.Task{{ID: "a"}}}
		store.events = append(store.events, run.Event{Pos: int64(i + 1), Time: time.Now(), Kind: run.RunCreated, Run: id, Workflow: "hello", Status: run.Pending, Created: &run.Created{Definition: def}})
	}
	store.pos = 3
	s := openSite(t, t.TempDir(), store)
	get := func(name string) (wire.Run, error) {
		return try[wire.Run](s.admin, wire.OpRunGet, &wire.RunRef{Run: name})
	}
	for _, name := range []string{"wxyz", "wxyz0000", "wxyz00000000"} {
		if r, err := get(name); err != nil || r.Run != "wxyz00000000" {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	_, err := get("abcd")
	wantRefusal(t, err, wire.NotFound, "ambiguous", "abcd00000000", "abcd11111111")
	for _, name := range []string{"", "wxy", "none", "wxyz00000001", "wxyz000000000"} {
		_, err := get(name)
		wantRefusal(t, err, wire.NotFound)
	}
	for _, name := range []string{"wxyz", "none", "abcd"} {
		d, err := try[wire.WorkflowDefinition](s.admin, wire.OpWorkflowGet, &wire.WorkflowGet{Run: name})
		if name != "wxyz" {
			wantRefusal(t, err, wire.NotFound)
		} else if err != nil || !strings.Contains(string(d.Definition), `"id":"a"`) { // no file of that name is loaded
			t.Errorf("the definition of %s: %s, %v", name, d.Definition, err)
		}
	}
	_, err = try[wire.WorkflowDefinition](s.admin, wire.OpWorkflowGet, &wire.WorkflowGet{Run: "wxyz", Workflow: "hello"})
	wantRefusal(t, err, wire.BadRequest, "not by both")
	for _, op := range []wire.Op{wire.OpRunCancel, wire.OpRunWait} {
		_, err := try[wire.RunWaited](s.admin, op, &wire.RunRef{Run: "abcd"})
		wantRefusal(t, err, wire.NotFound, "ambiguous")
	}
	filter := wire.Filter{Run: "wxyz"}
	if l := ask[wire.Runs](t, s.admin, wire.OpRunList, &wire.RunList{Filter: filter}); len(l.Runs) != 1 {
		t.Errorf("run.list: %+v", l)
	}
	if l := ask[wire.Events](t, s.admin, wire.OpEventsQuery, &wire.EventsQuery{Filter: filter}); len(l.Events) != 1 {
		t.Errorf("events.query: %+v", l)
	}
	_, err = try[wire.Logs](s.admin, wire.OpLogsQuery, &wire.LogsQuery{Filter: wire.Filter{Run: "abcd"}})
	wantRefusal(t, err, wire.NotFound, "ambiguous")
}

func TestCandidatesAreFew(t *testing.T) {
	if got := candidates(strings.Fields("a b c d e f")); got != "a, b, c, d, e, …" {
		t.Error(got)
	}
}

func TestCancel(t *testing.T) {
	s := newSite(t)
	cancel := func(name string) *answer[wire.RunWaited] {
		return later[wire.RunWaited](s.admin, wire.OpRunCancel, &wire.RunRef{Run: name})
	}
	if got := cancel("nosuchrun000").refusal(t); got != wire.NotFound {
		t.Errorf("an unknown run: %s", got)
	}

	pending := s.trigger("hello", "").Run
	for range 2 { // the second finds it cancelled
		cancel(pending[:8]).get(t)
		if got := s.waitFor(pending).get(t); got.Status != "CANCELLED" {
			t.Errorf("it is %s", got.Status)
		}
	}

	w := s.worker("a1", 1)
	completed := s.trigger("hello", "").Run
	w.report(w.take()[0].Attempt, 0, nil).get(t)
	a := cancel(completed)
	if got := a.refusal(t); got != wire.Conflict || !strings.Contains(a.err.Error(), "COMPLETED") {
		t.Errorf("an ended run: %s, %v", got, a.err)
	}
}

// An agent that works at its limit still hears what it has to stop.
func TestStopOrderReachesAnAgentWithoutAFreeSlot(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	id := s.trigger("hello", "").Run
	at := w.take()[0].Attempt
	pull := w.parked()
	ask[wire.RunWaited](t, s.admin, wire.OpRunCancel, &wire.RunRef{Run: id})
	if work := pull.get(t); len(work.Stop) != 1 || work.Stop[0] != at {
		t.Errorf("the pull got %+v, want an order to stop %+v", work, at)
	}
	if s.waitForShort(id).Ended {
		t.Error("the run is over while its process lives")
	}
	w.report(at, 143, nil).get(t)
	if got := s.waitFor(id).get(t); got.Status != "CANCELLED" {
		t.Errorf("the run is %s", got.Status)
	}
}

func (s *site) waitForShort(id string) wire.RunWaited {
	s.t.Helper()
	return ask[wire.RunWaited](s.t, s.admin, wire.OpRunWait, &wire.RunWait{Run: id, TimeoutMS: 1})
}

func TestLogsQueryWaitsForLines(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	id := s.trigger("hello", "").Run
	at := w.take()[0].Attempt
	query := func(run string, wait int) *answer[wire.Logs] {
		return later[wire.Logs](s.admin, wire.OpLogsQuery, &wire.LogsQuery{Filter: wire.Filter{Run: run}, ByPos: true, WaitMS: wait})
	}
	if got := query(id, 0).get(t); len(got.Records) != 0 {
		t.Errorf("%d records", len(got.Records))
	}
	if got := query(id, 10).get(t); len(got.Records) != 0 {
		t.Errorf("%d records", len(got.Records))
	}
	one, all := query(id, 20_000), query("", 20_000)
	unanswered(t, "the query", one)
	unanswered(t, "the query of all", all)
	w.durable(batch(at, 1, "1"))
	if got := one.get(t); len(got.Records) != 1 {
		t.Errorf("%d records of the run", len(got.Records))
	}
	if got := all.get(t); len(got.Records) != 1 {
		t.Errorf("%d records of all", len(got.Records))
	}

	before := s.store.read()
	more := later[wire.Logs](s.admin, wire.OpLogsQuery, &wire.LogsQuery{Filter: wire.Filter{Run: id}, ByPos: true, WaitMS: 20_000, Cursor: one.value.Cursor})
	harness.Eventually(t, "the query waits", func() bool {
		return s.store.read() > before && len(s.p.queries.active) == 0
	})
	w.report(at, 0, map[string]int64{wire.Stdout: 1}).get(t)
	ended := time.Now()
	if got := more.get(t); len(got.Records) != 0 || time.Since(ended) > 10*time.Second {
		t.Errorf("%d records after the end, %v later", len(got.Records), time.Since(ended))
	}
	for _, bad := range []*wire.LogsQuery{{WaitMS: 5}, {Stream: "stdin"}} {
		_, err := try[wire.Logs](s.admin, wire.OpLogsQuery, bad)
		wantRefusal(t, err, wire.BadRequest)
	}
}
