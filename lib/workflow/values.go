package workflow

import (
	"strings"

	"gopkg.in/yaml.v3"
)

const (
	maxArgument = 128 << 10 // of one argument or variable, with its end: the kernel's
	maxParam    = 64 << 10
)

func (d *decoder) argument(key string, n *yaml.Node, text string) {
	if len(text) >= maxArgument {
		d.errors.at(n, "an entry of %s is longer than 128 KiB, the most that a program can be given", key)
	}
}

// env reads variables. The map stays nil when there are none.
func (d *decoder) env(into *map[string]string) reader {
	return func(key string, n *yaml.Node) {
		entries, _ := d.entries(key, n)
		for _, e := range entries {
			if !isVariable(e.name) {
				d.errors.at(e.key, "%s is no name of a variable; it has letters, digits and _, and does not begin with a digit", quote(e.name))
				continue
			}
			text, ok := d.scalar("variable "+e.name, e.value)
			if !ok {
				continue
			}
			if len(e.name)+len(text)+1 >= maxArgument {
				d.errors.at(e.value, "variable %s is longer than 128 KiB, the most that a program can be given", quote(e.name))
			}
			if *into == nil {
				*into = map[string]string{}
			}
			(*into)[e.name] = text
		}
	}
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

// params reads parameters with their defaults. The map is not nil even when
// there are none: then no name is taken at a trigger.
func (d *decoder) params(into *map[string]string) reader {
	return func(key string, n *yaml.Node) {
		params := map[string]string{}
		variables := map[string]string{} // CDKTR_PARAM_… -> the parameter that has it
		entries, _ := d.entries(key, n)
		for _, e := range entries {
			if e.name == "" || len(e.name) > maxTaskID || strings.ContainsAny(e.name, "=\x00\n\r\t ") {
				d.errors.at(e.key, "%s is no name of a parameter; it is not empty, has at most %d characters, and no = and no space", quote(e.name), maxTaskID)
				continue
			}
			if e.value.Kind != yaml.ScalarNode {
				d.errors.at(e.value, "the default of parameter %s must be text, a number, or true or false, not %s", quote(e.name), kindOf(e.value))
				continue
			}
			text, ok := d.scalar("parameter "+e.name, e.value)
			if !ok {
				continue
			}
			if len(text) > maxParam {
				d.errors.at(e.value, "the default of parameter %s is longer than 64 KiB", quote(e.name))
			}
			variable := ParamVariable(e.name)
			if other, taken := variables[variable]; taken {
				d.errors.at(e.key, "parameters %s and %s are both the variable %s", quote(other), quote(e.name), variable)
			}
			variables[variable] = e.name
			params[e.name] = text
		}
		*into = params
	}
}

// ParamVariable is the environment variable that carries a parameter to the
// tasks: upper case, and _ for what a variable's name cannot have.
func ParamVariable(param string) string {
	return "CDKTR_PARAM_" + strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z':
			return c - 'a' + 'A'
		case c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
			return c
		}
		return '_'
	}, param)
}
