package workflow

import (
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/cdktr/cdktr/lib/yamlfile"
)

const (
	maxArgument = 128 << 10 // of one argument or variable, with its end: the kernel's
	maxParam    = 64 << 10
	maxLabels   = 100
	maxLabel    = 128 // bytes, of key and value
)

const variablePattern = "^[A-Za-z_][A-Za-z0-9_]*$"

// argument checks an entry of a list of arguments. With no site, no expression
// can stand in it.
func (d *decoder) argument(s *site) func(string, *yaml.Node, string) {
	return func(key string, n *yaml.Node, text string) {
		if len(text) >= maxArgument {
			d.errors.At(n, "an entry of %s is longer than 128 KiB, the most that a program can be given", key)
		}
		if s == nil {
			d.noExpression(key, n, text)
		} else {
			d.use(n, text, s)
		}
	}
}

// env reads variables. The map stays nil when there are none.
func (d *decoder) env(into *map[string]string, s *site) kind {
	return kind{func(key string, n *yaml.Node) {
		entries, _ := d.entries(key, n)
		for _, e := range entries {
			if !isVariable(e.name) {
				d.errors.At(e.key, "%s is no name of a variable; it has letters, digits and _, and does not begin with a digit", quote(e.name))
				continue
			}
			text, ok := d.scalar("variable "+e.name, e.value)
			if !ok {
				continue
			}
			if len(e.name)+len(text)+1 >= maxArgument {
				d.errors.At(e.value, "variable %s is longer than 128 KiB, the most that a program can be given", quote(e.name))
			}
			if *into == nil {
				*into = map[string]string{}
			}
			(*into)[e.name] = text
			d.use(e.value, text, s)
		}
	}, func() schema { return mapOf(variablePattern, orNothing(textSchema())) }}
}

func isVariable(name string) bool {
	for i, c := range name {
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// secrets reads the names of variables that only the agents know.
func (d *decoder) secrets(into *[]string) kind {
	seen := map[string]bool{}
	list := d.texts(into, func(key string, n *yaml.Node, text string) {
		switch {
		case !isVariable(text):
			d.errors.At(n, "%s is no name of a variable; it has letters, digits and _, and does not begin with a digit", quote(text))
		case strings.HasPrefix(text, "CDKTR_"):
			d.errors.At(n, "%s is no name of a secret: what begins with CDKTR_ is given by CDKTR", quote(text))
		case seen[text]:
			d.errors.At(n, "secret %s is named twice", quote(text))
		}
		seen[text] = true
	})
	return kind{list.read, func() schema {
		return schema{"type": "array", "items": schema{"type": "string", "pattern": variablePattern}}
	}}
}

// secretsApart warns of a variable that has the name of a secret: its value is
// in the file and in the history.
func (d *decoder) secretsApart(w *draft) {
	for _, name := range w.Secrets {
		if _, both := w.Env[name]; both {
			d.warnings.At(w.own["secrets"], "%s is a secret and in env; what stands in env is not secret", quote(name))
		}
	}
}

// labels reads what an agent must have.
func (d *decoder) labels(into *map[string]string) kind {
	return kind{func(key string, n *yaml.Node) {
		entries, _ := d.entries(key, n)
		if len(entries) > maxLabels {
			d.errors.At(n, "%s has %d labels; an agent has at most %d", key, len(entries), maxLabels)
			return
		}
		for _, e := range entries {
			if e.name == "" || len(e.name) > maxLabel || strings.Contains(e.name, "=") {
				d.errors.At(e.key, "%s is no name of a label; it is not empty, has at most %d bytes, and no =", quote(e.name), maxLabel)
				continue
			}
			if yamlfile.IsNull(e.value) {
				d.errors.At(e.value, "label %s has no value", quote(e.name))
				continue
			}
			text, ok := d.scalar("label "+e.name, e.value)
			if !ok {
				continue
			}
			if len(text) > maxLabel {
				d.errors.At(e.value, "label %s is longer than %d bytes", quote(e.name), maxLabel)
			}
			if *into == nil {
				*into = map[string]string{}
			}
			(*into)[e.name] = text
		}
	}, func() schema {
		return mapOf(`^[^=]{1,128}$`, textSchema()).with("maxProperties", maxLabels)
	}}
}
