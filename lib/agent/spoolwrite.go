package agent

// write stores records at the end, and has counts their lines. False: nothing
// takes them. The caller holds both locks; the second is open while the disk
// works.
func (s *spool) write(b []byte, has tally) bool {
	for s.open {
		g := s.last()
		fits := g != nil && g.size < s.shelf.bounds.segment && g.missing.none()
		if fits && g.memory != nil {
			s.remember(g, b, has)
			return true
		}
		news := s.shelf.news()
		var err error
		if fits && !g.spoilt {
			err = s.extend(g, b, has)
		} else {
			err = s.begin(b, has)
		}
		if !s.open {
			return false
		}
		s.shelf.wrote(err)
		switch {
		case err == nil:
			return true
		case s.free || s.mayRemember(len(b)):
			s.remember(s.beginMemory(), b, has)
			return true
		case !s.shelf.away():
			s.wait(news)
		case !s.relieve(true):
			return false
		}
	}
	return false
}

// mayRemember says that n bytes fit into memory.
func (s *spool) mayRemember(n int) bool {
	most, own, all := s.shelf.bounds.memory, s.holding().memory, s.shelf.total().memory
	return own == 0 || own+int64(n) <= most && all+int64(n) <= 2*most
}

func (s *spool) remember(g *segment, b []byte, has tally) {
	g.memory = append(g.memory, b...)
	s.grow(g, len(b), has)
}

func (s *spool) beginMemory() *segment {
	g := &segment{memory: []byte{}, base: s.end}
	s.segments = append(s.segments, g)
	return g
}

func (s *spool) grow(g *segment, n int, has tally) {
	g.size += int64(n)
	g.has.add(has)
	s.end = g.end()
}

// extend writes to the newest file, with one call: what a kill tears is the
// last record of the file.
func (s *spool) extend(g *segment, b []byte, has tally) error {
	file, at := g.file, g.size
	s.mu.Unlock()
	_, err := file.WriteAt(b, slotSize+at)
	s.mu.Lock()
	if err != nil {
		g.spoilt = true
		return err
	}
	s.grow(g, len(b), has)
	return nil
}

// begin writes to a new file.
func (s *spool) begin(b []byte, has tally) error {
	s.mu.Unlock()
	s.number++
	g, err := s.shelf.create(heading{spoolFormat, s.workflow, s.attempt, s.number}, b)
	s.mu.Lock()
	if err != nil {
		return err
	}
	if !s.open {
		g.remove()
		return nil
	}
	g.base, g.has = s.end, has
	s.segments = append(s.segments, g)
	s.end = g.end()
	return nil
}
