package main

import (
	"fmt"
	"io"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/listen/rules"
	"github.com/cdktr/cdktr/lib/plainfile"
)

// readRules reads a file of rules. Mistakes in it are told here, one a line.
func readRules(env cli.Env, name string) (*rules.Rules, error) {
	file, err := plainfile.Open(env.Path(name))
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, rules.MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	r, problems := rules.Parse(name, text)
	for _, p := range problems {
		fmt.Fprintln(env.Stderr, cli.Clean(p.String()))
	}
	if len(problems) > 0 {
		return nil, cli.Exit(cli.BadInput, nil)
	}
	return r, nil
}
