package harness

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
)

// Field is the value at a path in one JSON value: `status`, `tasks[0].task`,
// `tasks[task=load].status` (the first element whose field is so), `tasks.len`.
// A string is returned as it is, anything else as JSON. The empty path is the
// whole.
func Field(t testing.TB, doc, path string) string {
	t.Helper()
	s, err := field(doc, path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// LineField is Field for JSON lines, which it takes as one list.
func LineField(t testing.TB, lines, path string) string {
	t.Helper()
	s, err := lineField(lines, path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Lines decodes JSON lines into values of a type.
func Lines[T any](t testing.TB, lines string) []T {
	t.Helper()
	var all []T
	dec := json.NewDecoder(strings.NewReader(lines))
	for {
		var v T
		err := dec.Decode(&v)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("value %d is not what was expected: %v\n%s", len(all)+1, err, lines)
		}
		all = append(all, v)
	}
}

func field(doc, path string) (string, error) {
	var v any
	dec := json.NewDecoder(strings.NewReader(doc))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return "", fmt.Errorf("not JSON: %w\n%s", err, doc)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("more than one JSON value:\n%s", doc)
	}
	return at(v, path)
}

func lineField(lines, path string) (string, error) {
	all := []any{}
	for i, line := range strings.Split(strings.TrimSuffix(lines, "\n"), "\n") {
		if line == "" {
			continue
		}
		var v any
		dec := json.NewDecoder(strings.NewReader(line))
		dec.UseNumber()
		if err := dec.Decode(&v); err != nil {
			return "", fmt.Errorf("line %d is not JSON: %w\n%s", i+1, err, line)
		}
		all = append(all, v)
	}
	return at(all, path)
}

// at walks a path.
func at(v any, path string) (string, error) {
	for rest := path; rest != ""; {
		var s string
		s, rest = step(rest)
		next, err := into(v, s)
		if err != nil {
			b, _ := json.Marshal(v) // it came from JSON
			return "", fmt.Errorf("%s: %w in %s", path, err, b)
		}
		v = next
	}
	if s, ok := v.(string); ok {
		return s, nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}

// step cuts the first step off a path: a name, or brackets with what is in
// them.
func step(path string) (first, rest string) {
	if strings.HasPrefix(path, "[") {
		if i := strings.IndexByte(path, ']'); i > 0 {
			return path[:i+1], strings.TrimPrefix(path[i+1:], ".")
		}
	}
	i := strings.IndexAny(path, ".[")
	if i <= 0 {
		return path, ""
	}
	return path[:i], strings.TrimPrefix(path[i:], ".")
}

func into(v any, step string) (any, error) {
	if object, ok := v.(map[string]any); ok {
		next, ok := object[step]
		if !ok {
			return nil, fmt.Errorf("no field %q", step)
		}
		return next, nil
	}
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("nothing to find %q in", step)
	}
	if step == "len" {
		return len(list), nil
	}
	index := strings.TrimSuffix(strings.TrimPrefix(step, "["), "]")
	if key, want, ok := strings.Cut(index, "="); ok {
		for _, e := range list {
			if got, err := at(e, key); err == nil && got == want {
				return e, nil
			}
		}
		return nil, fmt.Errorf("no element with %s", index)
	}
	i, err := strconv.Atoi(index)
	if i < 0 {
		i += len(list)
	}
	if err != nil || i < 0 || i >= len(list) {
		return nil, fmt.Errorf("no element %q", index)
	}
	return list[i], nil
}
