package rules

import (
	"math"
	"regexp"
	"strconv"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/cdktr/cdktr/lib/suggest"
	"github.com/cdktr/cdktr/lib/yamlfile"
)

const (
	maxRules    = 1000
	maxDebounce = 24 * time.Hour
)

// Parse reads a file of rules. It returns them, or nil with all that is wrong.
// The file's name is for the problems alone.
func Parse(file string, data []byte) (*Rules, []Problem) {
	r := newReport(file, data)
	rules := r.document()
	if problems := r.Sorted(); len(problems) > 0 {
		return nil, problems
	}
	return rules, nil
}

func (r *report) document() *Rules {
	root := r.source()
	if root == nil {
		return nil
	}
	rules := &Rules{}
	given := r.mapping("a file of rules", root, "rules", "otherwise")
	if given == nil {
		return nil
	}
	if n := given["otherwise"]; n != nil {
		switch text, ok := r.scalar("otherwise", n); {
		case ok && text == "skip":
			rules.skip = true
		case ok && text != "refuse":
			r.At(n, "otherwise is refuse or skip, not %s%s", quote(text), suggest.Hint(text, []string{"refuse", "skip"}))
		}
	}
	list := given["rules"]
	switch {
	case list == nil:
		r.At(root, "there is no key \"rules\"; it needs at least one")
		return nil
	case list.Kind != yaml.SequenceNode:
		r.At(list, "rules must be a list, not %s", yamlfile.KindOf(list))
		return nil
	case len(list.Content) == 0:
		r.At(list, "rules is empty; it needs at least one")
	case len(list.Content) > maxRules:
		r.At(list.Content[maxRules], "more than %d rules", maxRules)
		return nil
	}
	for _, n := range list.Content {
		rules.rules = append(rules.rules, r.rule(yamlfile.Resolve(n)))
	}
	return rules
}

func (r *report) rule(n *yaml.Node) (out rule) {
	given := r.mapping("a rule", n, "match", "json", "workflow", "params", "key", "debounce")
	if given == nil {
		return out
	}
	match, json, workflow := given["match"], given["json"], given["workflow"]
	sound := true // else which names there are is not known
	switch {
	case match != nil && json != nil:
		r.At(json, "a rule has match or json, not both")
		sound = false
	case match != nil:
		out.match = r.pattern("match", match)
		sound = out.match != nil
	case json != nil:
		out.fields = r.fields(json)
	default:
		r.At(n, "the rule has neither match nor json; it needs to say which lines it is for")
		sound = false
	}
	if workflow == nil {
		r.At(n, "the rule has no workflow")
	}
	template := func(what string, n *yaml.Node) template {
		text, ok := r.scalar(what, n)
		if !ok || !sound {
			return nil
		}
		t, mistakes := parseTemplate(text, newScope(out.match, out.fields))
		for _, m := range mistakes {
			r.within(n, m)
		}
		return t
	}
	if workflow != nil {
		out.workflow = template("workflow", workflow)
		if workflow.Value == "" && workflow.Kind == yaml.ScalarNode {
			r.At(workflow, "workflow is empty")
		}
	}
	if n := given["params"]; n != nil {
		for _, e := range r.entries("params", n) {
			out.params = append(out.params, param{e.name, template("params."+e.name, e.value)})
		}
	}
	if n := given["key"]; n != nil {
		key := template("key", n)
		out.key = &key
	}
	if n := given["debounce"]; n != nil {
		out.debounce = r.debounce(n)
	}
	return out
}

func (r *report) pattern(what string, n *yaml.Node) *regexp.Regexp {
	text, ok := r.scalar(what, n)
	if !ok {
		return nil
	}
	re, err := regexp.Compile(text)
	if err != nil {
		r.At(n, "%s: %v", what, err)
		return nil
	}
	seen := map[string]bool{"": true}
	for _, name := range re.SubexpNames() {
		if seen[name] && name != "" {
			r.At(n, "%s: group %s is there twice", what, quote(name))
			return nil
		}
		seen[name] = true
	}
	return re
}

func (r *report) debounce(n *yaml.Node) time.Duration {
	text, ok := r.scalar("debounce", n)
	if !ok {
		return 0
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		r.At(n, "debounce %s is no duration, such as 5s or 1m30s", quote(text))
	case d <= 0 || d > maxDebounce:
		r.At(n, "debounce %s must be longer than 0 and at most 24h", quote(text))
	}
	return d
}

func (r *report) fields(n *yaml.Node) []field {
	fields := []field{}
	for _, e := range r.entries("json", n) {
		path, ok := parsePath(e.name)
		if !ok {
			r.At(e.key, "%s is no field; one below another is NAME.NAME", quote(e.name))
			continue
		}
		f := field{path: path}
		switch e.value.Kind {
		case yaml.MappingNode:
			if given := r.mapping(e.name, e.value, "match"); given == nil {
				continue
			} else if given["match"] == nil {
				r.At(e.value, "%s must be a value, a list of them, or {match: PATTERN}", quote(e.name))
			} else {
				f.match = r.pattern("match", given["match"])
			}
		case yaml.SequenceNode:
			if len(e.value.Content) == 0 {
				r.At(e.value, "%s can be none of an empty list", quote(e.name))
			}
			for _, item := range e.value.Content {
				f.oneOf = append(f.oneOf, r.value(e.name, yamlfile.Resolve(item)))
			}
		default:
			f.oneOf = []value{r.value(e.name, e.value)}
		}
		fields = append(fields, f)
	}
	return fields
}

func (r *report) value(what string, n *yaml.Node) value {
	if n.Kind != yaml.ScalarNode {
		r.At(n, "%s must be a value, a list of them, or {match: PATTERN}", quote(what))
		return value{}
	}
	switch n.ShortTag() {
	case "!!null":
		return value{kind: 'n'}
	case "!!bool":
		text := "false"
		if yes := false; n.Decode(&yes) == nil && yes {
			text = "true"
		}
		return value{kind: text[0], text: text}
	case "!!int":
		var signed int64
		var unsigned uint64
		switch {
		case n.Decode(&signed) == nil:
			return value{text: strconv.FormatInt(signed, 10)}
		case n.Decode(&unsigned) == nil:
			return value{text: strconv.FormatUint(unsigned, 10)}
		}
		return value{text: n.Value}
	case "!!float":
		var number float64
		if err := n.Decode(&number); err != nil || math.IsNaN(number) || math.IsInf(number, 0) {
			r.At(n, "%s is no number that JSON has", quote(n.Value))
		}
		return value{text: strconv.FormatFloat(number, 'e', -1, 64)}
	}
	text, _ := r.scalar(what, n)
	return value{kind: '"', text: text}
}
