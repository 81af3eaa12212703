package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// line is one line while it is looked at. It is read as JSON when the first
// rule asks for that.
type line struct {
	text      string
	matched   *regexp.Regexp
	groups    []int
	read      bool
	object    map[string]json.RawMessage
	notObject error
}

func (l *line) isObject() bool {
	if !l.read {
		l.read = true
		l.object, l.notObject = object([]byte(l.text))
	}
	return l.notObject == nil
}

// broken tells that it was meant to be an object.
func (l *line) broken() bool { return l.notObject != nil && l.notObject != errNoObject }

var errNoObject = errors.New("the line is no JSON object")

func object(text []byte) (map[string]json.RawMessage, error) {
	if !bytes.HasPrefix(bytes.TrimLeft(text, " \t\r"), []byte("{")) {
		return nil, errNoObject
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoObject, err)
	}
	return fields, nil
}

// field finds the value at a path of names; in a list a name is a number, from
// 0. It returns nil where there is none.
func (l *line) field(path []string) json.RawMessage {
	if !l.isObject() {
		return nil
	}
	value := l.object[path[0]]
	for _, name := range path[1:] {
		switch first(value) {
		case '{':
			var fields map[string]json.RawMessage
			if json.Unmarshal(value, &fields) != nil {
				return nil
			}
			value = fields[name]
		case '[':
			var items []json.RawMessage
			i, err := strconv.Atoi(name)
			if err != nil || json.Unmarshal(value, &items) != nil || i < 0 || i >= len(items) {
				return nil
			}
			value = items[i]
		default:
			return nil
		}
	}
	return value
}

// first is the first byte of a JSON value, which says what it is; 0: of none.
func first(value json.RawMessage) byte {
	if len(value) == 0 {
		return 0
	}
	return value[0]
}

// plain is a JSON value as the text that a parameter has of it: of a string what
// it says, of null nothing, of all else its JSON.
func plain(value json.RawMessage) (string, error) {
	switch first(value) {
	case '"':
		var text string
		err := json.Unmarshal(value, &text)
		return text, err
	case 'n':
		return "", nil
	}
	var compact bytes.Buffer
	err := json.Compact(&compact, value)
	return compact.String(), err
}

// group is what a named group of the rule's pattern has matched; of a group that
// took no part, nothing.
func (l *line) group(name string) string {
	i := l.matched.SubexpIndex(name)
	if from := l.groups[2*i]; from >= 0 {
		return l.text[from:l.groups[2*i+1]]
	}
	return ""
}

// field is a condition on a JSON value: to be one of some, or to match.
type field struct {
	path  []string
	oneOf []value
	match *regexp.Regexp
}

// value is a scalar of the rules file. Kind is the first byte that its JSON
// has, 0 for any number.
type value struct {
	kind byte
	text string
}

func (f field) holds(l *line) bool {
	found := l.field(f.path)
	kind := first(found)
	if kind == 0 {
		return false
	}
	if f.match != nil {
		text, err := plain(found)
		return err == nil && kind != '{' && kind != '[' && kind != 'n' && f.match.MatchString(text)
	}
	for _, v := range f.oneOf {
		if v.equals(found) {
			return true
		}
	}
	return false
}

func (v value) equals(found json.RawMessage) bool {
	switch kind := first(found); {
	case v.kind != 0:
		text, err := plain(found)
		return err == nil && kind == v.kind && text == v.text
	case kind == '-' || kind >= '0' && kind <= '9':
		return sameNumber(v.text, string(found))
	}
	return false
}

// sameNumber compares whole numbers of any length exactly, others as computers
// do.
func sameNumber(a, b string) bool {
	whole := func(text string) bool { return !strings.ContainsAny(text, ".eE") }
	if a == b || whole(a) && whole(b) {
		return a == b
	}
	one, err := strconv.ParseFloat(a, 64)
	other, err2 := strconv.ParseFloat(b, 64)
	return err == nil && err2 == nil && one == other
}
