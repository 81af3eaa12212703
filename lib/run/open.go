package run

import (
	"time"

	"github.com/cdktr/cdktr/lib/workflow"
)

// openRun is a run that has not ended. Ended runs are forgotten.
type openRun struct {
	id         string
	number     uint64 // counts runs in order of creation
	definition *workflow.Definition
	graph      *graph
	params     map[string]string
	scheduled  time.Time
	status     Status
	cancelled  bool
	timedOut   bool
	quit       bool   // cancelled in its handlers, or before it began: they stop too
	reason     string // of the cancel or the timeout
	tasks      []task // as in the definition, then the handlers
	left       int    // tasks that have not ended, without handlers
	outputs    int    // bytes that its tasks hand on
	alarm      *alarm // its timeout

	gate *gate  // of its workflow
	spot spot   // on one of the gate's rolls
	held bool   // nothing of it begins before others of its workflow have ended
	back string // of a held one: the agent that it is to go back to

	cancelledAt time.Duration // or when the machine began, if that is later

	// Of a run with `placement: together` only.
	home       *agent // whose it is, from its first lease on
	startsOver bool   // a task of it was lost: all start again when nothing of it runs any more
	doomed     bool   // a task of it is lost for good: it will not start over
	stranded   int    // how often it lost its home while nothing of it ran
}

// task is a task of an open run.
type task struct {
	run     *openRun
	number  int // in the definition
	status  Status
	attempt int    // 0 before the first; of a re-queued task the coming one
	reason  string // of its status
	begun   bool   // the attempt was leased
	losses  int    // attempts that were CRASHED
	tries   int    // retries
	alarm   *alarm // of a WAITING one: when it is tried again
	outputs map[string]string

	standing standing
	deps     [standings]int32 // what it depends on, counted

	holder  *agent // of a RUNNING task
	readied uint64 // counts tasks in the order in which they became ready
	queued  int    // place in its lane, or in the line of its run's home; 0: it waits for no agent
	seen    uint64 // the holder's newest account that named this attempt; 0: none did
}

func (t *task) spec() *workflow.Task { return t.run.graph.specs[t.number] }

func (t *task) place() *int { return &t.queued }

func (t *task) id() AttemptID {
	return AttemptID{Run: t.run.id, Task: t.spec().ID, Attempt: t.attempt}
}

// ended tells whether no further attempt is to come.
func (t *task) ended() bool {
	return t.status != Pending && t.status != Waiting && t.status != Running
}

// ready tells whether a PENDING task can be leased.
func (t *task) ready() bool {
	if t.run.held {
		return false
	}
	if t.handler() {
		return t.run.turn() == t
	}
	return t.met() && !t.stops()
}

// unwanted tells whether nobody wants the task to run any more.
func (t *task) unwanted() bool {
	if t.handler() {
		return t.run.quit
	}
	return t.run.halted()
}

// stops tells whether an attempt of the task is to be stopped.
func (t *task) stops() bool { return t.unwanted() || t.run.startsOver }

// halted tells whether all ordinary tasks of the run are to end.
func (r *openRun) halted() bool { return r.cancelled || r.timedOut }

// stops tells whether what runs of the run's ordinary tasks is to be stopped.
func (r *openRun) stops() bool { return r.halted() || r.startsOver }

func (r *openRun) task(id string) *task {
	i, ok := r.graph.number[id]
	if !ok {
		return nil
	}
	return &r.tasks[i]
}

// graph is the DAG of a definition, shared by all its open runs. Each slice has
// a place for each task, then for each handler.
type graph struct {
	specs      []*workflow.Task
	number     map[string]int // task id -> place
	depends    []int32        // how many tasks it depends on
	dependents [][]int        // who waits for a task, in the definition's order
	asks       []bool         // whether its expressions may ask for outputs
	labels     string         // that an agent must have
}

func newGraph(d *workflow.Definition) *graph {
	handlers := d.Handlers()
	n := len(d.Tasks) + len(handlers)
	g := &graph{
		specs:      make([]*workflow.Task, 0, n),
		number:     make(map[string]int, n),
		depends:    make([]int32, n),
		dependents: make([][]int, n),
		asks:       make([]bool, n),
		labels:     labelKey(d.Agents),
	}
	for i := range d.Tasks {
		g.specs = append(g.specs, &d.Tasks[i])
	}
	g.specs = append(g.specs, handlers...)
	for i, t := range g.specs {
		g.number[t.ID] = i
		g.asks[i] = asksTasks(t)
	}
	for i := range d.Tasks {
		for _, dep := range d.Tasks[i].Depends {
			if n, ok := g.number[dep]; ok {
				g.depends[i]++
				g.dependents[n] = append(g.dependents[n], i)
			}
		}
	}
	return g
}

// graphs shares one graph and one definition between the open runs that have
// the same hash, also after a replay, which reads many copies.
type graphs map[string]*sharedGraph

type sharedGraph struct {
	definition *workflow.Definition
	graph      *graph
	runs       int
}

func (g graphs) take(d *workflow.Definition) (*workflow.Definition, *graph) {
	if d.Hash == "" {
		return d, newGraph(d)
	}
	s := g[d.Hash]
	if s == nil {
		s = &sharedGraph{definition: d, graph: newGraph(d)}
		g[d.Hash] = s
	}
	s.runs++
	return s.definition, s.graph
}

func (g graphs) giveBack(d *workflow.Definition) {
	s := g[d.Hash]
	if s == nil {
		return
	}
	if s.runs--; s.runs == 0 {
		delete(g, d.Hash)
	}
}
