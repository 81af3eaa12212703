package workflow

import (
	"bytes"
	"encoding/json"
	"maps"
)

// schema is a JSON Schema of draft 7, which editors know.
type schema map[string]any

func (s schema) with(key string, value any) schema {
	s = maps.Clone(s)
	s[key] = value
	return s
}

// Schema is the JSON Schema of workflow files, for editors: made of the tables
// that the parser reads by. It takes all that Parse takes, and more: what no
// schema can say is left to Parse. YAML's tags do not exist for it, so it knows
// a config by its keys.
func Schema() ([]byte, error) {
	d := new(decoder)
	s := d.workflowFields(new(draft)).schema()
	s["$schema"] = "http://json-schema.org/draft-07/schema#"
	s["title"] = "CDKTR workflow"
	s["definitions"] = schema{
		"task":    d.taskSchema(false),
		"handler": d.taskSchema(true),
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(s)
	return text.Bytes(), err
}

// schema says what a mapping with these keys is. A key that need not be there
// may hold nothing too.
func (t table) schema() schema {
	properties := schema{}
	var required []string
	for _, f := range t {
		s := f.kind.schema()
		if f.required {
			required = append(required, f.name)
		} else {
			s = orNothing(s)
		}
		properties[f.name] = s.with("description", f.doc)
	}
	s := schema{"type": "object", "properties": properties, "additionalProperties": false}
	if required != nil {
		s["required"] = required
	}
	return s
}

func orNothing(s schema) schema {
	switch types := s["type"].(type) {
	case string:
		return s.with("type", []string{types, "null"})
	case []string:
		return s.with("type", append(types[:len(types):len(types)], "null"))
	}
	if words, few := s["enum"].([]string); few {
		all := make([]any, len(words), len(words)+1)
		for i, word := range words {
			all[i] = word
		}
		return s.with("enum", append(all, nil))
	}
	forms, _ := s["anyOf"].([]schema)
	return s.with("anyOf", append(forms[:len(forms):len(forms)], schema{"type": "null"}))
}

// textSchema is of all scalars: 2 and yes are texts too.
func textSchema() schema { return schema{"type": []string{"string", "number", "boolean"}} }

// mapOf is of a mapping whose keys people choose.
func mapOf(keys string, value schema) schema {
	s := schema{"type": "object", "additionalProperties": value}
	if keys != "" {
		s["propertyNames"] = schema{"pattern": keys}
	}
	return s
}

func anyOf(all ...schema) schema { return schema{"anyOf": all} }

func ref(name string) schema { return schema{"$ref": "#/definitions/" + name} }

// exactlyOne says that one of two keys is there and holds something.
func exactlyOne(a, b string) []schema {
	is := func(key string) schema {
		return schema{
			"required":   []string{key},
			"properties": schema{key: schema{"not": schema{"type": "null"}}},
		}
	}
	return []schema{is(a), is(b)}
}
