package workflow

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

const byteOrderMark = "\uFEFF"

// MaxFile is the largest workflow file, in bytes.
const MaxFile = 1 << 20

// source turns the bytes of a file into the tree of its one document. It
// returns nil after it has reported why it cannot.
func source(r *report, data []byte) *yaml.Node {
	if len(data) > MaxFile {
		r.add(0, 0, "the file is larger than 1 MiB")
		return nil
	}
	if bytes.HasPrefix(data, []byte{0xFF, 0xFE}) || bytes.HasPrefix(data, []byte{0xFE, 0xFF}) {
		r.add(1, 1, "the file is UTF-16; save it as UTF-8")
		return nil
	}
	data = bytes.TrimPrefix(data, []byte(byteOrderMark))
	if !plainText(r, data) {
		return nil
	}
	documents, err := parseYAML(data)
	if err != nil {
		line, message := locate(data, err)
		column := indentOf(data, line)
		r.add(line, column, "not valid YAML: %s", message)
		return nil
	}
	if len(documents) > 1 {
		second := documents[1]
		r.add(second.Line, second.Column, "a second document begins here; one file holds one workflow")
		return nil
	}
	if len(documents) == 0 {
		r.add(1, 1, "the file is empty; a workflow needs tasks")
		return nil
	}
	return documents[0]
}

// plainText reports the first byte that no text has.
func plainText(r *report, data []byte) bool {
	line, column := 1, 1
	for i := 0; i < len(data); {
		c, size := utf8.DecodeRune(data[i:])
		switch {
		case c == utf8.RuneError && size == 1:
			r.add(line, column, "byte %#02x is not UTF-8", data[i])
			return false
		case c < ' ' && c != '\n' && c != '\t' && c != '\r', c == 0x7F:
			r.add(line, column, "control character %U", c)
			return false
		case c == '\n':
			line, column = line+1, 0
		}
		column++
		i += size
	}
	return true
}

// parseYAML returns the documents, at most two: the second is one too many. A
// panic of the parser is one more way to say that the text is not YAML.
func parseYAML(data []byte) (documents []*yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(data))
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
// the parser names on.
func locate(data []byte, err error) (line int, message string) {
	split := func(err error) (int, string) {
		m := yamlError.FindStringSubmatch(err.Error())
		if m == nil {
			return 1, err.Error()
		}
		line, _ := strconv.Atoi(m[1])
		return max(line, 1), m[2]
	}
	low, message := split(err)
	lines := bytes.SplitAfter(data, []byte("\n"))
	high := len(lines)
	for low < high {
		middle := (low + high) / 2
		_, err := parseYAML(bytes.Join(lines[:middle], nil))
		if err != nil {
			if _, same := split(err); same == message {
				high = middle
				continue
			}
		}
		low = middle + 1
	}
	low = min(low, len(lines))
	if message == "found character that cannot start any token" && bytes.HasPrefix(bytes.TrimLeft(lines[low-1], " "), []byte("\t")) {
		message = "a tab; indent with spaces"
	}
	return low, strings.TrimSpace(message)
}

// indentOf is the column of the first character of a line that is not blank.
func indentOf(data []byte, line int) int {
	lines := bytes.Split(data, []byte("\n"))
	text := lines[line-1]
	return len(text) - len(bytes.TrimLeft(text, " ")) + 1
}
