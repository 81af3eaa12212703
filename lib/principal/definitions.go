package principal

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/schedule"
	"github.com/cdktr/cdktr/lib/suggest"
	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

// definitions owns the workflow directory: it reads what changed when the file
// system tells, when asked, and from time to time; and shows what is loaded to
// any goroutine.
type definitions struct {
	dir     *Directory
	refresh time.Duration
	log     *slog.Logger
	shown   atomic.Pointer[Catalog]
	asks    chan func(*Catalog) // nil: the principal stops
	said    map[string]bool     // problems that are in the log already
	pace    pace

	listening sync.Mutex
	listeners []chan struct{}
}

func newDefinitions(dir *Directory, refresh time.Duration, log *slog.Logger) *definitions {
	k := &definitions{dir: dir, refresh: refresh, log: log, asks: make(chan func(*Catalog), 16)}
	k.take(k.dir.Reload())
	return k
}

// subscribe returns a channel that gets a value after other definitions are in
// force than before: one for all changes since it was last read.
func (k *definitions) subscribe() <-chan struct{} {
	told := make(chan struct{}, 1)
	k.listening.Lock()
	defer k.listening.Unlock()
	k.listeners = append(k.listeners, told)
	return told
}

func (k *definitions) run(ctx context.Context) error {
	watch := newWatcher()
	defer watch.close()
	k.dir.watch = watch
	k.look()
	ticker := time.NewTicker(k.refresh)
	defer ticker.Stop()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(k.pace.wait(time.Now()))
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			k.look()
		case answer := <-k.asks:
			answer(k.take(k.dir.Reload()))
			k.pace.looked(time.Now(), k.dir.left)
		case event := <-watch.events:
			if watch.matters(event) {
				k.pace.news(time.Now())
			}
		case <-watch.lost:
			k.pace.news(time.Now())
		case <-timer.C:
			k.wake(time.Now())
		}
	}
}

// wake looks where that may tell something new.
func (k *definitions) wake(now time.Time) {
	if k.pace.pressing(now) || k.dir.left.missing && k.pace.calm(now) || k.dir.ready() {
		k.look()
		return
	}
	k.pace.postpone(now)
}

// look reads what has changed and is whole by now.
func (k *definitions) look() {
	m := restless
	if k.pace.calm(time.Now()) {
		m = calm
	}
	k.take(k.dir.look(m))
	k.pace.looked(time.Now(), k.dir.left)
}

// refuseAll answers what waits for a reload that will not come. Nobody asks any
// more who wants an answer.
func (k *definitions) refuseAll() {
	for {
		select {
		case answer := <-k.asks:
			answer(nil)
		default:
			return
		}
	}
}

func (k *definitions) take(now *Catalog, err error) *Catalog {
	before := k.shown.Swap(now)
	k.tell(now, err)
	if before != nil && before.defines(now) {
		return now
	}
	if before != nil {
		loaded, broken := now.counts()
		k.log.Info("workflows have changed", "loaded", loaded, "broken", broken)
	}
	k.listening.Lock()
	defer k.listening.Unlock()
	for _, told := range k.listeners {
		select {
		case told <- struct{}{}:
		default: // it has one to read, and reads what is shown then
		}
	}
	return now
}

// tell logs each problem once, when it appears.
func (k *definitions) tell(now *Catalog, err error) {
	said := map[string]bool{}
	once := func(level slog.Level, text string, args ...any) {
		key := fmt.Sprint(append(args, text)...)
		if said[key] = true; !k.said[key] {
			k.log.Log(context.Background(), level, text, args...)
		}
	}
	if err != nil {
		left := "what was loaded stays"
		if len(now.Entries) == 0 {
			left = "there are no workflows until it can be read; cdktr-principal init makes a first one"
		}
		once(slog.LevelError, "the workflow directory cannot be read; "+left, "error", err)
	} else {
		for _, p := range now.Problems {
			once(slog.LevelError, "workflow directory", "problem", p.String())
		}
	}
	if err := k.dir.watch.refused(); err != nil {
		once(slog.LevelWarn, "changes of workflow files are noticed only every "+k.refresh.String(), "error", err)
	}
	for _, e := range now.Entries {
		for _, p := range e.Problems {
			once(slog.LevelError, "workflow file does not load", "workflow", e.ID, "problem", p.String())
		}
		for _, p := range e.Warnings {
			once(slog.LevelWarn, "workflow file", "workflow", e.ID, "warning", p.String())
		}
	}
	k.said = said
}

// counts returns how many workflows are loaded, and how many are broken.
func (c *Catalog) counts() (loaded, broken int) {
	for _, e := range c.Entries {
		if e.Definition != nil {
			loaded++
		}
		if len(e.Problems) > 0 {
			broken++
		}
	}
	return loaded, broken
}

// find returns the definition that a new run of the workflow would have.
func (k *definitions) find(id string) (*workflow.Definition, *wire.Error) {
	shown := k.shown.Load()
	entry := shown.Get(id)
	switch {
	case id == "":
		return nil, refuse(wire.BadRequest, "workflow is missing")
	case entry == nil:
		ids := make([]string, len(shown.Entries))
		for i, e := range shown.Entries {
			ids[i] = e.ID
		}
		return nil, refuse(wire.NotFound, "no workflow %.128q%s", id, suggest.Hint(id, ids))
	case entry.Definition == nil:
		return nil, refuse(wire.BadRequest, "workflow %q does not load: %s", id, entry.Problems[0].String())
	}
	return entry.Definition, nil
}

func (p *Principal) reload(_ context.Context, c *call, _ *wire.Plain) {
	answer := func(now *Catalog) {
		if now == nil {
			c.refuse(stopping())
			return
		}
		loaded, broken := now.counts()
		c.ok(wire.Reloaded{Loaded: loaded, Broken: broken})
	}
	select {
	case p.definitions.asks <- answer:
	default:
		c.refuse(refuse(wire.Unavailable, "%d reloads are waiting already", cap(p.definitions.asks)))
	}
}

// Reload reads the workflow directory again, soon.
func (p *Principal) Reload() {
	select {
	case p.definitions.asks <- func(*Catalog) {}:
	default: // enough are waiting: one of them will see the change
	}
}

// pageSize is how many workflows, or agents, an answer holds at most.
const pageSize = 1000

func (p *Principal) listWorkflows(_ context.Context, c *call, req *wire.WorkflowList) {
	out := wire.Workflows{Workflows: []wire.Workflow{}}
	now := time.Now()
	var specs schedule.Parser
	entries := p.definitions.shown.Load().Entries
	for i := range entries {
		entry := &entries[i]
		if entry.ID <= req.Cursor {
			continue
		}
		if len(out.Workflows) == pageSize {
			out.Cursor = out.Workflows[pageSize-1].Workflow
			break
		}
		out.Workflows = append(out.Workflows, p.describe(entry, now, &specs))
	}
	c.ok(out)
}

func (p *Principal) describe(entry *CatalogEntry, now time.Time, specs *schedule.Parser) wire.Workflow {
	out := wire.Workflow{Workflow: entry.ID, Paused: p.schedules.get(entry.ID).Paused, Errors: []wire.Problem{}}
	for _, problem := range entry.Problems {
		out.Errors = append(out.Errors, wire.Problem(problem))
	}
	if last, ran := p.lastRuns.get(entry.ID); ran {
		out.LastRun, out.LastStatus = &last.run, &last.status
	}
	d := entry.Definition
	if d == nil {
		return out
	}
	out.Name = &d.Name
	if d.Cron == "" {
		return out
	}
	out.Schedule = &d.Cron
	if spec, err := specs.Parse(d.Cron, d.Timezone); err == nil && !out.Paused {
		if d.StartTime != nil && d.StartTime.After(now) {
			now = d.StartTime.Add(-time.Nanosecond)
		}
		out.Next = wire.MaybeAt(spec.Next(now))
	}
	return out
}

func (p *Principal) getWorkflow(ctx context.Context, c *call, req *wire.WorkflowGet) {
	if req.Run != "" && req.Workflow != "" {
		c.refuse(refuse(wire.BadRequest, "a definition is asked for by its workflow or by a run, not by both"))
		return
	}
	if req.Run != "" {
		p.queries.start(ctx, c, func(ctx context.Context) (any, error) { return p.definitionOf(ctx, req.Run) })
		return
	}
	def, refused := p.definitions.find(req.Workflow)
	if refused != nil {
		c.refuse(refused)
		return
	}
	out, err := definitionOut(def)
	if err != nil {
		c.fail(p.cfg.Log, err)
		return
	}
	c.ok(out)
}

// definitionOf is the definition that a run has kept.
func (p *Principal) definitionOf(ctx context.Context, name string) (any, error) {
	id, err := p.resolveRun(ctx, name)
	if err != nil {
		return nil, err
	}
	events, err := p.store.Story(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		if e.Created != nil {
			return definitionOut(e.Created.Definition)
		}
	}
	return nil, noRun(name)
}

func definitionOut(d *workflow.Definition) (wire.WorkflowDefinition, error) {
	text, err := json.Marshal(d)
	return wire.WorkflowDefinition{Definition: text}, err
}

// lastRuns is the newest run of each workflow, for lists.
type lastRuns struct {
	mu   sync.Mutex
	runs map[string]lastRun
}

type lastRun struct{ run, status string }

func readLastRuns(ctx context.Context, store Store) (*lastRuns, error) {
	last, err := store.LastRuns(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the last runs: %w", err)
	}
	l := &lastRuns{runs: make(map[string]lastRun, len(last))}
	for workflow, r := range last {
		l.runs[workflow] = lastRun{r.Run, r.Status}
	}
	return l, nil
}

// happened takes a run's new status. An older run that ends later, or is opened
// again, is not the newest.
func (l *lastRuns) happened(e *run.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if old, there := l.runs[e.Workflow]; there && old.run != e.Run && e.Kind != run.RunCreated {
		return
	}
	l.runs[e.Workflow] = lastRun{e.Run, string(e.Status)}
}

func (l *lastRuns) get(workflow string) (lastRun, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, there := l.runs[workflow]
	return r, there
}
