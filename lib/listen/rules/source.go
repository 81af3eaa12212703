package rules

import (
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
		r.Add(0, 0, "the file is larger than 1 MiB")
		return nil
	}
	if !utf8.ValidString(r.text) {
		bad := 0
		for c, size := utf8.DecodeRuneInString(r.text); c != utf8.RuneError || size > 1; c, size = utf8.DecodeRuneInString(r.text[bad:]) {
			bad += size
		}
		before := r.text[:bad]
		line := strings.Count(before, "\n") + 1
		r.Add(line, utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])+1, "the file is not UTF-8")
		return nil
	}
	document := r.Document([]byte(r.text), "one list of rules", "it needs rules")
	if document == nil {
		return nil
	}
	return document.Content[0]
}
