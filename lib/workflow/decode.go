package workflow

import (
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/cdktr/cdktr/lib/suggest"
	"github.com/cdktr/cdktr/lib/yamlfile"
)

// decoder reads nodes into Go values and goes on after a mistake, so that all
// mistakes of a file are told at once.
type decoder struct {
	errors   yamlfile.Report
	warnings yamlfile.Report
	data     []byte   // of the file, for places within a scalar
	starts   []int    // of its lines, when they are asked for
	found    openings // of the scalar that was asked for last
	hints    int      // suggestions that were looked for among many names
	uses     []use    // the texts that may hold expressions
}

// entry is one key with its value, aliases resolved.
type entry struct {
	name  string
	key   *yaml.Node
	value *yaml.Node
}

// record reads a mapping with fixed keys. A value of null is the same as no
// key. It returns the keys that are there, or nil if it is no mapping.
func (d *decoder) record(what string, n *yaml.Node, fields table) map[string]*yaml.Node {
	entries, ok := d.entries(what, n)
	if !ok {
		return nil
	}
	given := map[string]*yaml.Node{}
	for _, e := range entries {
		read := fields.reader(e.name)
		if read == nil {
			known := fields.names()
			d.errors.At(e.key, "unknown key %s%s", quote(e.name), suggest.Hint(e.name, known))
			// Who misspelt a key did not leave it out: one mistake, one error.
			if meant := suggest.Name(e.name, known); meant != "" && given[meant] == nil {
				given[meant] = e.value
			}
			continue
		}
		if yamlfile.IsNull(e.value) {
			continue
		}
		given[e.name] = e.value
		read(e.name, e.value)
	}
	return given
}

// entries lists a mapping in the file's order, what << merges into it last. A
// key of its own wins over a merged one, an earlier merge over a later one.
func (d *decoder) entries(what string, n *yaml.Node) ([]entry, bool) {
	n = yamlfile.Resolve(n)
	if n.Kind != yaml.MappingNode {
		d.errors.At(n, "%s must be a mapping, not %s", what, kindOf(n))
		return nil, false
	}
	// A config is called by its tag.
	if tag := n.ShortTag(); tag != "!!map" && tag != what {
		d.errors.At(n, "unknown tag %s", quote(tag))
		return nil, false
	}
	var own []entry
	var merged []*yaml.Node
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], yamlfile.Resolve(n.Content[i+1])
		name, ok := d.scalar("a key", key)
		if !ok {
			continue
		}
		if first, twice := lines[name]; twice {
			d.errors.At(key, "duplicate key %s (first on line %d)", quote(name), first)
			continue
		}
		lines[name] = key.Line
		if key.ShortTag() == "!!merge" {
			merged = append(merged, value)
			continue
		}
		own = append(own, entry{name: name, key: key, value: value})
	}
	for _, from := range merged {
		sources := []*yaml.Node{from}
		if from.Kind == yaml.SequenceNode {
			sources = from.Content
		}
		for _, from := range sources {
			entries, _ := d.entries("what << merges", from)
			for _, e := range entries {
				if _, covered := lines[e.name]; !covered {
					lines[e.name] = e.key.Line
					own = append(own, e)
				}
			}
		}
	}
	return own, true
}

// items lists a sequence, aliases resolved.
func (d *decoder) items(what string, n *yaml.Node) ([]*yaml.Node, bool) {
	n = yamlfile.Resolve(n)
	if n.Kind != yaml.SequenceNode {
		d.errors.At(n, "%s must be a list, not %s", what, kindOf(n))
		return nil, false
	}
	if tag := n.ShortTag(); tag != "!!seq" {
		d.errors.At(n, "unknown tag %s", quote(tag))
		return nil, false
	}
	items := make([]*yaml.Node, len(n.Content))
	for i, item := range n.Content {
		items[i] = yamlfile.Resolve(item)
	}
	return items, true
}

// scalar is the text of a scalar as it is written: 2 and 010 and yes stay what
// they are. Null is the empty text.
func (d *decoder) scalar(what string, n *yaml.Node) (string, bool) {
	n = yamlfile.Resolve(n)
	if n.Kind != yaml.ScalarNode {
		d.errors.At(n, "%s must be text, not %s", what, kindOf(n))
		return "", false
	}
	switch tag := n.ShortTag(); tag {
	case "!!str", "!!int", "!!float", "!!bool", "!!timestamp", "!!merge":
	case "!!null":
		return "", true
	default:
		d.errors.At(n, "unknown tag %s", quote(tag))
		return "", false
	}
	if strings.ContainsRune(n.Value, 0) {
		d.errors.At(n, "%s contains a NUL character", what)
		return "", false
	}
	return n.Value, true
}

// kindOf tells a number, and true and false, from other texts.
func kindOf(n *yaml.Node) string {
	kind := yamlfile.KindOf(n)
	if kind != "text" {
		return kind
	}
	switch n.ShortTag() {
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	}
	return kind
}

func quote(s string) string { return yamlfile.Quote(s) }
