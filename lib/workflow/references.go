package workflow

import (
	"maps"
	"path"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// site is where expressions stand: it decides what they may name.
type site struct {
	inFile  bool // in the file's own env
	handler bool
	task    int // the index of the task, where it is neither
}

// use is a text that may hold expressions.
type use struct {
	at   *yaml.Node
	text string
	site *site
}

// template reads a text with expressions.
func (d *decoder) template(into *string, s *site) kind {
	return kind{func(key string, n *yaml.Node) {
		*into, _ = d.scalar(key, n)
		d.use(n, *into, s)
	}, textSchema}
}

func (d *decoder) use(n *yaml.Node, text string, s *site) {
	if strings.Contains(text, opening) {
		d.uses = append(d.uses, use{n, text, s})
	}
}

// noExpression reports one where none is expanded.
func (d *decoder) noExpression(what string, n *yaml.Node, text string) {
	if p := firstReference(text); p != nil {
		d.within(n, text, p.offset, "no expression is taken in %s", what)
	}
}

func firstReference(text string) *piece {
	if !strings.Contains(text, opening) {
		return nil
	}
	for _, p := range split(text) {
		if p.reference != nil {
			return &p
		}
	}
	return nil
}

// scriptShell reports an expression in a script for a shell that would not know
// the reference to a variable that it becomes.
func (d *decoder) scriptShell(shell string, script *yaml.Node) {
	if p := firstReference(script.Value); p != nil && !isShell(shell) {
		d.within(script, script.Value, p.offset, "an expression in run needs a shell like sh, which %s is not; hand the value on in env", quote(shell))
	}
}

func isShell(command string) bool {
	words := strings.Fields(command)
	if len(words) == 0 {
		return true
	}
	name := path.Base(words[0])
	if name == "busybox" && len(words) > 1 {
		return words[1] == "sh"
	}
	return slices.Contains([]string{"sh", "bash", "dash", "ash", "zsh", "ksh", "mksh"}, name)
}

// expressions checks all of them, when all that they can name is known.
func (d *decoder) expressions(def *Definition, acyclic bool) {
	if len(d.uses) == 0 {
		return
	}
	c := checker{decoder: d, def: def, acyclic: acyclic, index: map[string]int{}}
	for i, t := range def.Tasks {
		c.index[t.ID] = i
	}
	for _, u := range d.uses {
		for _, p := range split(u.text) {
			mistake := p.mistake
			if p.reference != nil {
				mistake = c.mistake(*p.reference, u.site)
			}
			if mistake != "" {
				d.within(u.at, u.text, p.offset, "%s", mistake)
			}
		}
	}
}

// checker knows what the expressions of a file can name.
type checker struct {
	*decoder
	def      *Definition
	acyclic  bool
	index    map[string]int // of the tasks
	upstream []set          // nil until it is asked for
}

// mistake says what is wrong with a reference, or nothing.
func (c *checker) mistake(r Reference, s *site) string {
	switch r.From {
	case FromParams:
		if c.def.Params == nil {
			return "unknown parameter " + quote(r.Name) + "; the file declares no params"
		}
		if _, declared := c.def.Params[r.Name]; !declared {
			return "unknown parameter " + quote(r.Name) + hintOf(c, r.Name, c.def.Params)
		}
	case FromEnv:
		if s.inFile {
			return "a variable of the file's env cannot be used in that env"
		}
		if _, there := c.def.Env[r.Name]; !there {
			return "the file's env has no variable " + quote(r.Name) + hintOf(c, r.Name, c.def.Env)
		}
	case FromTasks:
		return c.output(r.Task, s)
	}
	return ""
}

func (c *checker) output(task string, s *site) string {
	from, exists := c.index[task]
	switch {
	case s.inFile:
		return "outputs of tasks cannot be used in the file's env, which all tasks have"
	case !exists:
		return "there is no task " + quote(task) + hintOf(c, task, c.index)
	case s.handler || !c.acyclic:
		return ""
	case s.task == from:
		return "a task cannot use its own outputs"
	case !c.upstreamOf(s.task).has(from):
		return "task " + quote(c.def.Tasks[s.task].ID) + " does not depend on " + quote(task) + ", directly or not, and so cannot use its outputs"
	}
	return ""
}

func hintOf[V any](c *checker, name string, among map[string]V) string {
	if c.hints >= maxHints {
		return ""
	}
	return c.hint(name, slices.Sorted(maps.Keys(among)))
}

// upstreamOf returns the tasks that a task depends on, directly or not. All are
// found at once: what a task is downstream of is the union of what those are
// that it depends on.
func (c *checker) upstreamOf(task int) set {
	if c.upstream == nil {
		c.upstream = make([]set, len(c.def.Tasks))
		var find func(i int)
		find = func(i int) {
			if c.upstream[i] != nil {
				return
			}
			all := make(set, len(c.def.Tasks)/64+1)
			for _, id := range c.def.Tasks[i].Depends {
				on := c.index[id]
				find(on)
				all.add(on)
				all.join(c.upstream[on])
			}
			c.upstream[i] = all
		}
		for i := range c.def.Tasks {
			find(i)
		}
	}
	return c.upstream[task]
}

// set is a set of small numbers, a bit for each.
type set []uint64

func (s set) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s set) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

func (s set) join(other set) {
	for i, bits := range other {
		s[i] |= bits
	}
}
