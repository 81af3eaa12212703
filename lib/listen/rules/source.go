package rules

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// MaxFile is the largest file of rules, in bytes.
const MaxFile = 1 << 20

const byteOrderMark = "\uFEFF"

// source turns the file's text into the tree of its one document. It returns nil
// after it has reported why it cannot.
func (r *report) source() *yaml.Node {
	if len(r.text) > MaxFile {
		r.add(0, 0, "the file is larger than 1 MiB")
		return nil
	}
	if !utf8.ValidString(r.text) {
		before := r.text[:len(r.text)-len(strings.TrimLeftFunc(r.text, func(c rune) bool { return c != utf8.RuneError }))]
		line := strings.Count(before, "\n") + 1
		r.add(line, utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])+1, "the file is not UTF-8")
		return nil
	}
	documents, err := documents(r.text)
	switch {
	case err != nil:
		line, message := r.locate(err)
		text := strings.Split(r.text, "\n")[line-1]
		r.add(line, len(text)-len(strings.TrimLeft(text, " "))+1, "not valid YAML: %s", message)
		return nil
	case len(documents) == 0:
		r.add(1, 1, "the file is empty; it needs rules")
		return nil
	case len(documents) > 1:
		r.at(documents[1], "a second document begins here; one file holds one list of rules")
		return nil
	}
	return resolve(documents[0].Content[0])
}

// documents returns at most two: the second is one too many. A panic of the
// parser is one more way to say that the text is not YAML.
func documents(text string) (all []*yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	decoder := yaml.NewDecoder(strings.NewReader(text))
	for len(all) < 2 {
		var document yaml.Node
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		all = append(all, &document)
	}
	return all, nil
}

// yamlError is what the parser says: the line, if any, is where the enclosing
// construct begins, and may be one too low.
var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?((?s).*)$`)

// locate finds the line of a syntax error: the first one after which the text is
// wrong in the same way.
func (r *report) locate(err error) (line int, message string) {
	split := func(err error) (int, string) {
		m := yamlError.FindStringSubmatch(err.Error())
		if m == nil {
			return 1, err.Error()
		}
		line, _ := strconv.Atoi(m[1])
		return max(line, 1), m[2]
	}
	low, message := split(err)
	lines := strings.SplitAfter(r.text, "\n")
	for high := len(lines); low < high; {
		middle := (low + high) / 2
		if _, err := documents(strings.Join(lines[:middle], "")); err != nil {
			if _, same := split(err); same == message {
				high = middle
				continue
			}
		}
		low = middle + 1
	}
	low = min(low, len(lines))
	if message == "found character that cannot start any token" && strings.HasPrefix(strings.TrimLeft(lines[low-1], " "), "\t") {
		message = "a tab; indent with spaces"
	}
	return low, strings.TrimSpace(message)
}

func newReport(file string, data []byte) *report {
	return &report{file: file, text: string(bytes.TrimPrefix(data, []byte(byteOrderMark)))}
}

func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "nothing"
	}
	return "text"
}
