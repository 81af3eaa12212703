package workflow

import (
	"encoding/json"

	"gopkg.in/yaml.v3"

	"github.com/cdktr/cdktr/lib/yamlfile"
)

const (
	maxNesting = 64
	// maxExpanded bounds a document after its aliases are replaced by what
	// they stand for: bytes of text and nodes. No file within MaxFile comes
	// near it without aliases.
	maxExpanded = 2 << 20
	maxTasks    = 10_000
	// maxLease bounds what an agent is sent of one task, as JSON, where six
	// bytes may stand for one. With the parameters of a trigger it has to fit
	// into a message.
	maxLease = 2 << 20
	// maxProblems bounds what one file can have said about it.
	maxProblems = 1000
)

// extent is how large a node is, with its aliases expanded.
type extent struct {
	size   int // saturated at a little over maxExpanded
	height int
	open   bool // being measured: an alias that meets it lies within itself
}

// measurer walks the tree once; what an alias stands for is measured once and
// remembered, so that a small file cannot make for long work.
type measurer struct {
	report  *yamlfile.Report
	extents map[*yaml.Node]*extent
}

// withinLimits reports the first place where the document is too deep, too
// large, or contains itself. Only after it said yes may the tree be walked
// through its aliases.
func withinLimits(r *yamlfile.Report, document *yaml.Node) bool {
	m := measurer{report: r, extents: map[*yaml.Node]*extent{}}
	_, ok := m.measure(document, 0) // the document itself is no level
	return ok
}

func (m *measurer) measure(n *yaml.Node, depth int) (extent, bool) {
	if n.Kind == yaml.AliasNode {
		known := m.extents[n.Alias]
		if known == nil {
			return m.measure(n.Alias, depth)
		}
		if known.open {
			m.report.At(n, "alias *%s stands for something that contains it", n.Value)
			return extent{}, false
		}
		if depth+known.height-1 > maxNesting {
			m.report.At(n, "nested more than %d levels deep", maxNesting)
			return extent{}, false
		}
		return *known, true
	}
	if depth > maxNesting {
		m.report.At(n, "nested more than %d levels deep", maxNesting)
		return extent{}, false
	}
	e := &extent{size: 1 + len(n.Value), height: 1, open: true}
	m.extents[n] = e
	for _, child := range n.Content {
		c, ok := m.measure(child, depth+1)
		if !ok {
			return extent{}, false
		}
		e.size += c.size
		e.height = max(e.height, c.height+1)
		if e.size > maxExpanded {
			m.report.At(child, "the aliases of this file expand to more than 2 MiB")
			return extent{}, false
		}
	}
	e.open = false
	return *e, true
}

// sizes reports the tasks that are too large to be sent to an agent.
func (d *decoder) sizes(w *draft) {
	common := jsonSize(w.Env) + jsonSize(w.Params) + len(w.Params)*len(ParamVariable(""))
	check := func(t *Task, at *yaml.Node) {
		if n := common + jsonSize(t.Action) + jsonSize(t.Env) + jsonSize(t.WorkingDirectory); n > maxLease {
			d.errors.At(at, "task %s is too large: written as JSON, with its aliases expanded and all its variables, it has %d bytes; at most %d fit", quote(t.ID), n, maxLease)
		}
	}
	for i := range w.Tasks {
		check(&w.Tasks[i], w.keys[i])
	}
	for _, h := range w.Handlers() {
		check(h, w.own[h.ID])
	}
}

// jsonSize is the length of v as the messages to agents have it.
func jsonSize(v any) int {
	var size counter
	encoder := json.NewEncoder(&size)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return maxLease + 1 // what cannot be written cannot be sent
	}
	return int(size)
}

type counter int

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}
