package listen

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// Debouncer merges events that come close together, and tells each of them. It
// is the listener of a Delivery, whose Done is its Told.
//
// An event with Debounce waits that long for another one of its workflow and
// key, and each that comes begins the wait anew, but the first of them waits no
// longer than 20 times as long. Then the last of them is sent, with a key of its
// own, and what becomes of it is told of all. Everything else is sent at once.
// But events are told in the order in which they came: what follows one that
// waits is told after it.
//
// At most Events events, or Bytes of their text, are held to be told. Where
// there are more, what the oldest waits with is sent, and nothing is taken until
// there is room again. The end of the source sends all that waits.
type Debouncer struct {
	From Listener
	Done func([]Outcome) error

	Events int
	Bytes  int

	mu      sync.Mutex
	held    []*held // the oldest first
	bytes   int
	changed chan struct{} // holds a token when some were told
}

// held is an event until it is told. Its group is guarded by the goroutine of
// Listen, all else by the mutex.
type held struct {
	Outcome
	group *group // nil: it is on its way
}

// debouncesAtMost is how many times its wait an event waits at most, where others
// come without a rest.
const debouncesAtMost = 20

// groupKey is what events have in common that are merged.
type groupKey struct{ workflow, key string }

// group is one event that waits, and those whose place it takes.
type group struct {
	groupKey
	last   Event
	all    []*held
	due    time.Time
	latest time.Time // no event makes it due later
	at     int       // in the heap
}

// merger is the part of a Debouncer that one goroutine owns.
type merger struct {
	*Debouncer
	ctx    context.Context
	emit   func([]Event) error
	groups map[groupKey]*group
	line   dueFirst
}

// Listen emits what is to be sent.
func (d *Debouncer) Listen(ctx context.Context, emit func([]Event) error) error {
	d.changed = make(chan struct{}, 1)
	from, stop := context.WithCancel(ctx)
	defer stop()
	events := make(chan []Event)
	gone := make(chan struct{})
	var listened error
	var listener sync.WaitGroup
	listener.Go(func() {
		defer close(events)
		listened = d.From.Listen(from, func(some []Event) error {
			select {
			case events <- some:
				return nil
			case <-gone:
				return errShut
			}
		})
	})
	m := merger{Debouncer: d, ctx: ctx, emit: emit, groups: map[groupKey]*group{}}
	err := m.run(events)
	close(gone)
	stop()
	listener.Wait()
	if err != nil {
		return err
	}
	return listened
}

func (m *merger) run(events <-chan []Event) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var due <-chan time.Time
		if len(m.line) > 0 {
			timer.Reset(time.Until(m.line[0].due))
			due = timer.C
		}
		select {
		case some, more := <-events:
			if !more {
				return m.send(m.ripe(time.Time{}))
			}
			if err := m.take(some); err != nil {
				return err
			}
		case <-due:
			if err := m.send(m.ripe(time.Now())); err != nil {
				return err
			}
		}
	}
}

func (m *merger) send(events []Event) error {
	if len(events) == 0 {
		return nil
	}
	return m.emit(events)
}

// take holds events, as soon as there is room for each, and emits those that do
// not wait.
func (m *merger) take(some []Event) error {
	var out []Event
	for _, e := range some {
		for m.full() && m.ctx.Err() == nil {
			if err := m.send(append(out, m.oldest()...)); err != nil {
				return err
			}
			out = nil
			select {
			case <-m.changed:
			case <-m.ctx.Done(): // the source ends: what it still has, has room
			}
		}
		out = append(out, m.hold(e)...)
	}
	return m.send(out)
}

func (d *Debouncer) full() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.held) >= d.Events || d.bytes >= d.Bytes
}

// hold puts an event in its place, and returns it where it is to be sent.
func (m *merger) hold(e Event) []Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := &held{Outcome: Outcome{Event: e}}
	m.held = append(m.held, h)
	m.bytes += len(e.Text)
	if e.Bad != nil || e.Debounce <= 0 {
		e.covers = []*held{h}
		return []Event{e}
	}
	key := groupKey{e.Trigger.Workflow, e.Trigger.Key}
	now := time.Now()
	g := m.groups[key]
	if g == nil {
		g = &group{groupKey: key, latest: now.Add(debouncesAtMost * e.Debounce)}
		m.groups[key] = g
		heap.Push(&m.line, g)
	}
	h.group, h.Trigger.Params = g, nil // those of the last are sent
	g.last, g.all, g.due = e, append(g.all, h), now.Add(e.Debounce)
	if g.due.After(g.latest) {
		g.due = g.latest
	}
	heap.Fix(&m.line, g.at)
	return nil
}

// ripe is what has waited long enough by now; zero: all that waits.
func (m *merger) ripe(now time.Time) []Event {
	var out []Event
	for len(m.line) > 0 && (now.IsZero() || !m.line[0].due.After(now)) {
		out = append(out, m.ripen(m.line[0]))
	}
	return out
}

// oldest is what the oldest event of all waits with. Where that one is on its
// way there will be room without it.
func (m *merger) oldest() []Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.held) == 0 || m.held[0].group == nil {
		return nil
	}
	return []Event{m.ripen(m.held[0].group)}
}

func (m *merger) ripen(g *group) Event {
	heap.Remove(&m.line, g.at)
	delete(m.groups, g.groupKey)
	for _, h := range g.all {
		h.group = nil
	}
	e := g.last
	e.covers, e.Trigger.Key = g.all, ""
	return e
}

// Told takes what became of the events that were emitted.
func (d *Debouncer) Told(batch []Outcome) error {
	d.mu.Lock()
	for _, o := range batch {
		for _, h := range o.covers {
			h.Trigger = o.Trigger // as it was sent
			h.Run, h.Skipped, h.Err = o.Run, o.Skipped, o.Err
		}
	}
	var told []Outcome
	for len(told) < len(d.held) && d.held[len(told)].known() {
		h := d.held[len(told)]
		d.held[len(told)] = nil
		d.bytes -= len(h.Text)
		told = append(told, h.Outcome)
	}
	d.held = d.held[len(told):]
	d.mu.Unlock()
	select {
	case d.changed <- struct{}{}:
	default: // there is a token already
	}
	if len(told) == 0 {
		return nil
	}
	return d.Done(told)
}

// dueFirst is the heap of the groups.
type dueFirst []*group

func (l dueFirst) Len() int           { return len(l) }
func (l dueFirst) Less(i, j int) bool { return l[i].due.Before(l[j].due) }
func (l dueFirst) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].at, l[j].at = i, j
}

// Push is for the heap.
func (l *dueFirst) Push(g any) {
	g.(*group).at = len(*l)
	*l = append(*l, g.(*group))
}

// Pop is for the heap.
func (l *dueFirst) Pop() any {
	last := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return last
}
