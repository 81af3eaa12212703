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
//
// Invariant: what durable and decided tell is not above the last position that
// was acknowledged. So it is never given out again after a crash, and whoever
// goes on from there misses nothing.
type positions struct {
	mu       sync.Mutex
	next     int64
	underWay [2]span // each writer's batch; none: zero
	events   int64   // the last position of the events that are done
}

// take reserves n positions for w's batch and returns the first.
func (p *positions) take(w writer, n int64) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := p.next
	p.next += n
	p.underWay[w] = span{first, p.next - 1}
	return first
}

// done says that w's batch is durable and visible. It is never called for a
// batch that failed, so that Durable stays below it for good.
func (p *positions) done(w writer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w == eventWriter {
		p.events = p.underWay[w].max
	}
	p.underWay[w] = span{}
}

// durable is the position up to which everything is committed.
func (p *positions) durable() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.below()
}

// decided is a position up to which all events are committed, lines or not.
func (p *positions) decided() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(p.events, p.below())
}

// below is the last position before all that is under way. The caller holds the
// lock.
func (p *positions) below() int64 {
	last := p.next
	for _, batch := range p.underWay {
		if batch != (span{}) {
			last = min(last, batch.min)
		}
	}
	return last - 1
}
