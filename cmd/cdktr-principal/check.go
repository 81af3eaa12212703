package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/principal"
	"github.com/cdktr/cdktr/lib/workflow"
)

type checkOptions struct {
	Workflows string `long:"workflows" value-name:"DIR" setting:"CDKTR_WORKFLOW_DIR" description:"directory of workflow files"`
	Args      struct {
		Paths []string `positional-arg-name:"PATH"`
	} `positional-args:"yes"`
}

// check tells every mistake in the files, or in the workflow directory.
func check(_ context.Context, env cli.Env, o checkOptions) error {
	paths := o.Args.Paths
	if len(paths) == 0 {
		paths = []string{env.Settings.Text(cli.WorkflowDir)}
	}
	found, err := principal.CheckFiles(paths)
	if errors.Is(err, fs.ErrNotExist) {
		return cli.Exit(cli.NotFound, err)
	}
	if err != nil {
		return cli.Exit(cli.IO, err)
	}
	out := bufio.NewWriter(env.Stdout)
	for _, problem := range found.Errors {
		fmt.Fprintln(out, cli.Clean(problem.String()))
	}
	if err := out.Flush(); err != nil {
		return cli.Exit(cli.IO, err)
	}
	for _, warning := range found.Warnings {
		fmt.Fprintf(env.Stderr, "%s: warning: %s\n", env.Name, cli.Clean(warning.String()))
	}
	if len(found.Errors) > 0 {
		return cli.Exit(cli.BadInput, nil)
	}
	return nil
}

// schema prints what editors complete and check workflow files by.
func schema(_ context.Context, env cli.Env, _ struct{}) error {
	text, err := workflow.Schema()
	if err != nil {
		return err
	}
	if _, err := env.Stdout.Write(text); err != nil {
		return cli.Exit(cli.IO, err)
	}
	return nil
}

type configOptions struct {
	Format string `short:"o" long:"output" value-name:"FORMAT" one-of:"auto json table" default:"auto" description:"auto, json or table"`
}

// config shows every setting, and the principals that the config file names:
// where they are and which file holds the key, never the key.
func config(_ context.Context, env cli.Env, o configOptions) error {
	list := cli.NewList(env, o.Format, "SETTING", "VALUE", "SOURCE")
	all := env.Settings.All()
	for _, p := range env.Settings.Principals() {
		all = append(all,
			cli.Setting{Name: "principals." + p.Name + ".address", Value: p.Address, Source: env.ConfigFile()},
			cli.Setting{Name: "principals." + p.Name + ".certificate", Value: p.Certificate, Source: env.ConfigFile()})
	}
	for _, s := range all {
		row := struct {
			Name   string `json:"setting"`
			Value  string `json:"value"`
			Source string `json:"source"`
		}{s.Name, s.Value, s.Source}
		if err := list.Add(row, s.Name, s.Value, s.Source); err != nil {
			return err
		}
	}
	return list.Flush()
}

type initOptions struct {
	Args struct {
		Dir string `positional-arg-name:"DIR"`
	} `positional-args:"yes"`
}

// initialise writes a first workflow and a settings file; what is there stays.
func initialise(_ context.Context, env cli.Env, o initOptions) error {
	dir := env.Path(o.Args.Dir)
	for _, f := range []struct{ name, text string }{
		{filepath.Join("workflows", "example.yml"), exampleWorkflow},
		{".env.example", exampleEnv},
	} {
		name := filepath.Join(dir, f.name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return cli.Exit(cli.IO, err)
		}
		out, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			fmt.Fprintf(env.Stderr, "%s: %s is there already and stays as it is\n", env.Name, f.name)
			continue
		}
		if err != nil {
			return cli.Exit(cli.IO, err)
		}
		_, err = out.WriteString(f.text)
		if err := errors.Join(err, out.Close()); err != nil {
			return cli.Exit(cli.IO, err)
		}
		fmt.Fprintln(env.Stdout, f.name)
	}
	return nil
}
