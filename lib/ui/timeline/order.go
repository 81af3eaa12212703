package timeline

import "container/heap"

// order puts the tasks after those that they depend on, and otherwise leaves
// them in the file's order. Handlers stay last. What is in a cycle, which no
// definition has, comes at the end.
func order(tasks []Task) []int {
	missing := make([]int, len(tasks))
	children := make([][]int, len(tasks))
	for i := range tasks {
		for _, d := range tasks[i].Depends {
			missing[i]++
			children[d] = append(children[d], i)
		}
	}
	var free indexes
	for i, n := range missing {
		if n == 0 {
			free = append(free, i)
		}
	}
	out := make([]int, 0, len(tasks))
	var last []int
	for len(free) > 0 {
		i := heap.Pop(&free).(int)
		if tasks[i].Handler {
			last = append(last, i)
		} else {
			out = append(out, i)
		}
		for _, c := range children[i] {
			if missing[c]--; missing[c] == 0 {
				heap.Push(&free, c)
			}
		}
	}
	for i, n := range missing {
		if n > 0 {
			out = append(out, i)
		}
	}
	return append(out, last...)
}

// indexes is a heap with the smallest first.
type indexes []int

func (x indexes) Len() int           { return len(x) }
func (x indexes) Less(i, j int) bool { return x[i] < x[j] }
func (x indexes) Swap(i, j int)      { x[i], x[j] = x[j], x[i] }
func (x *indexes) Push(v any)        { *x = append(*x, v.(int)) }
func (x *indexes) Pop() any {
	old := *x
	v := old[len(old)-1]
	*x = old[:len(old)-1]
	return v
}
