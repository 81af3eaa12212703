package principal

import (
	"strings"
	"sync"

	"github.com/cdktr/cdktr/lib/wire"
)

// newest knows the positions of the newest records of one kind, lines or
// events: of all, of each workflow, of each run. One goroutine calls advance
// and tell, in order of position and before anybody else can learn that a
// record is there.
type newest struct {
	mu        sync.Mutex
	all       int64
	told      int64 // everything up to it was handed to the publisher
	workflows lineages
	runs      lineages
}

func newNewest(start int64) *newest {
	return &newest{all: start, told: start, workflows: newLineages(start), runs: newLineages(start)}
}

// advance takes records up to pos, and returns what was the newest before.
func (n *newest) advance(workflow, run string, pos int64) wire.Before {
	n.mu.Lock()
	defer n.mu.Unlock()
	before := wire.Before{All: n.all, Workflow: n.workflows.of(workflow), Run: n.runs.of(run)}
	n.all = pos
	n.workflows.set(workflow, pos)
	n.runs.set(run, pos)
	return before
}

// tell says that everything up to pos was handed to the publisher.
func (n *newest) tell(pos int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.told = pos
}

func (n *newest) published() int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.told
}

// last is the position of the newest record.
func (n *newest) last() int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.all
}

// reached is the position up to which an answer goes, to a query for what comes
// after another position. A record is told while the history may still wait for
// what was begun before it: to one who has heard of it and goes on from there it
// must not seem that the history ends below.
func (n *newest) reached(pos, after int64) int64 { return max(pos, min(after, n.last())) }

// quiet tells whether it is certain that nothing of what f asks for is after a
// position, and if so, up to where that is known.
func (n *newest) quiet(f wire.Filter, after int64) (upTo int64, certain bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	last := n.all
	switch {
	case f.Run != "":
		last = n.runs.of(f.Run)
	case f.Workflow != "" && !strings.ContainsAny(f.Workflow, "*?"):
		last = n.workflows.of(f.Workflow)
	}
	return max(after, n.all), last <= after
}

// remembers tells whether there was a record of the run.
func (n *newest) remembers(run string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.runs.has(run)
}

// maxLineages bounds how many of each kind are remembered.
const maxLineages = 20_000

// lineages are positions by name. A name that is not remembered has none above
// floor.
type lineages struct {
	floor      int64
	young, old map[string]int64
}

func newLineages(floor int64) lineages {
	return lineages{floor: floor, young: map[string]int64{}, old: map[string]int64{}}
}

func (l *lineages) of(name string) int64 {
	if pos, ok := l.young[name]; ok {
		return pos
	}
	if pos, ok := l.old[name]; ok {
		return pos
	}
	return l.floor
}

func (l *lineages) has(name string) bool {
	_, young := l.young[name]
	_, old := l.old[name]
	return young || old
}

// set forgets, where they become too many, those that were not set for the
// longest time.
func (l *lineages) set(name string, pos int64) {
	if _, ok := l.young[name]; !ok && len(l.young) >= maxLineages/2 {
		for other, pos := range l.old {
			if _, again := l.young[other]; !again {
				l.floor = max(l.floor, pos)
			}
		}
		l.young, l.old = map[string]int64{}, l.young
	}
	l.young[name] = pos
}
