package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// world is a principal's lines, in virtual time: it commits, publishes to a
// stream that drops, doubles and delays, dies and comes back, and answers
// queries.
type world struct {
	t *testing.T

	mu      sync.Mutex
	random  *rand.Rand
	epoch   int
	up      bool
	all     []entry
	pos     int64     // of the newest record of any kind
	lines   int64     // of the newest line
	shown   int64     // what queries see
	busy    time.Time // until when shown stays behind
	told    int64     // of the newest line that was published
	before  map[string]int64
	floor   int64
	streams map[*brook]bool
	mute    bool
	topic   string // the run that is subscribed to; empty: all
}

// entry is a line, which says its position.
type entry struct {
	pos int64
	run string
	raw json.RawMessage
}

func newWorld(t *testing.T, seed int64) *world {
	return &world{
		t: t, random: rand.New(rand.NewSource(seed)), up: true, epoch: 1,
		before: map[string]int64{}, streams: map[*brook]bool{},
	}
}

// brook is a stream.
type brook struct {
	w    *world
	out  chan *wire.Live
	lost chan struct{}
	once sync.Once
}

func (b *brook) messages() <-chan *wire.Live { return b.out }
func (b *brook) broken() <-chan struct{}     { return b.lost }
func (b *brook) breaks()                     { b.once.Do(func() { close(b.lost) }) }

func (b *brook) close() {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	delete(b.w.streams, b)
}

func (w *world) open(ctx context.Context) (stream, error) {
	if err := w.untilUp(ctx); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.chance(5) {
		return nil, nil // none to be had, for now
	}
	b := &brook{w: w, out: make(chan *wire.Live, 8), lost: make(chan struct{})}
	w.streams[b] = true
	return b, nil
}

func (w *world) chance(percent int) bool { return w.random.Intn(100) < percent }

func (w *world) untilUp(ctx context.Context) error {
	for {
		w.mu.Lock()
		up := w.up
		w.mu.Unlock()
		if up {
			return ctx.Err()
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

// commit makes some batches durable and publishes them.
func (w *world) commit() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for range 1 + w.random.Intn(3) {
		w.pos += int64(w.random.Intn(3)) // events
		run := "run" + strconv.Itoa(w.random.Intn(2))
		before := wire.Before{All: max(w.lines, w.floor), Workflow: max(w.lines, w.floor), Run: w.floor}
		if pos, ok := w.before[run]; ok {
			before.Run = pos
		}
		m := &wire.Live{Epoch: strconv.Itoa(w.epoch), Pos: w.pos + 1, Before: &before}
		for range 1 + w.random.Intn(5) {
			w.pos++
			text := strconv.FormatInt(w.pos, 10)
			raw := (&wire.LogRecord{Workflow: "wf", Run: run, Stream: wire.Stdout, Message: &text}).AppendJSON(nil)
			m.Records = append(m.Records, raw)
			w.all = append(w.all, entry{w.pos, run, raw})
		}
		w.lines, w.before[run], w.told = w.pos, w.pos, w.pos
		if w.topic == "" || w.topic == run {
			w.publish(m)
		}
	}
	if now := time.Now(); w.chance(20) { // an event is being committed beside it
		busy := time.Duration(w.random.Intn(20)) * time.Millisecond
		if w.chance(10) {
			busy = 2 * time.Second
		}
		w.busy = now.Add(busy)
	} else if now.After(w.busy) {
		w.shown = w.pos
	}
}

// settle ends what is being committed.
func (w *world) settle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Now().After(w.busy) {
		w.shown = w.pos
	}
}

func (w *world) mark() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.publish(&wire.Live{Epoch: strconv.Itoa(w.epoch), Pos: w.pos, Lines: w.told})
}

func (w *world) publish(m *wire.Live) {
	for b := range w.streams {
		if w.mute || w.chance(15) {
			continue
		}
		for copies := 1 + w.random.Intn(10)/9; copies > 0; copies-- {
			deliver := func() {
				select {
				case b.out <- m:
				default: // it is slow
				}
			}
			if w.chance(15) {
				time.AfterFunc(time.Duration(w.random.Intn(3000))*time.Millisecond, deliver)
			} else {
				deliver()
			}
		}
	}
}

// crash kills the principal for a while. A follower may be told or not.
func (w *world) crash() {
	w.mu.Lock()
	w.up = false
	for b := range w.streams {
		if w.chance(50) {
			b.breaks()
		}
		delete(w.streams, b)
	}
	down := time.Duration(w.random.Intn(5000)) * time.Millisecond
	w.mu.Unlock()
	time.Sleep(down)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.up = true
	w.epoch++
	w.floor, w.told, w.shown = w.pos, w.pos, w.pos
	clear(w.before)
}

// Call answers logs.query, a few records at a time.
func (w *world) Call(ctx context.Context, op wire.Op, req Request, result any) error {
	w.mu.Lock()
	slow := time.Duration(w.random.Intn(20)) * time.Millisecond
	w.mu.Unlock()
	if err := pause(ctx, slow); err != nil {
		return err
	}
	if err := w.untilUp(ctx); err != nil {
		return err
	}
	q, page := req.(*wire.LogsQuery), result.(*wire.Logs)
	if op != wire.OpLogsQuery || !q.ByPos {
		return fmt.Errorf("asked for %s %+v", op, q)
	}
	for end := time.Now().Add(q.Wait()); ; {
		w.page(q, page)
		if len(page.Records) > 0 || time.Now().After(end) {
			return nil
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

func (w *world) page(q *wire.LogsQuery, page *wire.Logs) {
	w.mu.Lock()
	defer w.mu.Unlock()
	after, snap := q.After, w.shown
	if q.Cursor != "" { // the pages of a query are of one moment
		if _, err := fmt.Sscanf(q.Cursor, "%d.%d", &after, &snap); err != nil {
			w.t.Error(err)
		}
	}
	*page = wire.Logs{Pos: snap}
	for _, e := range w.all {
		if e.pos <= after || e.pos > snap || q.Run != "" && e.run != q.Run {
			continue
		}
		if len(page.Records) == 4 {
			page.More = true
			break
		}
		page.Records = append(page.Records, e.raw)
		after = e.pos
	}
	if page.More {
		page.Pos, page.Cursor = after, fmt.Sprintf("%d.%d", after, snap)
	}
}

// live is the principal's life: some seconds, then peace.
func (w *world) live() {
	stop := make(chan struct{})
	var marks sync.WaitGroup
	marks.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Second):
				w.mark()
			}
		}
	})
	for range 150 {
		w.mu.Lock()
		rest, crash := time.Duration(w.random.Intn(200))*time.Millisecond, w.chance(2)
		w.mu.Unlock()
		time.Sleep(rest)
		if crash {
			w.crash()
		}
		w.commit()
		time.Sleep(5 * time.Millisecond)
		w.settle()
	}
	w.mu.Lock()
	w.mute = true // the last message reaches nobody
	w.mu.Unlock()
	w.commit()
	w.mu.Lock()
	w.mute = false
	w.mu.Unlock()
	time.Sleep(3 * time.Second)
	w.settle()
	time.Sleep(40 * time.Second)
	close(stop)
	marks.Wait()
}

// simulate lets a follower follow a world, of which it is to give out every
// line of a run (or of all, where run is empty) once and in order.
func simulate(t *testing.T, seed int64, run string, after int64) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, seed)
		w.topic = run
		var got []int64
		upTo := after
		emit := func(some wire.Logs) error {
			for _, raw := range some.Records {
				var r wire.LogRecord
				if err := json.Unmarshal(raw, &r); err != nil {
					return err
				}
				pos, err := strconv.ParseInt(*r.Message, 10, 64)
				if err != nil {
					return err
				}
				if pos <= upTo {
					t.Errorf("seed %d: %d is given out after a position of %d", seed, pos, upTo)
				}
				got = append(got, pos)
			}
			if some.Pos < upTo {
				t.Errorf("seed %d: the position falls from %d to %d", seed, upTo, some.Pos)
			}
			upTo = some.Pos
			w.mu.Lock()
			slow := w.chance(3)
			w.mu.Unlock()
			if slow {
				time.Sleep(2 * time.Second)
			}
			return nil
		}
		part := scope{workflow: "wf", run: run}
		q := wire.LogsQuery{ByPos: true, Filter: wire.Filter{Run: run}}
		f := follower{of: &lines{c: w, scope: part, q: q, emit: emit}, from: w, seen: after}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- f.run(ctx) }()
		w.live()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("seed %d: the follower ended with %v", seed, err)
		}
		var want []int64
		for _, e := range w.all {
			if e.pos > after && (run == "" || e.run == run) {
				want = append(want, e.pos)
			}
		}
		if !slices.Equal(got, want) {
			n := 0
			for n < len(got) && n < len(want) && got[n] == want[n] {
				n++
			}
			t.Errorf("seed %d: %d of %d lines are given out; the first that differs is %d: %v, want %v", seed, len(got), len(want), n, got[n:min(n+5, len(got))], want[n:min(n+5, len(want))])
		}
	})
}

// CDKTR_SEED repeats one that has failed.
func TestFollowerGivesOutEachLineOnceAndInOrder(t *testing.T) {
	seeds := []int64{}
	if text := os.Getenv("CDKTR_SEED"); text != "" {
		seed, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, seed)
	} else {
		for range 40 {
			seeds = append(seeds, rand.Int63())
		}
	}
	t.Logf("the first seed is %d", seeds[0])
	for i, seed := range seeds {
		run := []string{"run0", ""}[i%2]
		simulate(t, seed, run, int64(i%3)*40)
		if t.Failed() {
			t.Fatalf("seed %d, run %q, after %d", seed, run, i%3*40)
		}
	}
}
