package principal

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

// stream is a subscriber. It is there when a first mark has come: whatever was
// published before may be missing.
type stream struct {
	t     *testing.T
	epoch string
	in    <-chan bus.Published
}

func (s *site) subscribe() *stream {
	s.t.Helper()
	sub, err := bus.Subscribe(s.target(s.p.live.pub.Endpoint(), "admin"), "")
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { sub.Close() })
	st := &stream{s.t, s.p.epoch, sub.Messages()}
	st.next("mark")
	return st
}

// next skips to a message of that topic.
func (st *stream) next(topic string) wire.Live {
	st.t.Helper()
	late := time.After(harness.Patience)
	for {
		select {
		case m, open := <-st.in:
			if !open {
				st.t.Fatal("the stream ended")
			}
			if m.Topic != topic {
				continue
			}
			var p wire.Live
			if err := json.Unmarshal(m.Body, &p); err != nil {
				st.t.Fatal(err)
			}
			if p.Epoch != st.epoch || p.V != wire.Version {
				st.t.Errorf("%s: epoch %q, version %d", topic, p.Epoch, p.V)
			}
			return p
		case <-late:
			st.t.Fatalf("no message %s came", topic)
		}
	}
}

func TestLiveStreamTellsWhatIsDurable(t *testing.T) {
	s := newSite(t)
	st := s.subscribe()
	id := s.trigger("hello", "").Run
	created := st.next("event/hello/" + id + "/")
	if created.Pos != 1 || created.Event == nil || created.Event.Status != "PENDING" || created.Event.Run != id || created.Event.Pos != 1 || created.Event.Task != nil {
		t.Errorf("created: %+v %+v", created, created.Event)
	}
	w := s.worker("a1", 1)
	at := w.take()[0].Attempt
	st.next("event/hello/" + id + "/") // the run is RUNNING
	leased := st.next("event/hello/" + id + "/").Event
	if leased.Status != "RUNNING" || leased.Task == nil || *leased.Task != "a" || leased.Agent == nil || *leased.Agent != "name-of-a1" || *leased.Attempt != 1 {
		t.Errorf("leased: %+v", leased)
	}
	before := s.store.Durable()
	w.durable(batch(at, 1, "one", "two"))
	lines := st.next("log/hello/" + id + "/a/")
	var first wire.LogRecord
	if len(lines.Records) != 2 || lines.Pos != before+1 || json.Unmarshal(lines.Records[0], &first) != nil || *first.Message != "one" || first.Seq != 1 || first.Workflow != "hello" {
		t.Errorf("lines: %+v", lines)
	}
	// A subscriber that missed the last message sees that by the mark.
	harness.Eventually(t, "a mark with the last position", func() bool { return st.next("mark").Pos == s.store.Durable() })
}

func TestLiveStreamSaysNothingBeforeTheCommit(t *testing.T) {
	s := newSite(t)
	st := s.subscribe()
	arrived, release := s.store.eventGate.hold(t)
	trigger := later[wire.Triggered](s.admin, wire.OpRunTrigger, item("hello", ""))
	<-arrived
	select {
	case m := <-st.in:
		if m.Topic != "mark" {
			t.Errorf("%s was published before its commit", m.Topic)
		}
	case <-time.After(settles):
	}
	release()
	st.next("event/hello/" + trigger.get(t).Run + "/")
}

// Whoever has seen everything up to Before has missed nothing, whether he has
// subscribed to all, to a workflow or to a run; and what is too large to be
// published shows as a hole.
func TestMessagesSayWhatCameBefore(t *testing.T) {
	s := newSite(t)
	first, second := s.trigger("hello", "").Run, s.trigger("hello", "").Run
	w := s.worker("a1", 2)
	attempts := map[string]wire.Attempt{}
	for len(attempts) < 2 {
		for _, l := range w.take() {
			attempts[l.Attempt.Run] = l.Attempt
		}
	}
	start := s.store.Durable()
	w.durable(batch(attempts[first], 1, "nobody listens"))
	st := s.subscribe()
	long := strings.Repeat("x", 1000)
	many := slices.Repeat([]string{long}, 200)
	many[100] = strings.Repeat("y", wire.MaxLive)
	w.durable(batch(attempts[second], 1, many...))
	w.durable(batch(attempts[first], 2, "last"))

	seen, records := int64(0), 0
	for records < 199 {
		m := st.next("log/hello/" + second + "/a/")
		if size := len(m.Records) * len(long); size > wire.MaxLive {
			t.Errorf("a message has %d bytes", size)
		}
		want := wire.Before{All: start + 1, Workflow: start + 1, Run: s.p.live.lines.runs.floor}
		if seen > 0 { // also where that is the long one, which nobody has seen
			want = wire.Before{All: m.Pos - 1, Workflow: m.Pos - 1, Run: m.Pos - 1}
		}
		if m.Before == nil || *m.Before != want {
			t.Errorf("message of %d, after %d: %+v, want %+v", m.Pos, seen, m.Before, want)
		}
		records += len(m.Records)
		seen = m.Pos + int64(len(m.Records)) - 1
	}
	if seen != start+201 {
		t.Errorf("the last line is at %d, want %d", seen, start+201)
	}
	last := st.next("log/hello/" + first + "/a/")
	if want := (wire.Before{All: seen, Workflow: seen, Run: start + 1}); last.Before == nil || *last.Before != want {
		t.Errorf("the other run's: %+v, want %+v", last.Before, want)
	}
	if m := st.next(wire.TopicMark); m.Lines != last.Pos || m.Events == 0 || m.Events >= m.Lines {
		t.Errorf("the mark tells lines up to %d and events up to %d; the last line is at %d", m.Lines, m.Events, last.Pos)
	}
}

// Who follows asks often; where there is nothing, the store is left alone.
func TestNothingNewIsAnsweredFromMemory(t *testing.T) {
	s := newSite(t)
	quiet, busy := s.trigger("hello", "").Run, s.trigger("hello", "").Run
	w := s.worker("a1", 2)
	attempts := map[string]wire.Attempt{}
	for len(attempts) < 2 {
		for _, l := range w.take() {
			attempts[l.Attempt.Run] = l.Attempt
		}
	}
	w.durable(batch(attempts[quiet], 1, "one"))
	at := s.store.Durable()
	w.durable(batch(attempts[busy], 1, "one", "two"))
	pages := s.store.read()
	query := func(run string, after int64) wire.Logs {
		return ask[wire.Logs](t, s.admin, wire.OpLogsQuery, &wire.LogsQuery{Filter: wire.Filter{Run: run}, ByPos: true, After: after})
	}
	if page := query(quiet, at); len(page.Records) != 0 || page.Pos != at+2 || page.More {
		t.Errorf("a quiet run after %d: %+v", at, page)
	}
	if s.store.read() != pages {
		t.Error("the store was asked for what is known")
	}
	query(busy, at)
	query("", at)
	query(quiet, at-1)
	if got := s.store.read(); got != pages+3 {
		t.Errorf("the store was asked %d times for what may be there, want 3", got-pages)
	}
}

// One who goes on from a position that this history has not reached has it from
// another one, and is to see that; one who has it from the live stream is not
// told that the history ends before.
func TestAnswersSayHowFarTheHistoryGoes(t *testing.T) {
	s := newSite(t)
	s.trigger("hello", "")
	w := s.worker("a1", 1)
	w.durable(batch(w.take()[0].Attempt, 1, "one"))
	newest := s.store.Durable()
	for after, want := range map[int64]int64{newest: newest, newest + 1000: newest} {
		logs := ask[wire.Logs](t, s.admin, wire.OpLogsQuery, &wire.LogsQuery{After: after})
		follow := ask[wire.Logs](t, s.admin, wire.OpLogsQuery, &wire.LogsQuery{After: after, ByPos: true})
		if logs.Pos != want || follow.Pos != want {
			t.Errorf("lines after %d: up to %d, by position up to %d, want %d", after, logs.Pos, follow.Pos, want)
		}
	}
	if events := ask[wire.Events](t, s.admin, wire.OpEventsQuery, &wire.EventsQuery{After: newest + 1000}); events.Pos > newest {
		t.Errorf("events after %d: up to %d, beyond %d", newest+1000, events.Pos, newest)
	}
}
