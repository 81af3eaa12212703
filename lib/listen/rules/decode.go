package rules

import (
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/cdktr/cdktr/lib/suggest"
	"github.com/cdktr/cdktr/lib/yamlfile"
)

// entry is one key with its value, aliases resolved.
type entry struct {
	name       string
	key, value *yaml.Node
}

// entries lists a mapping in the file's order.
func (r *report) entries(what string, n *yaml.Node) []entry {
	if n.Kind != yaml.MappingNode {
		r.At(n, "%s must be a mapping, not %s", what, yamlfile.KindOf(n))
		return nil
	}
	out := []entry{}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		name, ok := r.scalar("a key", key)
		if !ok {
			continue
		}
		if before, twice := lines[name]; twice {
			r.At(key, "duplicate key %s (first on line %d)", quote(name), before)
			continue
		}
		lines[name] = key.Line
		out = append(out, entry{name, key, yamlfile.Resolve(n.Content[i+1])})
	}
	return out
}

// mapping reads a mapping with fixed keys. A value of null is the same as no key.
func (r *report) mapping(what string, n *yaml.Node, known ...string) map[string]*yaml.Node {
	entries := r.entries(what, n)
	if entries == nil {
		return nil
	}
	given := map[string]*yaml.Node{}
	for _, e := range entries {
		name := e.name
		if !slices.Contains(known, name) {
			r.At(e.key, "unknown key %s%s", quote(name), suggest.Hint(name, known))
			// Who misspelt a key did not leave it out: one mistake, one error.
			if name = suggest.Name(name, known); name == "" || given[name] != nil {
				continue
			}
		}
		if !yamlfile.IsNull(e.value) {
			given[name] = e.value
		}
	}
	return given
}

// scalar is a text as it is written: 2 and 010 and yes stay what they are.
func (r *report) scalar(what string, n *yaml.Node) (string, bool) {
	n = yamlfile.Resolve(n)
	if n.Kind != yaml.ScalarNode {
		r.At(n, "%s must be text, not %s", what, yamlfile.KindOf(n))
		return "", false
	}
	switch tag := n.ShortTag(); tag {
	case "!!str", "!!int", "!!float", "!!bool", "!!timestamp", "!!merge", "!!null":
		return n.Value, true
	default:
		r.At(n, "unknown tag %s", quote(tag))
		return "", false
	}
}
