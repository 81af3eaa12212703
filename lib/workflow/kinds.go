package workflow

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/cdktr/cdktr/lib/suggest"
	"github.com/cdktr/cdktr/lib/yamlfile"
)

// reader reads the value of one key. The key's name is for messages.
type reader func(key string, value *yaml.Node)

// kind is what a value may be: how the parser reads it, and how the schema says
// it. Invariant: what the reader takes, the schema takes.
type kind struct {
	read   reader
	schema func() schema
}

// usually names the value that is the same as no key.
func (k kind) usually(value any) kind {
	return kind{k.read, func() schema { return k.schema().with("default", value) }}
}

// field is one key of a mapping, declared once for the parser and the schema.
type field struct {
	name     string
	doc      string
	kind     kind
	required bool
}

// table says which keys a mapping may have.
type table []field

func key(name, doc string, k kind) field { return field{name: name, doc: doc, kind: k} }

func needed(name, doc string, k kind) field {
	return field{name: name, doc: doc, kind: k, required: true}
}

// reader returns nil for a key that is not known.
func (t table) reader(name string) reader {
	for _, f := range t {
		if f.name == name {
			return f.kind.read
		}
	}
	return nil
}

func (t table) names() []string {
	names := make([]string, len(t))
	for i, f := range t {
		names[i] = f.name
	}
	slices.Sort(names)
	return names
}

func (d *decoder) text(into *string) kind {
	return kind{func(key string, n *yaml.Node) { *into, _ = d.scalar(key, n) }, textSchema}
}

// plain is a text in which people would expect an expression to work, and none
// does.
func (d *decoder) plain(into *string) kind {
	return kind{func(key string, n *yaml.Node) {
		*into, _ = d.scalar(key, n)
		d.noExpression(key, n, *into)
	}, textSchema}
}

func (d *decoder) flag(into *bool) kind {
	return kind{func(key string, n *yaml.Node) {
		text, ok := d.word(key, "true or false", n)
		switch {
		case !ok:
		case n.ShortTag() == "!!bool":
			*into = strings.EqualFold(text, "true")
		default:
			d.errors.At(n, "%s must be true or false, not %s", key, quote(text))
		}
	}, func() schema { return schema{"type": "boolean", "default": false} }}
}

// choice reads one of a few words. The usual one is the same as no key.
func choice[T ~string](d *decoder, into *T, usual string, others ...T) kind {
	words := []string{usual}
	for _, other := range others {
		words = append(words, string(other))
	}
	allowed := strings.Join(words, " or ")
	return kind{func(key string, n *yaml.Node) {
		text, ok := d.word(key, allowed, n)
		switch {
		case !ok || text == usual:
		case slices.Contains(words, text):
			*into = T(text)
		default:
			d.errors.At(n, "%s must be %s, not %s%s", key, allowed, quote(text), suggest.Hint(text, words))
		}
	}, func() schema { return schema{"enum": words, "default": usual} }}
}

// word is the scalar of a key that takes only a few.
func (d *decoder) word(key, allowed string, n *yaml.Node) (string, bool) {
	if n.Kind != yaml.ScalarNode {
		d.errors.At(n, "%s must be %s, not %s", key, allowed, kindOf(n))
		return "", false
	}
	return d.scalar(key, n)
}

// whole reads a whole number, written as JSON would.
func (d *decoder) whole(into *int, least, most int) kind {
	return kind{func(key string, n *yaml.Node) {
		allowed := fmt.Sprintf("a whole number from %d to %d", least, most)
		text, ok := d.word(key, allowed, n)
		if !ok {
			return
		}
		v, err := strconv.Atoi(text)
		if err != nil || n.ShortTag() != "!!int" || strconv.Itoa(v) != text || v < least || v > most {
			d.errors.At(n, "%s must be %s, not %s", key, allowed, quote(text))
			return
		}
		*into = v
	}, func() schema { return schema{"type": "integer", "minimum": least, "maximum": most} }}
}

// factor reads a number.
func (d *decoder) factor(into *float64, least, most float64) kind {
	return kind{func(key string, n *yaml.Node) {
		allowed := fmt.Sprintf("a number from %v to %v", least, most)
		text, ok := d.word(key, allowed, n)
		if !ok {
			return
		}
		v, err := strconv.ParseFloat(text, 64)
		tag := n.ShortTag()
		if err != nil || tag != "!!int" && tag != "!!float" || !numberText.MatchString(text) || !(v >= least && v <= most) {
			d.errors.At(n, "%s must be %s, not %s", key, allowed, quote(text))
			return
		}
		*into = v
	}, func() schema { return schema{"type": "number", "minimum": least, "maximum": most} }}
}

// maxDuration is a year.
const maxDuration = 365 * 24 * time.Hour

// durationPattern is of RE2 and of JSON Schema alike.
const durationPattern = `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`

var durationText = regexp.MustCompile(durationPattern)

// duration reads a length of time, such as 1h30m.
func (d *decoder) duration(into *Duration, least time.Duration) kind {
	return kind{func(key string, n *yaml.Node) {
		text, ok := d.word(key, "a duration", n)
		if !ok {
			return
		}
		v, err := time.ParseDuration(text)
		switch {
		case n.ShortTag() == "!!int":
			d.errors.At(n, "%s %s has no unit; write %[2]ss, %[2]sm or %[2]sh", key, text)
		case !durationText.MatchString(text):
			d.errors.At(n, "%s %s is no duration, such as 90s, 10m or 1h30m", key, quote(text))
		case err != nil || v > maxDuration:
			d.errors.At(n, "%s %s is longer than a year", key, quote(text))
		case v < least:
			d.errors.At(n, "%s %s is shorter than %s", key, quote(text), least)
		default:
			*into = Duration(v)
		}
	}, func() schema { return schema{"type": "string", "pattern": durationPattern} }}
}

// texts reads a list of texts; check looks at each.
func (d *decoder) texts(into *[]string, check func(key string, n *yaml.Node, text string)) kind {
	return kind{func(key string, n *yaml.Node) {
		items, _ := d.items(key, n)
		for _, item := range items {
			if yamlfile.IsNull(item) {
				d.errors.At(item, "an entry of %s is empty", key)
				continue
			}
			if text, ok := d.scalar("an entry of "+key, item); ok {
				check(key, item, text)
				*into = append(*into, text)
			}
		}
	}, func() schema { return schema{"type": "array", "items": textSchema()} }}
}
