package run

import (
	"strings"
	"unicode/utf8"

	"github.com/cdktr/cdktr/lib/workflow"
)

// maxOutputs is how much the tasks of a run may hand on, names and values
// together, as JSON has them: all of them travel in one message.
const maxOutputs = 1 << 20

const tooManyOutputs = "the outputs of the run's tasks are more than 1 MiB"

func sizeOf(outputs map[string]string) int {
	n := 0
	for name, value := range outputs {
		n += len(name) + written(value)
	}
	return n
}

// written is the length of a text in JSON, at most.
func written(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case r == '"', r == '\\':
			n += 2
		case r < ' ', r == '\u2028', r == '\u2029', r == utf8.RuneError:
			n += len(`\u0000`)
		default:
			n += utf8.RuneLen(r)
		}
	}
	return n
}

// room tells whether a run can keep what an attempt of t hands on.
func (t *task) room(outputs map[string]string) bool {
	return t.run.outputs-sizeOf(t.outputs)+sizeOf(outputs) <= maxOutputs
}

// keep replaces what the attempt before has left.
func (t *task) keep(outputs map[string]string) {
	t.run.outputs += sizeOf(outputs) - sizeOf(t.outputs)
	t.outputs = outputs
}

// asksTasks tells whether any text of a task may hold an expression about others.
func asksTasks(t *workflow.Task) bool {
	texts := []string{t.WorkingDirectory}
	for _, value := range t.Env {
		texts = append(texts, value)
	}
	if s := t.Action.Subprocess; s != nil {
		texts = append(append(texts, s.Cmd), s.Args...)
	}
	if s := t.Action.Script; s != nil {
		texts = append(texts, s.Text)
	}
	for _, s := range texts {
		if strings.Contains(s, "${{") && strings.Contains(s, "tasks") {
			return true
		}
	}
	return false
}

// upstream collects what a lease carries of the tasks that t depends on, directly
// or not; a handler comes after all. A task that asks for none is spared the
// search.
func (t *task) upstream(l *Lease) {
	r := t.run
	if !r.graph.asks[t.number] {
		return
	}
	l.Outputs, l.Ended = make(map[string]map[string]string), make(map[string]Status)
	add := func(d *task) {
		l.Ended[d.spec().ID] = d.status
		if d.outputs != nil {
			l.Outputs[d.spec().ID] = d.outputs
		}
	}
	if t.handler() {
		for i := range r.ordinary() {
			add(&r.tasks[i])
		}
		return
	}
	for next := []*task{t}; len(next) > 0; next = next[1:] {
		for _, id := range next[0].spec().Depends {
			d := r.task(id)
			if _, seen := l.Ended[id]; d == nil || seen {
				continue
			}
			add(d)
			next = append(next, d)
		}
	}
}
