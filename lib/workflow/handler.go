package workflow

import (
	"gopkg.in/yaml.v3"
)

// handler reads a task that runs when all others have ended. Its id is its key.
func (d *decoder) handler(into **Task) kind {
	return kind{func(key string, n *yaml.Node) {
		t := &work{Task: Task{ID: key, Name: key}, site: &site{handler: true}}
		d.task(t, key, n, n, d.workFields(t))
		*into = &t.Task
	}, func() schema { return anyOf(ref("handler")) }}
}

// condition reports an if that has nothing to be about.
func (d *decoder) condition(t *work, at *yaml.Node) {
	if t.If != "" && len(t.depends) == 0 {
		d.errors.At(at, "if: %s is about the tasks that it depends on, and task %s depends on none", t.If, quote(t.ID))
	}
}

// handlerIDs reports the tasks that have the id of a handler that is there.
func (d *decoder) handlerIDs(w *draft) {
	for _, h := range w.Handlers() {
		for i, t := range w.Tasks {
			if t.ID == h.ID {
				d.errors.At(w.keys[i], "task id %s is the handler's; a file with %s cannot have a task of that id", quote(t.ID), h.ID)
			}
		}
	}
}
