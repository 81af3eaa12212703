package workflow

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

// onlyTheParserSees lists the cases of testdata/mistakes.txt that the schema
// takes, by what no schema can say.
var onlyTheParserSees = map[string][]string{
	"what it is in YAML": {
		"duplicate keys",
	},
	"names that must exist, and the graph": {
		"dependencies", "a cycle", "two cycles",
	},
	"expressions": {
		"expressions: unknown names", "expressions: no parameters declared", "expressions: not upstream",
		"expressions: in the file's own env", "expressions: bad syntax", "expressions: places within every style",
		"expressions: where none is expanded", "expressions: a shell that is none", "expressions: of handlers",
	},
	"what the text of a value means": {
		"cron", "cron every", "timezone", "a city for a timezone", "timezone of the machine", "two time zones", "start_time before there was time", "start_time of a month that is not there",
	},
	"two keys that exclude each other, at different levels": {
		"working_directory twice",
	},
	"sizes and depths": {
		"a huge parameter", "a huge variable", "a huge file",
	},
}

// What the parser takes, the schema takes; what the schema refuses, the parser
// refuses. What the parser alone sees is listed.
func TestSchemaAndParserAgree(t *testing.T) {
	s := compiledSchema(t)
	files, _ := filepath.Glob("../../workflows/*.yml")
	files = append(files, "../../cmd/cdktr-principal/example.yml", "testdata/existing.yml", "testdata/everything.yml")
	if len(files) < 8 {
		t.Fatalf("only %v", files)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, errors, _ := Parse("w", file, data); errors != nil {
			t.Errorf("the parser: %s", lines(errors))
		}
		if err := s.Validate(asValue(t, data)); err != nil {
			t.Errorf("%s: the schema: %v", file, err)
		}
	}
	listed := map[string]string{}
	for kind, titles := range onlyTheParserSees {
		for _, title := range titles {
			listed[title] = kind
		}
	}
	for _, c := range append(mistakes(t), unprintable()...) {
		documents, err := parseYAML([]byte(c.text))
		if err != nil || len(documents) > 1 {
			continue // an editor says so without a schema
		}
		kind, parserOnly := listed[c.title]
		delete(listed, c.title)
		err = s.Validate(asValue(t, []byte(c.text)))
		switch {
		case err == nil && !parserOnly:
			t.Errorf("%s: the schema takes what the parser refuses", c.title)
		case err != nil && parserOnly:
			t.Errorf("%s: the schema refuses it, so it is not %q: %v", c.title, kind, err)
		}
	}
	for title := range listed {
		t.Errorf("there is no case %q", title)
	}
}

// A key with nothing after it is the same as no key, for the schema too.
func TestKeyWithNothingIsNoKey(t *testing.T) {
	s := compiledSchema(t)
	d := new(decoder)
	task := &work{site: &site{}}
	var file, inTask, inHandler, inRetries strings.Builder
	for _, f := range d.workflowFields(new(draft)) {
		if !f.required && f.name != OnEndID {
			file.WriteString(f.name + ":\n")
		}
	}
	for _, f := range d.taskFields(task) {
		if f.name != "run" && f.name != "retries" {
			inTask.WriteString("    " + f.name + ":\n")
		}
	}
	for _, f := range d.workFields(task) {
		if f.name != "config" {
			inHandler.WriteString("  " + f.name + ":\n")
		}
	}
	for _, name := range []string{"delay", "backoff", "max_delay"} {
		inRetries.WriteString("      " + name + ":\n")
	}
	text := file.String() + "on_end:\n  config: !Subprocess {cmd: x, args: , working_directory: }\n" + inHandler.String() +
		"tasks:\n  a:\n    run: x\n" + inTask.String() + "    retries:\n      limit: 1\n" + inRetries.String()
	def, errors, warnings := Parse("w", "w.yml", []byte(text))
	if def == nil || len(warnings) > 0 || def.Params != nil || def.OnSuccess != nil || len(def.Tasks) != 1 {
		t.Errorf("%s\n%s%s", text, lines(errors), lines(warnings))
	}
	if err := s.Validate(asValue(t, []byte(text))); err != nil {
		t.Errorf("%s\n%v", text, err)
	}
}

// A key that testdata/everything.yml lacks is a key that no test holds against
// the schema; one that docs/workflows.md lacks nobody knows of.
func TestEveryKeyIsHeldAgainstTheSchema(t *testing.T) {
	data, err := os.ReadFile("testdata/everything.yml")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/workflows.md")
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	raw, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &root); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, value := range v {
				used[key] = true
				walk(value)
			}
		case []any:
			for _, value := range v {
				walk(value)
			}
		}
	}
	walk(asValue(t, data))
	declared := 0
	var look func(v any)
	look = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if properties, ok := v["properties"].(map[string]any); ok && v["type"] == "object" {
				for key, p := range properties {
					declared++
					if !used[key] {
						t.Errorf("testdata/everything.yml does not use %q", key)
					}
					example := strings.Contains(string(page), key+": ") || strings.Contains(string(page), key+":\n")
					if !strings.Contains(string(page), "`"+key+"`") || !example && key != "dependencies" {
						t.Errorf("docs/workflows.md does not name %q, or has no example of it", key)
					}
					if doc, _ := p.(map[string]any)["description"].(string); doc == "" {
						t.Errorf("the schema does not say what %q is", key)
					}
				}
			}
			for _, value := range v {
				look(value)
			}
		case []any:
			for _, value := range v {
				look(value)
			}
		}
	}
	look(root)
	if declared < 50 {
		t.Errorf("only %d keys were looked at", declared)
	}
}

func compiledSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("workflow.json", document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("workflow.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asValue is a file as an editor hands it to a schema: tags are gone, anchors
// and merges are resolved.
func asValue(t testing.TB, data []byte) any {
	t.Helper()
	documents, err := parseYAML(data)
	if err != nil {
		t.Fatal(err)
	}
	if len(documents) == 0 {
		return nil
	}
	return valueOf(documents[0].Content[0])
}

func valueOf(n *yaml.Node) any {
	n = resolve(n)
	switch n.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].ShortTag() == "!!merge" {
				merge(out, resolve(n.Content[i+1]))
			}
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if key := n.Content[i]; key.ShortTag() != "!!merge" {
				out[key.Value] = valueOf(n.Content[i+1])
			}
		}
		return out
	case yaml.SequenceNode:
		out := []any{}
		for _, item := range n.Content {
			out = append(out, valueOf(item))
		}
		return out
	}
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		if number := json.Number(n.Value); json.Valid([]byte(n.Value)) {
			return number
		}
		return json.Number("0.5") // .inf, 0x1f, 010: a number, but not in JSON
	}
	return n.Value
}

func merge(into map[string]any, from *yaml.Node) {
	sources := []*yaml.Node{from}
	if from.Kind == yaml.SequenceNode {
		sources = slices.Clone(from.Content)
		slices.Reverse(sources)
	}
	for _, source := range sources {
		values, _ := valueOf(source).(map[string]any)
		for key, value := range values {
			into[key] = value
		}
	}
}
