package principal

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/story"
	"github.com/cdktr/cdktr/lib/wire"
)

// memory is a Store without a disk. A test can hold its commits back, make
// them fail, and see what each one held.
type memory struct {
	eventGate gate
	lineGate  gate

	mu      sync.Mutex
	pos     int64
	events  []run.Event
	batches [][]run.Event // one a commit
	lines   []wire.LogBatch
	failing error    // of every commit
	unread  error    // of every query
	pages   int      // of lines that were read
	asked   []string // runs whose last lines were asked for

	looked func() // after each look for the last lines of a run, before the asker knows of it
}

// gate stands before a commit. It is open until it is shut.
type gate struct {
	mu      sync.Mutex
	shut    chan struct{}
	arrived chan struct{}
}

// hold shuts the gate. Arrived is closed when the next commit stands before
// it; release opens it again.
func (g *gate) hold(t *testing.T) (arrived <-chan struct{}, release func()) {
	shut, at := make(chan struct{}), make(chan struct{})
	g.mu.Lock()
	g.shut, g.arrived = shut, at
	g.mu.Unlock()
	release = sync.OnceFunc(func() {
		g.mu.Lock()
		if g.shut == shut { // else it was shut again meanwhile
			g.shut = nil
		}
		g.mu.Unlock()
		close(shut)
	})
	t.Cleanup(release)
	return at, release
}

func (g *gate) pass() {
	g.mu.Lock()
	shut, arrived := g.shut, g.arrived
	g.arrived = nil
	g.mu.Unlock()
	if shut == nil {
		return
	}
	if arrived != nil {
		close(arrived)
	}
	<-shut
}

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failing = err
}

func (m *memory) commits() [][]run.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.batches)
}

// stored is how many lines a run has in the history.
func (m *memory) stored(id string) (texts []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.lines {
		for _, l := range b.Lines {
			if b.Run == id {
				texts = append(texts, l.Text)
			}
		}
	}
	return texts
}

func (m *memory) Append(_ context.Context, events []run.Event) error {
	m.eventGate.pass()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failing != nil {
		return m.failing
	}
	for i := range events {
		m.pos++
		events[i].Pos = m.pos
	}
	m.events = append(m.events, events...)
	m.batches = append(m.batches, slices.Clone(events))
	return nil
}

func (m *memory) AppendLines(_ context.Context, batches []wire.LogBatch) error {
	m.lineGate.pass()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failing != nil {
		return m.failing
	}
	for i := range batches {
		batches[i].Pos = m.pos + 1
		m.pos += int64(len(batches[i].Lines))
	}
	m.lines = append(m.lines, batches...)
	return nil
}

func (m *memory) Durable() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.pos
}

func (m *memory) Replay(_ context.Context, fn func(run.Event) error) error {
	ended := map[string]bool{}
	for _, e := range m.events {
		if e.Kind == run.RunChanged && e.Status.Final() {
			ended[e.Run] = true
		}
	}
	for _, e := range m.events {
		if ended[e.Run] || e.Run == "" {
			continue
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) Schedules(_ context.Context, fn func(run.Scheduled) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := map[string]run.Scheduled{}
	for i := range m.events {
		s := known[m.events[i].Workflow]
		s.Note(&m.events[i])
		known[s.Workflow] = s
	}
	for _, s := range known {
		if s == (run.Scheduled{Workflow: s.Workflow}) {
			continue
		}
		if err := fn(s); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) Keys(_ context.Context, _ time.Time, _ int, fn func(run.Key) error) error {
	for _, e := range m.events {
		if e.Kind != run.RunCreated || e.Created.Key == "" {
			continue
		}
		if err := fn(run.Key{Workflow: e.Workflow, Key: e.Created.Key, Run: e.Run, Params: e.Created.Given(), Time: e.Time}); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) LastLines(_ context.Context, runs []string) (map[wire.StreamID]int64, error) {
	if m.looked != nil {
		defer m.looked()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, runs...)
	last := map[wire.StreamID]int64{}
	for i := range m.lines {
		if b := &m.lines[i]; slices.Contains(runs, b.Run) {
			last[b.ID()] = b.First + int64(len(b.Lines)) - 1
		}
	}
	return last, m.unread
}

func (m *memory) FindRuns(_ context.Context, prefix string, limit int) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ids []string
	for _, e := range slices.Backward(m.events) {
		if e.Kind == run.RunCreated && strings.HasPrefix(e.Run, prefix) && len(ids) < limit {
			ids = append(ids, e.Run)
		}
	}
	return ids, m.unread
}

func (m *memory) GetRun(_ context.Context, id string) (*wire.Run, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.folded()[id], m.unread
}

func (m *memory) Story(_ context.Context, id string) (story []run.Event, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.events {
		if e.Run == id {
			story = append(story, e)
		}
	}
	return story, m.unread
}

// folded is all runs as their events have made them.
func (m *memory) folded() map[string]*wire.Run {
	told := map[string]*story.Story{}
	for i := range m.events {
		e := &m.events[i]
		if told[e.Run] == nil {
			told[e.Run] = &story.Story{}
		}
		told[e.Run].Add(e)
	}
	runs := map[string]*wire.Run{}
	for id, s := range told {
		runs[id] = s.Run()
	}
	return runs
}

func (m *memory) ListRuns(_ context.Context, q wire.RunList) (wire.Runs, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	runs := m.folded()
	var out wire.Runs
	for _, e := range m.events {
		if e.Kind == run.RunCreated && (q.Run == "" || q.Run == e.Run) {
			out.Runs = append(out.Runs, *runs[e.Run])
		}
	}
	return out, m.unread
}

func (m *memory) ListEvents(_ context.Context, q wire.EventsQuery) (wire.Events, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out wire.Events
	for i := range m.events {
		if e, ok := eventOut(&m.events[i]); ok && (q.Run == "" || q.Run == e.Run) {
			out.Events = append(out.Events, e)
		}
	}
	return out, m.unread
}

func (m *memory) ListLogs(_ context.Context, q wire.LogsQuery) (wire.Logs, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pages++
	after, _ := strconv.ParseInt(q.Cursor, 10, 64)
	out := wire.Logs{Records: []json.RawMessage{}, Cursor: strconv.FormatInt(m.pos, 10)}
	for i := range m.lines {
		b := &m.lines[i]
		for j := range b.Lines {
			if b.Pos+int64(j) > after && (q.Run == "" || q.Run == b.Run) {
				out.Records = append(out.Records, b.Record(j).AppendJSON(nil))
			}
		}
	}
	return out, m.unread
}

func (m *memory) LastRuns(context.Context) (map[string]wire.Run, error) {
	runs, last := m.folded(), map[string]wire.Run{}
	for _, e := range m.events {
		if e.Kind == run.RunCreated {
			last[e.Workflow] = *runs[e.Run]
		}
	}
	return last, nil
}

// blind makes every query fail.
func (m *memory) blind(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.unread = err
}

func (m *memory) read() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.pages
}
