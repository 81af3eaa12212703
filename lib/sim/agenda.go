package sim

import (
	"container/heap"
	"time"
)

// agenda is what is still to happen, in order of time, then of entry.
type agenda struct {
	items   []entry
	entered uint64
}

type entry struct {
	at   time.Duration
	nth  uint64
	what func()
}

func (a *agenda) add(at time.Duration, what func()) {
	a.entered++
	heap.Push(a, entry{at, a.entered, what})
}

func (a *agenda) next() (entry, bool) {
	if len(a.items) == 0 {
		return entry{}, false
	}
	return heap.Pop(a).(entry), true
}

func (a *agenda) Len() int { return len(a.items) }
func (a *agenda) Less(i, j int) bool {
	if a.items[i].at != a.items[j].at {
		return a.items[i].at < a.items[j].at
	}
	return a.items[i].nth < a.items[j].nth
}
func (a *agenda) Swap(i, j int) { a.items[i], a.items[j] = a.items[j], a.items[i] }
func (a *agenda) Push(x any)    { a.items = append(a.items, x.(entry)) }
func (a *agenda) Pop() any {
	last := a.items[len(a.items)-1]
	a.items = a.items[:len(a.items)-1]
	return last
}
