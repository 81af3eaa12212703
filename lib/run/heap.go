package run

// heap keeps items in order of before. Each item knows its place in it, so
// that one in the middle is moved or removed in O(log n). Which item is first
// depends on before alone, never on how the heap was filled: before must be a
// total order.
type heap[T any] struct {
	items  []T
	before func(a, b T) bool
	at     func(T) *int // an item's place, from 1; 0 is outside
}

func (h *heap[T]) len() int { return len(h.items) }

func (h *heap[T]) first() (x T, ok bool) {
	if len(h.items) == 0 {
		return x, false
	}
	return h.items[0], true
}

// put adds x, or moves it to where it belongs now.
func (h *heap[T]) put(x T) {
	i := *h.at(x) - 1
	if i < 0 {
		i = len(h.items)
		h.items = append(h.items, x)
		*h.at(x) = i + 1
	}
	if !h.down(i) {
		h.up(i)
	}
}

// drop removes x, if it is there.
func (h *heap[T]) drop(x T) {
	i := *h.at(x) - 1
	if i < 0 {
		return
	}
	last := len(h.items) - 1
	h.swap(i, last)
	var none T
	h.items[last] = none
	h.items = h.items[:last]
	*h.at(x) = 0
	if i < last && !h.down(i) {
		h.up(i)
	}
}

func (h *heap[T]) swap(i, j int) {
	h.items[i], h.items[j] = h.items[j], h.items[i]
	*h.at(h.items[i]) = i + 1
	*h.at(h.items[j]) = j + 1
}

func (h *heap[T]) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !h.before(h.items[i], h.items[parent]) {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

func (h *heap[T]) down(i int) (moved bool) {
	for {
		child := 2*i + 1
		if child >= len(h.items) {
			return moved
		}
		if right := child + 1; right < len(h.items) && h.before(h.items[right], h.items[child]) {
			child = right
		}
		if !h.before(h.items[child], h.items[i]) {
			return moved
		}
		h.swap(i, child)
		i, moved = child, true
	}
}
