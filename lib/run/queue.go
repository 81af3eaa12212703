package run

// queue brings ready tasks and waiting agents together. Tasks go in order of
// priority, then round-robin over workflows, and within one workflow the oldest
// run first, so that runs end rather than pile up half done. Each goes to the
// agent with the most free slots of those that have its labels.
//
// A pool is the ready tasks that ask for the same labels, and the agents that
// have them: what nobody can take costs the others nothing. Every operation is
// O(log n), and looks at each pool at most once.
type queue struct {
	waiting heap[*agent] // with a parked pull and a free slot; with tasks of their own first, then most free
	pools   []*pool      // the first is of the tasks that ask for no label: it is always there
	byKey   map[string]*pool
	turn    uint64 // the last one given out
	size    int
}

// pool is the ready tasks that ask for the same labels.
type pool struct {
	key    string
	lanes  map[laneKey]*lane
	order  heap[*lane]
	agents *heap[*agent] // those of queue.waiting that have the labels
	labels map[string]string
	places map[*agent]*int
}

// lane is the ready tasks of one workflow.
type lane struct {
	laneKey
	turn  uint64
	tasks heap[*task]
	place int
}

// laneKey has the priority because a file may change while runs wait.
type laneKey struct {
	workflow string
	priority int
}

func newQueue() *queue {
	q := &queue{
		waiting: heap[*agent]{before: moreFree, at: func(a *agent) *int { return &a.inWaiting }},
		byKey:   make(map[string]*pool),
	}
	q.pools = []*pool{newPool("", nil)}
	q.pools[0].agents = &q.waiting
	q.byKey[""] = q.pools[0]
	return q
}

func newPool(key string, labels map[string]string) *pool {
	p := &pool{
		key:    key,
		labels: labels,
		lanes:  make(map[laneKey]*lane),
		order: heap[*lane]{
			before: func(a, b *lane) bool { return a.before(b) },
			at:     func(l *lane) *int { return &l.place },
		},
	}
	return p
}

func (l *lane) before(b *lane) bool {
	if l.priority != b.priority {
		return l.priority > b.priority
	}
	return l.turn < b.turn
}

// moreFree is the order in which agents are served.
func moreFree(a, b *agent) bool {
	if own := a.ready.len() > 0; own != (b.ready.len() > 0) {
		return own
	}
	if a.free() != b.free() {
		return a.free() > b.free()
	}
	return a.name < b.name
}

func readyBefore(a, b *task) bool {
	if p, q := a.run.definition.Priority, b.run.definition.Priority; p != q {
		return p > q
	}
	if a.run.number != b.run.number {
		return a.run.number < b.run.number
	}
	return a.readied < b.readied
}

// pool finds or makes the pool of a run.
func (q *queue) pool(r *openRun) *pool {
	key := r.graph.labels
	p := q.byKey[key]
	if p != nil {
		return p
	}
	p = newPool(key, r.definition.Agents)
	p.places = make(map[*agent]*int)
	p.agents = &heap[*agent]{before: moreFree, at: p.place}
	q.pools = append(q.pools, p)
	q.byKey[key] = p
	for _, a := range q.waiting.items {
		if a.fits(p.labels) {
			p.agents.put(a)
		}
	}
	return p
}

func (p *pool) place(a *agent) *int {
	at := p.places[a]
	if at == nil {
		at = new(int)
		p.places[a] = at
	}
	return at
}

// offer puts an agent where it belongs among those that wait.
func (q *queue) offer(a *agent) {
	q.waiting.put(a)
	for _, p := range q.pools[1:] {
		if a.fits(p.labels) {
			p.agents.put(a)
		}
	}
}

// withdraw takes it out there.
func (q *queue) withdraw(a *agent) {
	if a.inWaiting == 0 {
		return
	}
	q.waiting.drop(a)
	for _, p := range q.pools[1:] {
		if p.places[a] != nil {
			p.agents.drop(a)
			delete(p.places, a)
		}
	}
}

// push lets a task wait for an agent.
func (q *queue) push(t *task) {
	d := t.run.definition
	p := q.pool(t.run)
	key := laneKey{d.ID, d.Priority}
	l := p.lanes[key]
	if l == nil {
		l = &lane{laneKey: key, tasks: heap[*task]{before: readyBefore, at: (*task).place}}
		p.lanes[key] = l
		q.toBack(p, l)
	}
	l.tasks.put(t)
	q.size++
}

func (q *queue) toBack(p *pool, l *lane) {
	q.turn++
	l.turn = q.turn
	p.order.put(l)
}

// first is the task whose turn it is, and the agent that gets it, or nil. Tasks
// that can only run on one agent come first.
func (q *queue) first() (*task, *agent) {
	a, ok := q.waiting.first()
	if !ok {
		return nil, nil
	}
	if t, ok := a.ready.first(); ok {
		return t, a
	}
	var (
		best *lane
		to   *agent
	)
	for _, p := range q.pools {
		l, ready := p.order.first()
		a, waits := p.agents.first()
		if ready && waits && (best == nil || l.before(best)) {
			best, to = l, a
		}
	}
	if best == nil {
		return nil, nil
	}
	t, _ := best.tasks.first()
	return t, to
}

// remove takes t out, if it is there. Served: it was leased, and its workflow
// has had its turn.
func (q *queue) remove(t *task, served bool) {
	if t.queued == 0 {
		return
	}
	d := t.run.definition
	p := q.byKey[t.run.graph.labels]
	l := p.lanes[laneKey{d.ID, d.Priority}]
	l.tasks.drop(t)
	q.size--
	switch {
	case l.tasks.len() == 0:
		p.order.drop(l)
		delete(p.lanes, l.laneKey)
		q.discard(p)
	case served:
		q.toBack(p, l)
	}
}

// discard forgets a pool that has no tasks.
func (q *queue) discard(p *pool) {
	if len(p.lanes) > 0 || p == q.pools[0] {
		return
	}
	delete(q.byKey, p.key)
	for i := range q.pools {
		if q.pools[i] == p {
			q.pools = append(q.pools[:i], q.pools[i+1:]...)
			return
		}
	}
}
