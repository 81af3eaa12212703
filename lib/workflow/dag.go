package workflow

import (
	"fmt"
	"strings"

	"github.com/cdktr/cdktr/lib/suggest"
)

// maxHints bounds the search for misspelt names among many: each looks at every
// task or parameter.
const maxHints = 50

// hint is suggest.Hint, as long as that is worth its time.
func (d *decoder) hint(name string, among []string) string {
	if d.hints++; d.hints > maxHints {
		return ""
	}
	return suggest.Hint(name, among)
}

// dag sets the tasks' dependencies from the links, and reports those that do
// not exist, those to the task itself, and cycles. It tells whether there is
// no cycle.
func (d *decoder) dag(tasks []Task, links []link) (acyclic bool) {
	index := make(map[string]int, len(tasks))
	ids := make([]string, len(tasks))
	for i, t := range tasks {
		index[t.ID] = i
		ids[i] = t.ID
	}
	seen := map[link]bool{}
	edges := make([][]link, len(tasks))
	for _, l := range links {
		t := &tasks[l.task]
		to, exists := index[l.to]
		pair := link{task: l.task, to: l.to}
		switch {
		case !exists:
			d.errors.At(l.at, "task %s depends on %s, which does not exist%s", quote(t.ID), quote(l.to), d.hint(l.to, ids))
		case to == l.task:
			d.errors.At(l.at, "task %s depends on itself", quote(t.ID))
		case seen[pair]:
			d.warnings.At(l.at, "task %s names %s twice in depends", quote(t.ID), quote(l.to))
		default:
			seen[pair] = true
			t.Depends = append(t.Depends, l.to)
			edges[l.task] = append(edges[l.task], l)
		}
	}
	return d.cycles(tasks, index, edges)
}

// cycles reports every link that closes one, and tells whether there is none. It
// walks from each task along its dependencies; path holds the tasks that the
// walk is in.
func (d *decoder) cycles(tasks []Task, index map[string]int, edges [][]link) (none bool) {
	const (
		unseen = iota
		onPath
		done
	)
	none = true
	state := make([]int, len(tasks))
	var path []int
	var walk func(i int)
	walk = func(i int) {
		state[i] = onPath
		path = append(path, i)
		for _, l := range edges[i] {
			to := index[l.to]
			switch {
			case state[to] == unseen:
				walk(to)
			case state[to] == onPath:
				none = false
				if !d.errors.Full() {
					d.errors.At(l.at, "the tasks depend on each other in a cycle: %s", drawCycle(tasks, path, to))
				}
			}
		}
		path = path[:len(path)-1]
		state[i] = done
	}
	for i := range tasks {
		if state[i] == unseen {
			walk(i)
		}
	}
	return none
}

// drawCycle writes the end of the path from the task first on: a -> b -> a,
// where a depends on b.
func drawCycle(tasks []Task, path []int, first int) string {
	const ends = 10 // of a long cycle, so many tasks at each end
	for path[0] != first {
		path = path[1:]
	}
	var names []string
	for i, task := range path {
		switch left := len(path) - i; {
		case i < ends || left <= ends:
			names = append(names, tasks[task].ID)
		case i == ends:
			names = append(names, fmt.Sprintf("(%d more)", len(path)-2*ends))
		}
	}
	return strings.Join(append(names, tasks[first].ID), " -> ")
}
