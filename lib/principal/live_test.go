package principal

import (
	"encoding/json"
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
func (st *stream) next(topic string) published {
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
			var p published
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
