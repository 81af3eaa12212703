package scheduler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdktr/cdktr/lib/listen"
	"github.com/cdktr/cdktr/lib/wire"
)

// handClock is set by hand.
type handClock struct {
	mu    sync.Mutex
	now   time.Time
	asked time.Time
	wake  chan struct{}
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) Wake(at time.Time) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = at
	if !at.IsZero() && !at.After(c.now) {
		c.ring()
	}
	return c.wake
}

func (c *handClock) ring() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *handClock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
	c.ring()
}

func (c *handClock) next() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

// history is a principal in memory. It decides slots in their order, as the
// true one does.
type history struct {
	mu        sync.Mutex
	schedules []wire.Schedule
	decided   map[string]wire.Slot
	runs      []string        // "workflow slot", in their order
	skipped   []string        // "workflow reason"
	set       []string        // the workflows of decisions without a reason
	keys      map[string]bool // of runs
	refuses   map[string]wire.Code
	most      int // triggers that are taken before it dies; 0: any number
	slow      chan struct{}
}

var errDied = errors.New("the principal died")

func (h *history) Schedules(context.Context) ([]wire.Schedule, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := slices.Clone(h.schedules)
	for i := range list {
		if d, ok := h.decided[list[i].Workflow]; ok {
			list[i].Decided = &d
		}
	}
	return list, nil
}

func (h *history) has(workflow string, slot wire.Slot) bool {
	d := h.decided[workflow]
	return d.Schedule == slot.Schedule && !slot.Time.After(d.Time.Time)
}

func (h *history) Decide(_ context.Context, batch []wire.Decision) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, d := range batch {
		if h.has(d.Workflow, d.Slot) {
			continue
		}
		h.decided[d.Workflow] = d.Slot
		if d.Reason == "" {
			h.set = append(h.set, d.Workflow)
		} else {
			h.skipped = append(h.skipped, d.Workflow+" "+d.Reason)
		}
	}
	return nil
}

func (h *history) trigger(_ context.Context, items []wire.TriggerItem) ([]wire.Triggered, error) {
	if h.slow != nil {
		<-h.slow
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var answers []wire.Triggered
	for _, item := range items {
		if h.most > 0 && len(h.runs) == h.most {
			return nil, errDied // between the commit and the answer
		}
		slot := wire.Slot{Schedule: item.Schedule, Time: *item.Scheduled}
		name := item.Workflow + " " + item.Scheduled.Format(time.RFC3339)
		switch key := item.Workflow + item.Key; {
		case h.refuses[item.Workflow] != "":
			answers = append(answers, wire.Triggered{Error: &wire.Error{Code: h.refuses[item.Workflow], Message: "no"}})
		case h.keys[key]:
			answers = append(answers, wire.Triggered{Run: "r", Existing: true})
		case h.has(item.Workflow, slot):
			answers = append(answers, wire.Triggered{Skipped: "decided before"})
		default:
			h.keys[key], h.decided[item.Workflow] = true, slot
			h.runs = append(h.runs, name)
			answers = append(answers, wire.Triggered{Run: "r"})
		}
	}
	return answers, nil
}

func (h *history) did() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.runs)
}

func (h *history) change(to func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	to()
}

// world is a scheduler over a history, in a bubble where nothing happens but by
// the clock that is set by hand.
type world struct {
	*history
	clock   *handClock
	changed chan struct{}
	stop    context.CancelFunc
	over    sync.WaitGroup
	sup     *listen.Supervisor
}

func inWorld(t *testing.T, now string, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{
			history: &history{decided: map[string]wire.Slot{}, keys: map[string]bool{}, refuses: map[string]wire.Code{}},
			clock:   &handClock{now: at(now), wake: make(chan struct{}, 1)},
			changed: make(chan struct{}, 1),
		}
		test(t, w)
		w.end()
	})
}

func at(text string) time.Time {
	when, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return when
}

func (w *world) add(workflow, cron, zone, catchup string) *wire.Schedule {
	w.schedules = append(w.schedules, wire.Schedule{Workflow: workflow, Cron: cron, Timezone: zone, Catchup: catchup, CatchupWindow: "24h0m0s"})
	return &w.schedules[len(w.schedules)-1]
}

// start begins the life of a principal, after the end of the one before.
func (w *world) start(t *testing.T) {
	t.Helper()
	w.end()
	ctx, stop := context.WithCancel(t.Context())
	w.stop = stop
	s := New(w, w.clock, slog.New(slog.DiscardHandler), w.changed)
	w.sup = &listen.Supervisor{Name: "scheduler", Listener: s, Send: w.trigger, Told: s.Told, Log: slog.New(slog.DiscardHandler)}
	w.over.Go(func() { w.sup.Run(ctx) })
	synctest.Wait()
}

func (w *world) end() {
	if w.stop != nil {
		w.stop()
		w.over.Wait()
	}
}

// until lets the time go by, from one instant that is waited for to the next.
func (w *world) until(text string) {
	end := at(text)
	for synctest.Wait(); ; synctest.Wait() {
		next := w.clock.next()
		if next.IsZero() || next.After(end) {
			break
		}
		w.clock.set(next)
	}
	w.jump(text)
}

// jump sets the clock.
func (w *world) jump(text string) {
	w.clock.set(at(text))
	synctest.Wait()
}

// tell says that something has changed.
func (w *world) tell() {
	w.changed <- struct{}{}
	synctest.Wait()
}

func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// slots names slots of a workflow on a day.
func slots(workflow, day string, times ...string) []string {
	var all []string
	for _, clock := range times {
		all = append(all, fmt.Sprintf("%s %sT%sZ", workflow, day, clock))
	}
	return all
}
