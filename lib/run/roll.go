package run

// roll is runs in the order in which they were entered. A run is on one roll at a
// time, and leaves it from wherever it stands.
type roll struct {
	first, last *openRun
	size        int
}

// spot is where a run stands.
type spot struct {
	in           *roll
	before, next *openRun
}

// enter puts r at the end of the roll, and takes it off the one where it was.
func (l *roll) enter(r *openRun) {
	r.leave()
	r.spot = spot{in: l, before: l.last}
	if l.last != nil {
		l.last.spot.next = r
	} else {
		l.first = r
	}
	l.last = r
	l.size++
}

// leave takes r out of its roll, if it is on one.
func (r *openRun) leave() {
	s := r.spot
	r.spot = spot{}
	if s.in == nil {
		return
	}
	if s.before != nil {
		s.before.spot.next = s.next
	} else {
		s.in.first = s.next
	}
	if s.next != nil {
		s.next.spot.before = s.before
	} else {
		s.in.last = s.before
	}
	s.in.size--
}
