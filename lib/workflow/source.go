package workflow

import (
	"bytes"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/cdktr/cdktr/lib/yamlfile"
)

const byteOrderMark = "\uFEFF"

// MaxFile is the largest workflow file, in bytes.
const MaxFile = 1 << 20

// source turns the bytes of a file into the tree of its one document. It
// returns nil after it has reported why it cannot.
func source(r *yamlfile.Report, data []byte) *yaml.Node {
	if len(data) > MaxFile {
		r.Add(0, 0, "the file is larger than 1 MiB")
		return nil
	}
	if bytes.HasPrefix(data, []byte{0xFF, 0xFE}) || bytes.HasPrefix(data, []byte{0xFE, 0xFF}) {
		r.Add(1, 1, "the file is UTF-16; save it as UTF-8")
		return nil
	}
	data = bytes.TrimPrefix(data, []byte(byteOrderMark))
	if !plainText(r, data) {
		return nil
	}
	return r.Document(data, "one workflow", "a workflow needs tasks")
}

// plainText reports the first byte that no text has.
func plainText(r *yamlfile.Report, data []byte) bool {
	line, column := 1, 1
	for i := 0; i < len(data); {
		c, size := utf8.DecodeRune(data[i:])
		switch {
		case c == utf8.RuneError && size == 1:
			r.Add(line, column, "byte %#02x is not UTF-8", data[i])
			return false
		case c < ' ' && c != '\n' && c != '\t' && c != '\r', c == 0x7F:
			r.Add(line, column, "control character %U", c)
			return false
		case c == '\n':
			line, column = line+1, 0
		}
		column++
		i += size
	}
	return true
}
