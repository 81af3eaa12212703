package timeline

// spot is where a task's dot goes, and the lane that its lines go down by: that
// of the dot itself, one at its right, or -1 for none.
type spot struct{ dot, lane int }

// place chooses a spot. The dot is right of all lanes that lead to it, but for
// the link of a chain, which is right below.
func (l *layout) place(task int, in []*lane) spot {
	first := 0
	if n := len(in); n > 0 {
		first = in[n-1].column + 1
	}
	if len(in) == 1 && in[0].all == 1 {
		if at, ok := l.at(task, in[0].column); ok {
			return at
		}
	}
	for c := first; c < l.end(); c++ {
		if l.lanes[c] != nil || l.near(c, in) || l.under(task, c, in) {
			continue
		}
		if at, ok := l.at(task, c); ok {
			return at
		}
	}
	if c := l.columns - 2; len(in) > 0 || l.above[c]&dot == 0 {
		return spot{c, -1}
	}
	return spot{l.columns - 3, -1} // not right below a stranger
}

// end is the first column that is not for lanes.
func (l *layout) end() int { return l.columns - margin }

// near tells whether the lane left of a column is one that does not lead to the
// dot: then a column between them keeps them apart.
func (l *layout) near(c int, in []*lane) bool {
	if c == 0 || l.lanes[c-1] == nil {
		return false
	}
	for _, lane := range in {
		if lane.column == c-1 {
			return false
		}
	}
	return true
}

// under tells whether a dot would stand below one that it does not depend on, and
// look as if it did.
func (l *layout) under(task, c int, in []*lane) bool {
	if l.above[c]&dot == 0 {
		return false
	}
	return len(in) == 0 && l.above[c]&right == 0 || len(l.dependents[task]) > 0 && l.alike[l.sets[task]] == 1
}

// at finds the lane for a dot in a column, or false if there is none.
func (l *layout) at(task, c int) (spot, bool) {
	set := l.sets[task]
	if set == "" {
		return spot{c, -1}, true
	}
	if l.alike[set] == 1 {
		return spot{c, c}, true
	}
	for r := c + 1; r < l.end(); r++ {
		if lane := l.lanes[r]; lane != nil && lane.set == set {
			return spot{c, r}, l.lanes[c+1] == nil || r == c+1
		}
	}
	if r := c + 1; r < l.end() && l.lanes[r] == nil && (r+1 >= l.end() || l.lanes[r+1] == nil) {
		return spot{c, r}, true
	}
	return spot{}, false
}
