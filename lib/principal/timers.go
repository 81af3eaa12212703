package principal

import (
	"container/heap"
	"time"
)

// timers is a heap of what is to be done when, on the monotonic clock. What is
// no longer wanted stays until it is due and then finds nothing to do.
type timers struct{ entries timerHeap }

type timerEntry struct {
	due time.Duration
	do  func()
}

func (t *timers) at(due time.Duration, do func()) {
	heap.Push(&t.entries, timerEntry{due, do})
}

func (t *timers) next() (time.Duration, bool) {
	if len(t.entries) == 0 {
		return 0, false
	}
	return t.entries[0].due, true
}

func (t *timers) fire(now time.Duration) {
	for len(t.entries) > 0 && t.entries[0].due <= now {
		heap.Pop(&t.entries).(timerEntry).do()
	}
}

type timerHeap []timerEntry

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].due < h[j].due }
func (h timerHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(x any)        { *h = append(*h, x.(timerEntry)) }
func (h *timerHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = timerEntry{}
	*h = old[:len(old)-1]
	return e
}
