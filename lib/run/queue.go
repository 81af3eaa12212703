package run

// queue holds the ready tasks in the order in which they are leased:
// round-robin over workflows, and within one workflow the oldest run first, so
// that runs end rather than pile up half done. Every operation is O(log n).
//
// A workflow with ready tasks has a lane. A priority would go before the turn
// in the order of lanes.
type queue struct {
	lanes map[string]*lane
	order heap[*lane]
	turn  uint64 // the last one given out
	size  int
}

// lane is the ready tasks of one workflow.
type lane struct {
	workflow string
	turn     uint64
	tasks    heap[*task]
	place    int
}

func newQueue() queue {
	return queue{
		lanes: make(map[string]*lane),
		order: heap[*lane]{
			before: func(a, b *lane) bool { return a.turn < b.turn },
			at:     func(l *lane) *int { return &l.place },
		},
	}
}

func (q *queue) push(t *task) {
	id := t.run.definition.ID
	l := q.lanes[id]
	if l == nil {
		l = &lane{workflow: id, tasks: heap[*task]{before: readyBefore, at: (*task).place}}
		q.lanes[id] = l
		q.toBack(l)
	}
	l.tasks.put(t)
	q.size++
}

func readyBefore(a, b *task) bool {
	if a.run.number != b.run.number {
		return a.run.number < b.run.number
	}
	return a.readied < b.readied
}

func (q *queue) toBack(l *lane) {
	q.turn++
	l.turn = q.turn
	q.order.put(l)
}

// first is the task whose turn it is, or nil.
func (q *queue) first() *task {
	l, ok := q.order.first()
	if !ok {
		return nil
	}
	t, _ := l.tasks.first()
	return t
}

// remove takes t out, if it is there. Served: it was leased, and its workflow
// has had its turn.
func (q *queue) remove(t *task, served bool) {
	if t.queued == 0 {
		return
	}
	l := q.lanes[t.run.definition.ID]
	l.tasks.drop(t)
	q.size--
	switch {
	case l.tasks.len() == 0:
		q.order.drop(l)
		delete(q.lanes, l.workflow)
	case served:
		q.toBack(l)
	}
}
