package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/wire"
)

// teller is a principal with one run, "r" of the workflow "wf", over real
// sockets. Line n of the run is at position n and says so. It publishes what a
// test tells it to.
type teller struct {
	*principal
	pub   *bus.Publisher
	live  string
	begun chan wire.LogsQuery // what was asked
	stops context.CancelFunc
	ctx   context.Context
	works sync.WaitGroup

	mu      sync.Mutex
	newest  int64
	ended   bool
	changed chan struct{}
	onQuery func(wire.LogsQuery) (answer bool) // called with mu held
}

const tellsOf = "log/wf/r/a/"

func tell(t *testing.T) *teller {
	t.Helper()
	w := &teller{principal: start(t, t.TempDir()), begun: make(chan wire.LogsQuery, 100), changed: make(chan struct{})}
	var err error
	if w.pub, err = w.server.Publisher("tcp://127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	w.live = w.pub.Endpoint()
	w.ctx, w.stops = context.WithCancel(context.Background())
	t.Cleanup(func() {
		w.stops()
		w.works.Wait()
	})
	w.principal.mu.Lock()
	defer w.principal.mu.Unlock()
	w.also = w.answers
	return w
}

func (w *teller) answers(header wire.Header, r *bus.Request) bool {
	reply := func(result any) { r.Reply(wire.EncodeReply(header.ID, result)) }
	switch header.Op {
	case wire.OpStatus:
		reply(wire.PrincipalStatus{Live: w.live})
	case wire.OpRunGet:
		reply(wire.Run{Run: "r", Workflow: "wf"})
	case wire.OpRunWait:
		w.works.Go(func() {
			if w.until(w.ctx, func() bool { return w.ended }) == nil {
				reply(wire.RunWaited{Run: "r", Status: "COMPLETED", Ended: true})
			}
		})
	case wire.OpLogsQuery:
		var q wire.LogsQuery
		if refused := wire.DecodeRequest(r.Body, &q); refused != nil {
			w.t.Error(refused)
		}
		w.begun <- q
		w.works.Go(func() {
			ctx, cancel := context.WithTimeout(w.ctx, q.Wait())
			defer cancel()
			_ = w.until(ctx, func() bool { return w.newest > q.After })
			if page, ok := w.page(q); ok {
				reply(page)
			}
		})
	default:
		return false
	}
	return true
}

// until returns when what is asked with mu held is so.
func (w *teller) until(ctx context.Context, so func() bool) error {
	for {
		w.mu.Lock()
		ok, changed := so(), w.changed
		w.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// page has four lines. The pages of a query are of the moment of the first.
func (w *teller) page(q wire.LogsQuery) (wire.Logs, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.onQuery != nil && !w.onQuery(q) {
		return wire.Logs{}, false
	}
	after, snap := q.After, w.newest
	if q.Cursor != "" {
		if _, err := fmt.Sscanf(q.Cursor, "%d.%d", &after, &snap); err != nil {
			w.t.Error(err)
		}
	}
	page := wire.Logs{Pos: snap}
	if page.More = snap > after+4; page.More {
		page.Pos = after + 4
		page.Cursor = fmt.Sprintf("%d.%d", page.Pos, snap)
	}
	page.Records = records(after+1, max(page.Pos, after))
	return page, true
}

// records are those of the lines from first to last.
func records(first, last int64) (some []json.RawMessage) {
	for n := first; n <= last; n++ {
		text := strconv.FormatInt(n, 10)
		r := wire.LogRecord{Workflow: "wf", Run: "r", Task: "a", Attempt: 1, Stream: wire.Stdout, Seq: n, Message: &text}
		some = append(some, r.AppendJSON(nil))
	}
	return some
}

// add makes lines, which nobody hears of.
func (w *teller) add(n int64) (first int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.grow(n)
	return w.newest - n + 1
}

func (w *teller) grow(n int64) {
	w.newest += n
	close(w.changed)
	w.changed = make(chan struct{})
}

// say makes lines and publishes them.
func (w *teller) say(n int64) {
	first := w.add(n)
	w.publish(tellsOf, wire.Live{Pos: first, Before: &wire.Before{All: first - 1, Workflow: first - 1, Run: first - 1}, Records: records(first, first+n-1)})
}

func (w *teller) mark() {
	w.mu.Lock()
	newest := w.newest
	w.mu.Unlock()
	w.publish(wire.TopicMark, wire.Live{Pos: newest, Lines: newest})
}

func (w *teller) publish(topic string, m wire.Live) {
	w.t.Helper()
	m.V, m.Epoch = wire.Version, "one"
	body, err := json.Marshal(m)
	if err != nil {
		w.t.Fatal(err)
	}
	w.pub.Publish(topic, body)
}

// heardBy waits until a follower hears what is published.
func (w *teller) heardBy() {
	w.t.Helper()
	for end := time.Now().Add(patience); !w.pub.Wanted(tellsOf) || !w.pub.Wanted(wire.TopicMark); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatal("nobody subscribes")
		}
	}
}

const patience = 20 * time.Second

// given is what a follower has given out.
type given struct {
	t    *testing.T
	out  chan string
	want int // the number of the line that was seen last
}

func (g *given) emit(some wire.Logs) error {
	for _, raw := range some.Records {
		var r wire.LogRecord
		if err := json.Unmarshal(raw, &r); err != nil {
			return err
		}
		g.out <- *r.Message
	}
	return nil
}

// next are the next n lines: those that follow.
func (g *given) next(n int) {
	g.t.Helper()
	for range n {
		g.want++
		select {
		case text := <-g.out:
			if text != strconv.Itoa(g.want) {
				g.t.Fatalf("line %s is given out, want %d", text, g.want)
			}
		case <-time.After(patience):
			g.t.Fatalf("line %d does not come", g.want)
		}
	}
}

// follow follows all lines until the test ends.
func (w *teller) follow() *given {
	g := &given{t: w.t, out: make(chan string, 100)}
	c := open(w.t, Options{Data: w.data})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.FollowLogs(ctx, wire.LogsQuery{}, g.emit) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			w.t.Errorf("the follower ends with %v", err)
		}
		if len(g.out) > 0 {
			w.t.Errorf("line %s is given out again", <-g.out)
		}
	})
	return g
}

// The one in the middle shows by the next message, the last one by the mark.
func TestDroppedMessagesAreReadFromTheHistory(t *testing.T) {
	w := tell(t)
	w.add(6)
	g := w.follow()
	g.next(6)
	w.heardBy()
	w.say(2)
	g.next(2)
	asked := len(w.begun)
	w.add(3)
	w.say(1)
	g.next(4)
	w.say(1)
	g.next(1)
	w.add(2)
	w.mark()
	g.next(2)
	if more := len(w.begun) - asked; more > 2 {
		t.Errorf("the history was asked %d times for two holes", more)
	}
}

func TestLinesComeWhereNoLiveStreamIsReached(t *testing.T) {
	t.Parallel()
	w := tell(t)
	w.live = "tcp://127.0.0.1:1"
	w.add(1)
	g := w.follow()
	g.next(1)
	for q := range w.begun { // one that waits for news
		if q.WaitMS > 0 {
			break
		}
	}
	w.add(2)
	g.next(2)
}

// What a run says last is given out also where its end cuts short the reading
// of the history, whose pages are of an earlier moment.
func TestFollowerOfARunHasItsLastLinesThoughItEndsDuringTheBackfill(t *testing.T) {
	w := tell(t)
	w.add(10)
	w.onQuery = func(q wire.LogsQuery) bool {
		if w.ended || q.Cursor == "" {
			return true
		}
		w.ended = true
		w.grow(3)
		return false
	}
	g := &given{t: t, out: make(chan string, 100)}
	end, err := open(t, Options{Data: w.data}).FollowRun(t.Context(), "r", wire.LogsQuery{}, g.emit)
	if err != nil || end.Status != "COMPLETED" {
		t.Errorf("%+v, %v", end, err)
	}
	if len(g.out) != 13 {
		t.Errorf("%d lines are given out, want 13", len(g.out))
	}
	g.next(min(len(g.out), 13))
}
