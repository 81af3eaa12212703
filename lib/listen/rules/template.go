package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cdktr/cdktr/lib/suggest"
)

const (
	opening = "${{"
	closing = "}}"
)

// template is a text with expressions in it.
type template []piece

// piece is a part of a text: as it is, or what an expression stands for.
type piece struct {
	text string
	from source
	path []string // of a field; the one name of a group
}

type source int

const (
	asItIs source = iota
	wholeLine
	matchGroup
	jsonField
)

// mistake is what is wrong in a text, at a byte of it.
type mistake struct {
	offset int
	what   string
}

// parseTemplate cuts a text into pieces. $${{ is the text ${{.
func parseTemplate(text string, names scope) (t template, mistakes []mistake) {
	literal := func(s string) {
		if s != "" {
			t = append(t, piece{text: s})
		}
	}
	from := 0 // of what is in no piece yet
	for at := 0; ; {
		next := strings.Index(text[at:], opening)
		if next < 0 {
			literal(text[from:])
			return t, mistakes
		}
		next += at
		at = next + len(opening)
		if next > from && text[next-1] == '$' {
			literal(text[from : next-1])
			from = next
			continue
		}
		literal(text[from:next])
		from = at
		// Not beyond the next one, which else would be part of a name.
		reach, _, _ := strings.Cut(text[at:], opening)
		inner, _, closed := strings.Cut(reach, closing)
		if !closed {
			mistakes = append(mistakes, mistake{next, `"${{" has no end; an expression ends with }}, and the text ${{ is written $${{`})
			continue
		}
		at += len(inner) + len(closing)
		from = at
		p, what := names.reference(strings.TrimSpace(inner))
		if what != "" {
			mistakes = append(mistakes, mistake{next, what})
			continue
		}
		t = append(t, p)
	}
}

// scope is which names an expression of a rule may have.
type scope struct {
	groups []string // of the rule's pattern
	json   bool     // the rule is for JSON objects
	fields []string // that the rule itself names
}

func newScope(match *regexp.Regexp, fields []field) scope {
	if match == nil {
		s := scope{json: true}
		for _, f := range fields {
			s.fields = append(s.fields, "json."+strings.Join(f.path, "."))
		}
		return s
	}
	// The names are the pattern's own.
	return scope{groups: slices.DeleteFunc(slices.Clone(match.SubexpNames()), func(name string) bool { return name == "" })}
}

// reference reads what stands between the braces, or says what is wrong.
func (s scope) reference(text string) (p piece, what string) {
	root, name, _ := strings.Cut(text, ".")
	switch {
	case text == "":
		return p, "an empty expression; it needs a name, such as line"
	case strings.ContainsAny(text, " \t\r\n"):
		return p, fmt.Sprintf("%s is no expression; only a name can stand in it, such as line", quote(text))
	case text == "line":
		return piece{from: wholeLine}, ""
	case root == "match" && s.json:
		return p, fmt.Sprintf("%s is of no use here: the rule has json and no match; a field is json.NAME", quote(text))
	case root == "match" && name == "":
		return p, fmt.Sprintf("%s is no expression; it needs the name of a group: match.NAME", quote(text))
	case root == "match":
		if !slices.Contains(s.groups, name) {
			return p, fmt.Sprintf("match has no group %s%s; a named group is (?P<NAME>…)", quote(name), suggest.Hint(name, s.groups))
		}
		return piece{from: matchGroup, path: []string{name}}, ""
	case root == "json" && !s.json:
		return p, fmt.Sprintf("%s is of no use here: the rule has match and no json; a group is match.NAME", quote(text))
	case root == "json":
		path, ok := parsePath(name)
		if !ok {
			return p, fmt.Sprintf("%s is no expression; a field is json.NAME, one below it json.NAME.NAME", quote(text))
		}
		return piece{from: jsonField, path: path}, ""
	}
	known := []string{"line"}
	for _, name := range s.groups {
		known = append(known, "match."+name)
	}
	known = append(known, s.fields...)
	return p, fmt.Sprintf("unknown name %s%s; there are match.NAME, json.NAME and line", quote(text), suggest.Hint(text, known))
}

// parsePath cuts a name at its dots.
func parsePath(name string) (path []string, ok bool) {
	path = strings.Split(name, ".")
	return path, !slices.Contains(path, "")
}

// expand puts in what the expressions stand for.
func (t template) expand(l *line) (string, error) {
	var out strings.Builder
	for _, p := range t {
		switch p.from {
		case asItIs:
			out.WriteString(p.text)
		case wholeLine:
			out.WriteString(l.text)
		case matchGroup:
			out.WriteString(l.group(p.path[0]))
		case jsonField:
			found := l.field(p.path)
			if found == nil {
				return "", fmt.Errorf("the event has no field %q, which its rule uses", strings.Join(p.path, "."))
			}
			text, err := plain(found)
			if err != nil {
				return "", fmt.Errorf("read field %q: %w", strings.Join(p.path, "."), err)
			}
			out.WriteString(text)
		}
	}
	return out.String(), nil
}
