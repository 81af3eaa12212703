package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/wire"
)

// trigger is the request that the command line describes.
func (o *options) trigger(ctx context.Context, env cli.Env) (wire.TriggerItem, error) {
	item := wire.TriggerItem{Workflow: o.Args.Workflow, Key: o.Key, Source: "run"}
	if o.ParamsFile != "" {
		// It may be a pipe: opening it waits for who writes, reading for what.
		text, err := cli.Await(ctx, func() ([]byte, error) { return readParams(env, o.ParamsFile) })
		if err != nil {
			return item, err
		}
		if item.Params, err = parseParams(text); err != nil {
			return item, cli.Exitf(cli.BadInput, "%s: %s", paramsOf(o.ParamsFile), strings.TrimPrefix(err.Error(), "yaml: "))
		}
	}
	for _, arg := range o.params() {
		name, value, ok := strings.Cut(arg, "=")
		if !ok || name == "" {
			return item, env.Usagef("expected NAME=VALUE, not %q", arg)
		}
		if item.Params == nil {
			item.Params = wire.Params{}
		}
		item.Params[name] = value
	}
	return item, nil
}

// paramsOf is what messages call the file of -p.
func paramsOf(name string) string {
	if name == "-" {
		return "parameters on stdin"
	}
	return "parameters of " + name
}

func readParams(env cli.Env, name string) ([]byte, error) {
	var r io.Reader = env.Stdin
	if name != "-" {
		f, err := os.Open(env.Path(name))
		if err != nil {
			return nil, paramsError(name, err)
		}
		defer f.Close()
		r = f
	}
	text, err := io.ReadAll(io.LimitReader(r, wire.MaxMessage+1))
	if err != nil {
		return nil, paramsError(name, err)
	}
	if len(text) > wire.MaxMessage {
		return nil, cli.Exitf(cli.BadInput, "%s: more than %d bytes", paramsOf(name), wire.MaxMessage)
	}
	return text, nil
}

// paramsError calls the file as the user did.
func paramsError(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return cli.Exitf(cli.NotFound, "no file %q for -p", name)
	}
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		err = path.Err
	}
	return cli.Exitf(cli.IO, "%s: %w", paramsOf(name), err)
}

// parseParams reads an object in YAML or JSON. A scalar is taken as it is
// written (1.10 stays 1.10), null is empty, a list or an object becomes its
// compact JSON text.
func parseParams(text []byte) (wire.Params, error) {
	// JSON is YAML nearly, but not in its escapes.
	if trimmed := bytes.TrimSpace(text); bytes.HasPrefix(trimmed, []byte("{")) && json.Valid(trimmed) {
		var params wire.Params
		err := json.Unmarshal(trimmed, &params)
		return params, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	top := doc.Content[0]
	if top.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: expected lines such as \"name: value\"", top.Line)
	}
	params := wire.Params{}
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		if _, twice := params[key.Value]; twice {
			return nil, fmt.Errorf("line %d: %q is given twice", key.Line, key.Value)
		}
		one, err := paramText(value)
		if err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", value.Line, key.Value, err)
		}
		params[key.Value] = one
	}
	return params, nil
}

func paramText(n *yaml.Node) (string, error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.ScalarNode {
		if n.Tag == "!!null" {
			return "", nil
		}
		return n.Value, nil
	}
	var value any
	if err := n.Decode(&value); err != nil {
		return "", err
	}
	var out bytes.Buffer
	if err := cli.NewEncoder(&out).Encode(value); err != nil {
		return "", fmt.Errorf("cannot be written as JSON: %w", err)
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}
