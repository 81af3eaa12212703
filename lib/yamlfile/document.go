package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Document returns the one document of a text without a byte order mark, or nil
// after it has reported why it cannot. Its one content is not null. The messages
// end with what one file holds, such as "one workflow", and what an empty one
// lacks, such as "a workflow needs tasks".
func (r *Report) Document(text []byte, holds, needs string) *yaml.Node {
	documents, err := Documents(text)
	switch {
	case err != nil:
		line, column, message := locate(text, err)
		r.Add(line, column, "not valid YAML: %s", message)
		return nil
	case len(documents) > 1:
		r.At(documents[1], "a second document begins here; one file holds %s", holds)
		return nil
	case len(documents) == 0 || IsNull(documents[0].Content[0]):
		r.Add(1, 1, "the file is empty; %s", needs)
		return nil
	}
	return documents[0]
}

// Documents returns at most two: the second is one too many. A panic of the
// parser is one more way to say that the text is not YAML.
func Documents(text []byte) (documents []*yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for len(documents) < 2 {
		var document yaml.Node
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			return documents, nil
		} else if err != nil {
			return nil, err
		}
		documents = append(documents, &document)
	}
	return documents, nil
}

// yamlError is what the parser says: the line, if any, is where the enclosing
// construct begins, and may be one too low.
var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?((?s).*)$`)

// locate finds the line of a syntax error: the first one after which the text
// is wrong in the same way. It is looked for by bisection, from the line that
// the parser names on. The column is of the line's first character that is not
// blank.
func locate(text []byte, err error) (line, column int, message string) {
	split := func(err error) (int, string) {
		m := yamlError.FindStringSubmatch(err.Error())
		if m == nil {
			return 1, err.Error()
		}
		line, _ := strconv.Atoi(m[1])
		return max(line, 1), m[2]
	}
	low, message := split(err)
	lines := bytes.SplitAfter(text, []byte("\n"))
	for high := len(lines); low < high; {
		middle := (low + high) / 2
		if _, err := Documents(bytes.Join(lines[:middle], nil)); err != nil {
			if _, same := split(err); same == message {
				high = middle
				continue
			}
		}
		low = middle + 1
	}
	low = min(low, len(lines))
	found := bytes.TrimLeft(lines[low-1], " ")
	if message == "found character that cannot start any token" && bytes.HasPrefix(found, []byte("\t")) {
		message = "a tab; indent with spaces"
	}
	return low, len(lines[low-1]) - len(found) + 1, strings.TrimSpace(message)
}

// Resolve returns what an alias stands for, of any other node itself.
func Resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// IsNull tells a value that is not there, or is written as null or ~.
func IsNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// KindOf says what a node is, to who expected something else.
func KindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case IsNull(n):
		return "nothing"
	}
	return "text"
}
