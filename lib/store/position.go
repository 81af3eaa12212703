package store

import "sync"

// writer is one of the two goroutines that commit.
type writer int

const (
	eventWriter writer = iota
	lineWriter
)

// positions gives out the one sequence of events and lines. Each writer has at
// most one batch under way.
type positions struct {
	mu       sync.Mutex
	next     int64
	underWay [2]int64 // first position of each writer's batch; 0: none
}

// take reserves n positions for w's batch and returns the first.
func (p *positions) take(w writer, n int64) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := p.next
	p.next += n
	p.underWay[w] = first
	return first
}

// done says that w's batch is durable and visible. It is never called for a
// batch that failed, so that Durable stays below it for good.
func (p *positions) done(w writer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.underWay[w] = 0
}

// durable is the position up to which everything is committed that the given
// writers write: of one of them, or of both.
func (p *positions) durable(writers ...writer) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := p.next
	for _, w := range writers {
		if first := p.underWay[w]; first != 0 {
			last = min(last, first)
		}
	}
	return last - 1
}
