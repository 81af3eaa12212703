package workflow

import (
	"fmt"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxPattern bounds the pattern of a parameter, in bytes.
const maxPattern = 1024

const paramNamePattern = `^[^=\x00\n\r\t ]{1,128}$`

var (
	integerText = regexp.MustCompile(`^[+-]?[0-9]+$`)
	numberText  = regexp.MustCompile(`^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$`)
)

// Check says what is wrong with a value, to follow the parameter's name.
func (r ParamRule) Check(value string) error {
	switch {
	case r.Type == Boolean && value != "true" && value != "false":
		return fmt.Errorf("must be true or false, not %s", quote(value))
	case r.Type == Integer && !integerText.MatchString(value):
		return fmt.Errorf("must be a whole number, not %s", quote(value))
	case r.Type == Number && !numberText.MatchString(value):
		return fmt.Errorf("must be a number, not %s", quote(value))
	case r.Pattern == "":
		return nil
	}
	pattern, err := regexp.Compile(r.Pattern)
	if err != nil {
		return fmt.Errorf("has a pattern that cannot be used: %w", err)
	}
	if !pattern.MatchString(value) {
		return fmt.Errorf("must match %s, which %s does not", r.Pattern, quote(value))
	}
	return nil
}

// params reads parameters with their defaults. The map is not nil even when
// there are none: then no name is taken at a trigger.
func (d *decoder) params(w *draft) kind {
	return kind{func(key string, n *yaml.Node) {
		w.Params = map[string]string{}
		variables := map[string]string{} // CDKTR_PARAM_… -> the parameter that has it
		entries, _ := d.entries(key, n)
		for _, e := range entries {
			if e.name == "" || len(e.name) > maxTaskID || strings.ContainsAny(e.name, "=\x00\n\r\t ") {
				d.errors.At(e.key, "%s is no name of a parameter; it is not empty, has at most %d characters, and no = and no space", quote(e.name), maxTaskID)
				continue
			}
			variable := ParamVariable(e.name)
			if other, taken := variables[variable]; taken {
				d.errors.At(e.key, "parameters %s and %s are both the variable %s", quote(other), quote(e.name), variable)
			}
			variables[variable] = e.name
			value, rule := d.param(e)
			w.Params[e.name] = value
			if rule != (ParamRule{}) {
				if w.ParamRules == nil {
					w.ParamRules = map[string]ParamRule{}
				}
				w.ParamRules[e.name] = rule
			}
		}
	}, func() schema {
		fields := d.paramFields(new(ParamRule), new(*yaml.Node))
		return mapOf(paramNamePattern, anyOf(orNothing(textSchema()), fields.schema()))
	}}
}

// paramFields are the long form of a parameter. Its default is read when the
// type is known.
func (d *decoder) paramFields(rule *ParamRule, value **yaml.Node) table {
	return table{
		key("default", "Its value where none is given. Without it, one must be given.", kind{
			func(_ string, n *yaml.Node) { *value = n }, textSchema,
		}),
		key("pattern", "A regular expression (RE2) that must be found in the value.", d.pattern(&rule.Pattern)),
		key("type", "What the value must be. Default: what the default is.", choice(d, &rule.Type, "text", Boolean, Integer, Number)),
	}
}

// param reads one parameter: its default alone, or a mapping.
func (d *decoder) param(e entry) (value string, rule ParamRule) {
	n := e.value
	typed := false
	if n.Kind == yaml.MappingNode {
		n = nil
		given := d.record("parameter "+quote(e.name), e.value, d.paramFields(&rule, &n))
		typed = given["type"] != nil
		if n == nil {
			rule.Required = true
			return "", rule
		}
	}
	if n.Kind != yaml.ScalarNode {
		d.errors.At(n, "the default of parameter %s must be text, a number, or true or false, not %s", quote(e.name), kindOf(n))
		return "", rule
	}
	value, ok := d.scalar("parameter "+e.name, n)
	if !ok {
		return "", rule
	}
	if !typed {
		rule.Type = typeOf(n)
	}
	if n.ShortTag() == "!!bool" {
		value = strings.ToLower(value)
	}
	d.noExpression("a parameter", n, value)
	if len(value) > maxParam {
		d.errors.At(n, "the default of parameter %s is longer than 64 KiB", quote(e.name))
	} else if err := rule.Check(value); err != nil {
		d.errors.At(n, "the default of parameter %s %v", quote(e.name), err)
	}
	return value, rule
}

func typeOf(n *yaml.Node) ParamType {
	switch tag := n.ShortTag(); {
	case tag == "!!bool":
		return Boolean
	case tag == "!!int" && integerText.MatchString(n.Value):
		return Integer
	case (tag == "!!int" || tag == "!!float") && numberText.MatchString(n.Value):
		return Number
	}
	return ""
}

// pattern keeps only one that can be used: what is wrong with it is told here.
func (d *decoder) pattern(into *string) kind {
	return kind{func(key string, n *yaml.Node) {
		text, ok := d.scalar(key, n)
		if !ok {
			return
		}
		if len(text) > maxPattern {
			d.errors.At(n, "%s has more than %d bytes", key, maxPattern)
		} else if _, err := regexp.Compile(text); err != nil {
			d.errors.At(n, "%s %s: %s", key, quote(text), strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		} else {
			*into = text
		}
	}, textSchema}
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
