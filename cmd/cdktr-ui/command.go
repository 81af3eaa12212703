package main

import (
	"context"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/ui"
)

type options struct {
	cli.Connection
	ASCII bool `long:"ascii" description:"no characters beyond ASCII"`
}

// longestTry bounds one try: a loss shall show within seconds, however patient
// other commands are.
const longestTry = 3 * time.Second

func run(ctx context.Context, env cli.Env, o options) error {
	if !env.OutTerminal {
		return env.Usagef("stdout is no terminal: cdktr-logs and cdktr-run --list print what pipes can use")
	}
	if !env.InTerminal {
		return env.Usagef("stdin is no terminal: the keys come from there")
	}
	here, err := env.ClientOptions()
	if err != nil {
		return err
	}
	name := env.Settings.Called(here)
	open := func(wanted string) (ui.Principal, error) {
		o := here
		if wanted != name {
			if o, err = env.OptionsOf(wanted); err != nil {
				return nil, err
			}
		}
		o.Waiting = nil // the screen says it
		o.Try = min(o.Try, longestTry)
		return client.New(o), nil
	}
	var known []ui.Known
	for _, p := range env.Settings.Principals() {
		known = append(known, ui.Known{Name: p.Name, Address: p.Address})
	}
	return ui.Run(ctx, ui.Options{
		Name: name, Known: known, Open: open,
		Refresh: env.Settings.Duration(cli.UIRefresh),
		ASCII:   o.ASCII || plain(env.Getenv), Colors: colors(env),
		Zone: env.Zone, Now: time.Now, In: env.Stdin, Out: env.Stdout,
	})
}

func colors(env cli.Env) ui.Colors {
	if !env.OutColor {
		return ui.NoColors
	}
	term, _ := env.Getenv("TERM")
	colorterm, _ := env.Getenv("COLORTERM")
	return ui.ColorsOf(term, colorterm)
}

// plain tells that the terminal shall get ASCII alone: by wish, or because its
// locale is not one of UTF-8.
func plain(getenv func(string) (string, bool)) bool {
	if wish, ok := getenv("CDKTR_ASCII"); ok && wish != "" {
		return wish != "0"
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale, ok := getenv(name); ok && locale != "" {
			locale = strings.ToLower(locale)
			return !strings.Contains(locale, "utf-8") && !strings.Contains(locale, "utf8")
		}
	}
	return false
}
