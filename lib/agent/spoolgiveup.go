package agent

import "slices"

// While the principal is away, a spool that is full gives up the middle of what
// it holds: whole segments, so that the oldest and the newest lines stay. What
// is missing is counted in the segment before, on disk before the lines are
// gone, and the places of the lines remain: there the gaps will be taken. Where
// no segment can go, the newest lines are counted only.
//
// Nothing goes that the principal may have: else it could not tell which part
// of a gap is new to it, nor how many bytes that has.

// admit waits until n more bytes fit, or makes room for them. False: there is
// none. The caller holds both locks; the second is open meanwhile.
func (s *spool) admit(n int) bool {
	for s.open && !s.free {
		news := s.shelf.news()
		kept, b := s.holding().bytes, s.shelf.bounds
		own := kept+int64(n) > b.attempt
		switch {
		case kept == 0, !own && s.shelf.total().bytes+int64(n) <= b.agent:
			return true
		case !s.shelf.away():
			s.wait(news)
		case own && !s.relieve(false), !own && !s.relieveAny():
			return false
		}
	}
	return true
}

// wait opens the second lock until there is news of the shelf.
func (s *spool) wait(news <-chan struct{}) {
	s.mu.Unlock()
	<-news
	s.mu.Lock()
}

// relieve gives up a segment of the spool, in memory if that is what is short.
// The second lock is open while the disk works.
func (s *spool) relieve(memory bool) bool {
	g := s.giveUp(memory)
	if g == nil {
		return false
	}
	s.mu.Unlock()
	s.shelf.retire(g)
	s.mu.Lock()
	return true
}

// relieveAny gives up a segment of the spool that holds the most and has one to
// give. No lock of a spool is held while another's is asked for.
func (s *spool) relieveAny() bool {
	s.mu.Unlock()
	defer s.mu.Lock()
	for _, other := range s.shelf.largest() {
		other.mu.Lock()
		done := other.relieve(false)
		other.mu.Unlock()
		if done {
			return true
		}
	}
	return false
}

// largest returns the spools that hold something, the largest first.
func (f *shelf) largest() (all []*spool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.holds {
		all = append(all, s)
	}
	slices.SortFunc(all, func(x, y *spool) int { return int(f.holds[y].bytes - f.holds[x].bytes) })
	return all
}

// giveUp takes out a segment from the middle, after its lines were counted.
func (s *spool) giveUp(memory bool) *segment {
	i := s.middle(memory)
	if i < 0 {
		return nil
	}
	before, g := s.segments[i-1], s.segments[i]
	old, missing := before.missing, before.missing
	missing.add(g.count())
	missing.add(g.missing)
	if err := before.tell(missing); err != nil && g.memory == nil {
		before.missing = old
		s.shelf.log.Error("lines cannot be given up: their number cannot be kept", "file", before.path, "error", err)
		return nil
	}
	s.segments = slices.Delete(s.segments, i, i+1)
	s.lost(g.has)
	s.account()
	return g
}

// middle finds the segment to give up: where there is a hole already, the next
// one behind it, unless little is before it. -1: none can go.
func (s *spool) middle(memory bool) (found int) {
	found = -1
	kept, before := s.holding().bytes, int64(0)
	for i, g := range s.segments {
		if s.mayGo(i) && (!memory || g.memory != nil) {
			found = i
			if before >= kept/2 || before >= kept/4 && !s.segments[i-1].missing.none() {
				break
			}
		}
		before += s.held(g)
	}
	return found
}

// mayGo says that a segment is not the newest, that nothing of it was sent nor
// of a gap before it, and that its count will be as safe as it is.
func (s *spool) mayGo(i int) bool {
	if i == 0 || i == len(s.segments)-1 {
		return false
	}
	g, before := s.segments[i], s.segments[i-1]
	return g.base > s.tried && (before.memory == nil || g.memory != nil)
}

// omit counts lines that nothing takes. The caller holds both locks.
func (s *spool) omit(has tally) {
	if !s.open {
		return
	}
	g := s.last()
	if g == nil || s.tried > g.end() { // the gap behind it may have been told
		if g == nil || s.begin(nil, tally{}) != nil {
			s.beginMemory()
		}
		if g = s.last(); g == nil {
			return // thrown away meanwhile
		}
	}
	missing := g.missing
	missing.add(has)
	_ = g.tell(missing) // where the disk does not even take this, memory has it
	s.end = max(s.end, g.end()+1)
	s.lost(has)
}

// lost takes note of lines that were given up, and tells the log of the first.
func (s *spool) lost(has tally) {
	if s.given.none() {
		s.shelf.log.Warn("the principal is away and too many lines are kept: the middle of a task's output is given up, a gap will stand for it",
			"run", s.attempt.Run, "task", s.attempt.Task, "attempt", s.attempt.Attempt)
	}
	s.given.add(has)
}

// losses says in words which lines were given up so far; empty: none.
func (s *spool) losses() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.given.String()
}

// held is how much of a segment is not acknowledged.
func (s *spool) held(g *segment) int64 { return max(0, g.end()-max(g.base, s.pos)) }

func (s *spool) holding() (h holding) {
	for _, g := range s.segments {
		n := s.held(g)
		h.bytes += n
		if g.memory != nil {
			h.memory += g.size
		}
	}
	return h
}

// account tells the shelf what is held. The caller holds the lock.
func (s *spool) account() { s.shelf.account(s, s.holding()) }

// limit is the place where the next segment begins, behind all that is missing
// after this one.
func (s *spool) limit(i int) int64 {
	if i+1 < len(s.segments) {
		return s.segments[i+1].base
	}
	return s.end
}
