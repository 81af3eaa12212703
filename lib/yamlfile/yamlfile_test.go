package yamlfile

import (
	"fmt"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

func TestTextIsOneDocumentOrToldWhyNotWithThePlace(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"no end of line", "a: 1", ""},
		{"a text", "--- ''\n...\n", ""},
		{"an alias of what it stands in", "# first\n---\na: &b {c: *b}\n", ""},
		{"nothing", "", "f.yml:1:1: the file is empty; it needs a list"},
		{"only a comment", "# later\n", "f.yml:1:1: the file is empty; it needs a list"},
		{"an empty document", "---\n", "f.yml:1:1: the file is empty; it needs a list"},
		{"null", "\n~\n", "f.yml:1:1: the file is empty; it needs a list"},
		{"two documents", "a: 1\n---\nb: 2\n", "f.yml:2:1: a second document begins here; one file holds one list"},
		{"not YAML after a document", "a: 1\n---\n]\n", "f.yml:3:1: not valid YAML: did not find expected node content"},
		{"a tab", "a:\n  \tb: 1\n", "f.yml:2:3: not valid YAML: a tab; indent with spaces"},
		{"a tab that ends no indent", "a: 1\nb: @\tx\n", "f.yml:2:1: not valid YAML: found character that cannot start any token"},
		{"the line is the mistake's", "a:\n  b: 1\n  c: 2\n   d: 3\n", "f.yml:4:4: not valid YAML: mapping values are not allowed in this context"},
		{"the line is not the parser's, where the list begins", "a:\n  - b\n  - b\n\n  c: 1\n", "f.yml:5:3: not valid YAML: did not find expected '-' indicator"},
		{"what has no end", "a: \"1\n\n", "f.yml:3:1: not valid YAML: found unexpected end of stream"},
		{"CRLF", "a: 1\r\n b: 2\r\n", "f.yml:2:2: not valid YAML: mapping values are not allowed in this context"},
		{"no line", "a: \x00\n", "f.yml:1:1: not valid YAML: control characters are not allowed"},
		{"an alias of nothing", "a: 1\nb: *c\n", "f.yml:2:1: not valid YAML: unknown anchor 'c' referenced"},
	} {
		r := Report{File: "f.yml", Most: 9}
		document := r.Document([]byte(c.text), "one list", "it needs a list")
		if got := fmt.Sprint(r.Sorted()); got != "["+c.want+"]" || (document == nil) != (c.want != "") {
			t.Errorf("%s:\n%s\nwant\n[%s]", c.name, got, c.want)
		}
	}
}

func TestProblemsAreToldOnceAndInOrder(t *testing.T) {
	for _, c := range []struct {
		most int
		add  []Problem
		want string
	}{
		{9, nil, ""},
		{9, []Problem{{Line: 2, Column: 1, Message: "c"}, {Line: 1, Column: 3, Message: "b"}, {Line: 1, Column: 2, Message: "z"}, {Message: "a"}},
			"f: a f:1:2: z f:1:3: b f:2:1: c"},
		{9, []Problem{{Line: 1, Column: 1, Message: "y"}, {Line: 1, Column: 1, Message: "x"}, {Line: 1, Column: 1, Message: "y"}},
			"f:1:1: x f:1:1: y"},
		{2, []Problem{{Line: 2, Column: 1, Message: "b"}, {Line: 1, Column: 1, Message: "a"}}, "f:1:1: a f:2:1: b"},
		{2, []Problem{{Line: 4, Column: 1, Message: "b"}, {Line: 3, Column: 1, Message: "a"}, {Line: 2, Column: 1, Message: "c"}, {Line: 1, Column: 1, Message: "d"}},
			"f:3:1: a f:4:1: b f: and 2 more"},
	} {
		r := Report{File: "f", Most: c.most}
		for i, p := range c.add {
			if full := r.Full(); full != (i >= c.most) {
				t.Errorf("full after %d of %d: %v", i, c.most, full)
			}
			r.At(&yaml.Node{Line: p.Line, Column: p.Column}, "%s", p.Message)
		}
		if got := fmt.Sprint(r.Sorted()); got != "["+c.want+"]" {
			t.Errorf("%v\n became %s\n want   %s", c.add, got, c.want)
		}
	}
}

func TestKindOfIsWhatPeopleCallIt(t *testing.T) {
	for text, want := range map[string]string{
		"{}": "a mapping", "!x {}": "a mapping", "[]": "a list", "~": "nothing", "null": "nothing", "!!null x": "nothing",
		"''": "text", "7": "text", "yes": "text", "!x y": "text",
	} {
		documents, err := Documents([]byte("- &a " + text + "\n- *a\n"))
		if err != nil {
			t.Fatal(err)
		}
		node, alias := documents[0].Content[0].Content[0], documents[0].Content[0].Content[1]
		if got := KindOf(node); got != want || IsNull(node) != (want == "nothing") || Resolve(alias) != node || Resolve(node) != node {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

func TestQuoteIsShortAndOnOneLine(t *testing.T) {
	if got, want := Quote("\n\""+strings.Repeat("é", 59)), `"\n\"`+strings.Repeat("é", 58)+`…"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
