package timeline

import (
	"slices"
	"strconv"
	"strings"
)

// Gutter is the tasks of a run in the order of their rows, and how they depend
// on each other, as lines:
//
//	●       a
//	│ ●     b
//	├─┴●    c depends on a and b
//
// A line leaves a dot downward, or to the right into a lane that others use who
// have the same dependents (●┐ ●┤). It comes into a dot from the left, or, where
// nothing is at its left, from right above. A │ in a horizontal line only crosses
// it. Where there is no room for a line, the dots at its ends carry a mark.
type Gutter struct {
	Order []int // the tasks, by row
	Width int   // in cells
	cells []cell
}

// cell is what a cell is connected to.
type cell uint8

const (
	up cell = 1 << iota
	down
	left
	right
	dot
	fold // lines are missing here
)

// row is the cells of a row.
func (g *Gutter) row(i int) []cell { return g.cells[i*g.Width : (i+1)*g.Width] }

// Row is the lines and the dot of a row, as text.
func (g *Gutter) Row(i int, glyphs *Glyphs) string { return glyphs.gutter(g.row(i)) }

// Arrange lays out the dependencies in at most limit cells.
func Arrange(tasks []Task, limit int) *Gutter {
	limit = max(limit, margin+1)
	l := newLayout(tasks, limit+margin)
	if !l.run() || l.widest > limit {
		l = newLayout(tasks, limit)
		l.folds = true
		l.run()
	}
	return l.gutter()
}

// margin is the columns at the right that no lane may use: one that stays empty,
// one for a dot that has no other place, one for the mark.
const margin = 3

// lane is a column that carries lines down, from tasks with the same dependents
// to these.
type lane struct {
	column int
	set    string // the dependents of the tasks that it comes from
	all    int    // how many they are
	left   int    // how many of them are still to come
}

// layout walks down the rows.
type layout struct {
	tasks      []Task
	order      []int
	dependents [][]int
	sets       []string       // the dependents of each task, as a key
	alike      map[string]int // how many tasks have a set
	columns    int            // that there are
	folds      bool           // what does not fit is folded, else the layout is given up
	lanes      []*lane        // by column; nil: free
	ways       []*lane        // by task: the lane that its lines go down by
	above      []cell         // the row above
	rows       []cell
	widest     int
}

func newLayout(tasks []Task, columns int) *layout {
	l := &layout{
		tasks: tasks, order: order(tasks), columns: columns,
		dependents: make([][]int, len(tasks)), sets: make([]string, len(tasks)), alike: map[string]int{},
		lanes: make([]*lane, columns), ways: make([]*lane, len(tasks)), above: make([]cell, columns),
	}
	place := make([]int, len(tasks))
	for row, i := range l.order {
		place[i] = row
	}
	for i := range tasks {
		for _, d := range tasks[i].Depends {
			if place[d] < place[i] {
				l.dependents[d] = append(l.dependents[d], i)
			}
		}
	}
	for i, set := range l.dependents {
		if len(set) == 0 {
			continue
		}
		var b strings.Builder
		for _, d := range set {
			b.WriteString(strconv.Itoa(d))
			b.WriteByte(' ')
		}
		l.sets[i] = b.String()
		l.alike[l.sets[i]]++
	}
	return l
}

// run lays out all rows; false when something did not fit.
func (l *layout) run() bool {
	for _, task := range l.order {
		if !l.row(task) && !l.folds {
			return false
		}
	}
	return true
}

// row draws one task; false when not all of its lines are there.
func (l *layout) row(task int) bool {
	in, whole := l.into(task)
	at := l.place(task, in)
	row := make([]cell, l.columns)
	for c, lane := range l.lanes {
		if lane != nil {
			row[c] = up | down
		}
	}
	l.join(row, in, at.dot)
	row[at.dot] |= dot
	if at.lane >= 0 {
		l.leave(row, task, at)
	} else if len(l.dependents[task]) > 0 {
		whole = false
	}
	if !whole {
		row[l.columns-1] |= fold
	}
	for c, cell := range row {
		if cell != 0 {
			l.widest = max(l.widest, c+1)
		}
	}
	l.rows = append(l.rows, row...)
	l.above = row
	return whole
}

// into finds the lanes that lead to a task, from the left; whole is false when a
// line into it is missing.
func (l *layout) into(task int) (in []*lane, whole bool) {
	whole = true
	for _, d := range l.tasks[task].Depends {
		switch way := l.ways[d]; {
		case way == nil:
			whole = false
		case !slices.Contains(in, way):
			in = append(in, way)
		}
	}
	slices.SortFunc(in, func(a, b *lane) int { return a.column - b.column })
	return in, whole
}

// join draws the lines into the dot, and ends the lanes that lead nowhere else.
func (l *layout) join(row []cell, in []*lane, at int) {
	for i, lane := range in {
		c := lane.column
		if lane.left--; lane.left == 0 {
			l.lanes[c] = nil
			row[c] &^= down
		}
		if c == at {
			return // straight down
		}
		row[c] |= right
		if i > 0 {
			row[c] |= left
		}
	}
	if len(in) > 0 {
		across(row, in[0].column, at)
		row[at] |= left
	}
}

// leave draws the lines out of the dot.
func (l *layout) leave(row []cell, task int, at spot) {
	if at.lane == at.dot {
		row[at.dot] |= down
	} else {
		row[at.dot] |= right
		across(row, at.dot, at.lane)
		row[at.lane] |= left | down
	}
	if l.lanes[at.lane] == nil {
		n := len(l.dependents[task])
		l.lanes[at.lane] = &lane{column: at.lane, set: l.sets[task], all: n, left: n}
	}
	l.ways[task] = l.lanes[at.lane]
}

// across draws a line between two columns, behind the lanes that it crosses.
func across(row []cell, from, to int) {
	for c := from + 1; c < to; c++ {
		if row[c] == 0 {
			row[c] = left | right
		}
	}
}

func (l *layout) gutter() *Gutter {
	g := &Gutter{Order: l.order, Width: l.widest, cells: make([]cell, 0, l.widest*len(l.order))}
	for i := range l.order {
		g.cells = append(g.cells, l.rows[i*l.columns:i*l.columns+l.widest]...)
	}
	return g
}
