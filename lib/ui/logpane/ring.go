package logpane

import "time"

// Line is a line of a log, or a note between lines.
type Line struct {
	Time    time.Time
	Task    string
	Agent   string
	Stream  string // stdout, stderr, system
	Attempt int
	Seq     int64
	Text    string // as it came; may be any bytes
	Note    bool   // words of ours: a gap, an end
	Gap     int64  // how many lines are missing here
	Pos     int64  // in the history; Append drops what is not beyond the newest

	bad bool // looks like an error
}

// longest is how much of a line is kept: more of it nobody reads on a screen.
const longest = 16 << 10

// ring holds lines between first and first+count, by a number that never
// changes.
type ring struct {
	lines []Line
	head  int // index of the first in lines
	count int
	first int
	bytes int
}

func (r *ring) last() int { return r.first + r.count - 1 }

func (r *ring) at(id int) *Line { return &r.lines[(r.head+id-r.first)%len(r.lines)] }

func (r *ring) grow() {
	if r.count < len(r.lines) {
		return
	}
	wider := make([]Line, max(2*len(r.lines), 256))
	for i := range r.count {
		wider[i] = r.lines[(r.head+i)%len(r.lines)]
	}
	r.lines, r.head = wider, 0
}

func (r *ring) pushBack(l Line) {
	r.grow()
	r.lines[(r.head+r.count)%len(r.lines)] = l
	r.count++
	r.bytes += size(&l)
}

func (r *ring) pushFront(l Line) {
	r.grow()
	r.head = (r.head - 1 + len(r.lines)) % len(r.lines)
	r.lines[r.head] = l
	r.first--
	r.count++
	r.bytes += size(&l)
}

func (r *ring) popFront() {
	l := r.at(r.first)
	r.bytes -= size(l)
	*l = Line{}
	r.head = (r.head + 1) % len(r.lines)
	r.first++
	r.count--
}

func (r *ring) popBack() {
	l := r.at(r.last())
	r.bytes -= size(l)
	*l = Line{}
	r.count--
}

// size is what a line costs, about.
func size(l *Line) int { return len(l.Text) + 128 }

func (l *Line) note() int {
	if l.Note {
		return 1
	}
	return 0
}
