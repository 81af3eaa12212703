package workflow

import (
	"fmt"
	"strings"

	"github.com/cdktr/cdktr/lib/suggest"
)

// maxSuggestions bounds the search for misspelt dependencies: each looks at
// every task.
const maxSuggestions = 50

// dag sets the tasks' dependencies from the links, and reports those that do
// not exist, those to the task itself, and cycles.
func (d *decoder) dag(tasks []Task, links []link) {
	index := make(map[string]int, len(tasks))
	ids := make([]string, len(tasks))
	for i, t := range tasks {
		index[t.ID] = i
		ids[i] = t.ID
	}
	suggestions := 0
	seen := map[link]bool{}
	edges := make([][]link, len(tasks))
	for _, l := range links {
		t := &tasks[l.task]
		to, exists := index[l.to]
		pair := link{task: l.task, to: l.to}
		switch {
		case !exists:
			hint := ""
			if suggestions++; suggestions <= maxSuggestions {
				hint = suggest.Hint(l.to, ids)
			}
			d.errors.at(l.at, "task %s depends on %s, which does not exist%s", quote(t.ID), quote(l.to), hint)
		case to == l.task:
			d.errors.at(l.at, "task %s depends on itself", quote(t.ID))
		case seen[pair]:
			d.warnings.at(l.at, "task %s names %s twice in depends", quote(t.ID), quote(l.to))
		default:
			seen[pair] = true
			t.Depends = append(t.Depends, l.to)
			edges[l.task] = append(edges[l.task], l)
		}
	}
	d.cycles(tasks, index, edges)
}

// cycles reports every link that closes one. It walks from each task along its
// dependencies; path holds the tasks that the walk is in.
func (d *decoder) cycles(tasks []Task, index map[string]int, edges [][]link) {
	const (
		unseen = iota
		onPath
		done
	)
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
			case state[to] == onPath && !d.errors.full():
				d.errors.at(l.at, "the tasks depend on each other in a cycle: %s", drawCycle(tasks, path, to))
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
