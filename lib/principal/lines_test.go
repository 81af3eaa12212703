package principal

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

func TestStreamHasNoHoleAndNoDouble(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	s.trigger("hello", "")
	at := w.take()[0].Attempt
	for _, step := range []struct {
		what    string
		batch   wire.LogBatch
		durable int64
	}{
		{"the beginning", batch(at, 1, "1", "2"), 2},
		{"all of it again", batch(at, 1, "1", "2"), 2},
		{"an overlap", batch(at, 2, "2", "3"), 3},
		{"a hole", batch(at, 6, "6"), 3},
		{"what was missing", batch(at, 4, "4", "5", "6"), 6},
		{"an old part", batch(at, 2, "2", "3"), 6},
		{"nothing", batch(at, 7), 6},
		{"the far end", batch(at, 1<<62, "x", "y"), 6},
	} {
		if got := w.durable(step.batch); got != step.durable {
			t.Errorf("%s: durable up to %d, want %d", step.what, got, step.durable)
		}
	}
	if got := s.store.stored(at.Run); !slices.Equal(got, []string{"1", "2", "3", "4", "5", "6"}) {
		t.Errorf("the history has %q", got)
	}
}

// gap is a batch that stands for so many lines of 9 bytes in all, up to the
// number last.
func gap(at wire.Attempt, last, lines int64) wire.LogBatch {
	b := batch(at, last)
	b.Lines = []wire.Line{{Time: 1, Gap: &wire.Gap{Lines: lines, Bytes: 9}}}
	return b
}

// A gap that is cut to what is missing claims no bytes: those may be of the
// lines that are there.
func TestGapStandsForTheLinesThatAreMissing(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	s.trigger("hello", "")
	at := w.take()[0].Attempt
	for _, step := range []struct {
		what    string
		batch   wire.LogBatch
		durable int64
	}{
		{"the beginning", batch(at, 1, "1", "2"), 2},
		{"a gap that leaves a hole", gap(at, 5, 2), 2},
		{"a gap", gap(at, 5, 3), 5},
		{"the same again", gap(at, 5, 3), 5},
		{"a gap inside", gap(at, 4, 1), 5},
		{"lines that it stands for", batch(at, 4, "4", "5", "6"), 6},
		{"a gap for all", gap(at, 10, 10), 10},
		{"a gap for less than is durable", gap(at, 10, 1), 10},
		{"what follows", batch(at, 11, "11"), 11},
		{"a gap of one", gap(at, 12, 1), 12},
		{"the far end", gap(at, 1<<62, 1), 12},
	} {
		if got := w.durable(step.batch); got != step.durable {
			t.Errorf("%s: durable up to %d, want %d", step.what, got, step.durable)
		}
	}
	acks := w.send(gap(at, 14, 14), batch(at, 15, "15"), gap(at, 16, 2)).get(t).Batches
	if want := []wire.LogAck{{Durable: 14}, {Durable: 15}, {Durable: 16}}; !slices.Equal(acks, want) {
		t.Errorf("acknowledged %v, want %v", acks, want)
	}
	var got []string
	s.store.mu.Lock()
	for _, b := range s.store.lines {
		for i, l := range b.Lines {
			text := fmt.Sprint(b.First+int64(i), " ", l.Text)
			if l.Gap != nil {
				text = fmt.Sprintf("%d gap %d %d", b.First, l.Gap.Lines, l.Gap.Bytes)
			}
			got = append(got, text)
		}
	}
	s.store.mu.Unlock()
	want := []string{"1 1", "2 2", "5 gap 3 9", "6 6", "10 gap 4 0", "11 11", "12 gap 1 9", "14 gap 2 0", "15 15", "16 gap 1 0"}
	if !slices.Equal(got, want) {
		t.Errorf("the history has %q, want %q", got, want)
	}
}

func TestGapThatMeansNothingIsRefused(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	s.trigger("hello", "")
	at := w.take()[0].Attempt
	company := batch(at, 1, "1", "2")
	company.Lines[1].Gap = &wire.Gap{Lines: 1}
	negative := gap(at, 1, 1)
	negative.Lines[0].Gap.Bytes = -1
	for name, b := range map[string]wire.LogBatch{
		"no lines": gap(at, 1, 0), "fewer": gap(at, 1, -1), "more than its number": gap(at, 3, 4),
		"more than there can be": gap(at, 3, 1<<62), "in company": company, "fewer bytes than none": negative,
	} {
		if got := w.send(b).refusal(t); got != wire.BadRequest {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := s.store.stored(at.Run); len(got) != 0 {
		t.Errorf("the history has %q", got)
	}
}

func TestBatchesOfOneCommitContinueEachOther(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	s.trigger("hello", "")
	at := w.take()[0].Attempt
	other := at
	other.Attempt = 2
	acks := w.send(batch(at, 1, "1"), batch(at, 1, "1", "2"), batch(other, 1, "x"), batch(at, 4, "4"), batch(at, 3, "3")).get(t).Batches
	want := []wire.LogAck{{Durable: 1}, {Durable: 2}, {Durable: 1}, {Durable: 2}, {Durable: 3}}
	if !slices.Equal(acks, want) {
		t.Errorf("acknowledged %v, want %v", acks, want)
	}
	if got := s.store.stored(at.Run); !slices.Equal(got, []string{"1", "2", "x", "3"}) {
		t.Errorf("the history has %q", got)
	}
}

func TestLinesOfNoRunAreRefused(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	s.trigger("hello", "")
	at := w.take()[0].Attempt
	changed := func(change func(*wire.LogBatch)) wire.LogBatch {
		b := batch(at, 1, "x")
		change(&b)
		return b
	}
	for name, c := range map[string]struct {
		batch wire.LogBatch
		code  wire.Code
	}{
		"unknown run": {changed(func(b *wire.LogBatch) { b.Run = "nosuchrun000" }), wire.NotFound},
		"no run":      {changed(func(b *wire.LogBatch) { b.Run = "" }), wire.NotFound},
		"stream":      {changed(func(b *wire.LogBatch) { b.Stream = "stdin" }), wire.BadRequest},
		"number":      {changed(func(b *wire.LogBatch) { b.First = 0 }), wire.BadRequest},
		"attempt":     {changed(func(b *wire.LogBatch) { b.Attempt = 0 }), wire.BadRequest},
		"task":        {changed(func(b *wire.LogBatch) { b.Task = "" }), wire.BadRequest},
	} {
		t.Log(name)
		if got := w.send(c.batch).refusal(t); got != c.code {
			t.Errorf("%s, want %s", got, c.code)
		}
	}
}

func TestLateLinesOfAnEndedRunJoinItsHistory(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	s.trigger("hello", "")
	at := w.take()[0].Attempt
	w.durable(batch(at, 1, "1", "2"))
	w.report(at, 0, map[string]int64{wire.Stdout: 2}).get(t)
	if got := w.durable(batch(at, 2, "2", "3")); got != 3 {
		t.Errorf("durable up to %d, want 3", got)
	}
	if got := w.durable(batch(at, 1, "1", "2", "3", "4")); got != 4 {
		t.Errorf("durable up to %d, want 4", got)
	}
	if got := s.store.stored(at.Run); !slices.Equal(got, []string{"1", "2", "3", "4"}) {
		t.Errorf("the history has %q", got)
	}
}

// A sender throws away the lines of a run that is said to be unknown.
func TestUnreadableHistoryLosesNoLines(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	s.trigger("hello", "")
	at := w.take()[0].Attempt
	w.report(at, 0, nil).get(t)
	s.store.blind(errors.New("out of memory"))
	if got := w.send(batch(at, 1, "1")).refusal(t); got != wire.Unavailable {
		t.Errorf("refused with %s", got)
	}
	s.store.blind(nil)
	if got := w.durable(batch(at, 1, "1")); got != 1 {
		t.Errorf("durable up to %d", got)
	}
}

func TestLinesCarryTheWorkflowOfTheirRun(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	id := s.trigger("hello", "").Run
	at := w.take()[0].Attempt
	w.durable(batch(at, 1, "x"))
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if b := s.store.lines[0]; b.Workflow != "hello" || b.Agent != "me" || b.Run != id {
		t.Errorf("stored %+v", b)
	}
}

func TestResultWaitsForItsLines(t *testing.T) {
	t.Run("and goes on when they come", func(t *testing.T) {
		s := newSite(t)
		w := s.worker("a1", 1)
		id := s.trigger("hello", "").Run
		at := w.take()[0].Attempt
		report := w.report(at, 0, map[string]int64{wire.Stdout: 2, wire.Stderr: 0})
		s.gated(1)
		w.durable(batch(at, 1, "1"))
		unanswered(t, "the report", report)
		if r := ask[wire.Run](t, s.admin, wire.OpRunGet, &wire.RunRef{Run: id}); r.Status != "RUNNING" {
			t.Errorf("the run is %s", r.Status)
		}
		w.durable(batch(at, 2, "2"))
		report.get(t)
		s.gated(0)
		if r := ask[wire.Run](t, s.admin, wire.OpRunGet, &wire.RunRef{Run: id}); r.Status != "COMPLETED" {
			t.Errorf("the run is %s", r.Status)
		}
	})
	t.Run("which are not durable before their commit", func(t *testing.T) {
		s := newSite(t)
		w := s.worker("a1", 1)
		s.trigger("hello", "")
		at := w.take()[0].Attempt
		arrived, release := s.store.lineGate.hold(t)
		sent := w.send(batch(at, 1, "1"))
		<-arrived
		report := w.report(at, 0, map[string]int64{wire.Stdout: 1})
		s.gated(1)
		unanswered(t, "the report", report)
		release()
		sent.get(t)
		report.get(t)
	})
	t.Run("but not for ever", func(t *testing.T) {
		s := newSite(t)
		w := s.worker("a1", 1)
		s.trigger("hello", "")
		at := w.take()[0].Attempt
		lines := map[string]int64{wire.Stdout: 1}
		report := w.report(at, 0, lines)
		s.gated(1)
		s.pass(wire.MaxWait)
		if got := report.refusal(t); got != wire.Unavailable {
			t.Errorf("refused with %s", got)
		}
		s.gated(0)
		again := w.report(at, 0, lines)
		s.gated(1)
		w.durable(batch(at, 1, "1"))
		again.get(t)
	})
	t.Run("and the older of two reports is answered", func(t *testing.T) {
		s := newSite(t)
		w := s.worker("a1", 1)
		s.trigger("hello", "")
		at := w.take()[0].Attempt
		first := w.report(at, 0, map[string]int64{wire.Stdout: 1})
		s.gated(1)
		second := w.report(at, 0, nil) // has all its lines
		second.get(t)
		if got := first.refusal(t); got != wire.Unavailable {
			t.Errorf("refused with %s", got)
		}
	})
	t.Run("and no other agent can push it aside", func(t *testing.T) {
		s := newSite(t)
		w, thief := s.worker("a1", 1), s.worker("a2", 1)
		s.trigger("hello", "")
		at := w.take()[0].Attempt
		report := w.report(at, 0, map[string]int64{wire.Stdout: 1})
		s.gated(1)
		if got := thief.report(at, 0, map[string]int64{wire.Stdout: 1e9}).refusal(t); got != wire.Fenced {
			t.Errorf("refused with %s", got)
		}
		s.gated(1)
		w.durable(batch(at, 1, "1"))
		report.get(t)
	})
	t.Run("and is answered at a shutdown", func(t *testing.T) {
		s := newSite(t)
		w := s.worker("a1", 1)
		s.trigger("hello", "")
		at := w.take()[0].Attempt
		report := w.report(at, 0, map[string]int64{wire.Stdout: 1})
		s.gated(1)
		s.stop()
		if got := report.refusal(t); got != wire.Unavailable {
			t.Errorf("refused with %s", got)
		}
	})
}

// gated waits until so many results wait for lines.
func (s *site) gated(n int) {
	s.t.Helper()
	harness.Eventually(s.t, "the results wait for their lines", func() bool {
		waiting := 0
		s.inLoop(func(l *loop) { waiting = len(l.gated) })
		return waiting == n
	})
}

func TestLogPortTakesOnlyLines(t *testing.T) {
	s := newSite(t)
	r := s.raw(s.p.logs.Endpoint(), "agent")
	for body, code := range map[string]wire.Code{
		`{"v":1,"id":"1","op":"status"}`:                                                 wire.UnknownOp,
		`{"v":1,"id":"1","op":"logs.append","batches":[],"x":1}`:                         wire.BadRequest,
		`{"v":1,"id":"1","op":"logs.append","batches":[{"first":"1"}]}`:                  wire.BadRequest,
		`{"v":2,"id":"1","op":"logs.append"}`:                                            wire.BadVersion,
		`{"v":1,"id":"1","op":"logs.append","agent":"` + strings.Repeat("x", 129) + `"}`: wire.TooLarge,
		`{`: wire.BadRequest,
		``:  wire.BadRequest,
	} {
		if got := r.ask(body); got.OK || got.Error.Code != code {
			t.Errorf("%s: %+v, want %s", body, got, code)
		}
	}
	if got := r.ask(`{"v":1,"id":"1","op":"ping"}`); !got.OK {
		t.Errorf("ping: %+v", got)
	}
}
