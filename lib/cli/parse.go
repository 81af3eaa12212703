package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/jessevdk/go-flags"

	"github.com/cdktr/cdktr/lib/suggest"
)

// common are the options that every command has.
type common struct {
	Color   string       `long:"color" value-name:"WHEN" one-of:"auto always never" default:"auto" description:"colour: auto, always or never"`
	Join    string       `long:"join" value-name:"FILE" unquote:"false" description:"keep the key and the address in a file that a principal has granted (-: stdin), and end"`
	Help    func() error `short:"h" long:"help" description:"show this help"`
	Version func() error `long:"version" description:"show the version"`
	Man     func() error `long:"man" description:"print the manual page (troff)"`
}

// errDone ends parsing: what was asked for has been printed.
var errDone = &flags.Error{Type: flags.ErrHelp, Message: "done"}

// parse finds the action that the arguments ask for and fills its options.
// given are the settings that came as flags. A nil run: --help and the like
// have been answered.
func (c Command) parse(env *Env, args []string) (run func(context.Context, Env) error, given []Setting, err error) {
	p := &parsing{top: c, runs: map[*flags.Command]func(context.Context, Env) error{}}
	if err := p.build(env); err != nil {
		return nil, nil, Exit(Bug, err)
	}
	p.parser.CompletionHandler = func(items []flags.Completion) {
		p.completed = true
		for _, item := range items {
			fmt.Fprintln(env.Stdout, item.Item)
		}
	}
	rest, err := p.parser.ParseArgs(args)
	switch {
	case errors.Is(err, errDone), p.completed:
		return nil, nil, p.printed
	case err != nil:
		return nil, nil, env.Usagef("%w", p.explain(err, args))
	}
	active := p.active()
	if len(rest) > 0 {
		return nil, nil, env.Usagef("%w", p.surplus(active, rest[0]))
	}
	run = p.runs[active]
	if p.common.Join != "" {
		run = joining(p.common.Join)
	}
	if run == nil {
		return nil, nil, env.Usagef("expected one of the commands %s", strings.Join(commandNames(active), ", "))
	}
	env.OutColor = env.color(p.common.Color, env.OutTerminal)
	env.ErrColor = env.color(p.common.Color, env.ErrTerminal)
	given, err = givenSettings(p.options())
	if err != nil {
		return nil, nil, env.Usagef("%w", err)
	}
	return run, given, nil
}

// parsing is one parse of one command line.
type parsing struct {
	top       Command
	parser    *flags.Parser
	common    common
	all       []*flags.Option
	runs      map[*flags.Command]func(context.Context, Env) error
	printed   error // of printing help and the like
	completed bool
}

func (p *parsing) build(env *Env) error {
	p.parser = flags.NewNamedParser(p.top.Name, flags.PassDoubleDash)
	p.parser.ShortDescription = p.top.Summary
	if err := p.add(p.parser.Command, p.top); err != nil {
		return err
	}
	answer := func(write func(io.Writer) error) func() error {
		return func() error {
			p.printed = write(env.Stdout)
			return errDone
		}
	}
	p.common.Help = answer(func(w io.Writer) error {
		_, err := io.WriteString(w, p.help())
		return err
	})
	p.common.Version = answer(func(w io.Writer) error {
		_, err := fmt.Fprintln(w, versionLine(p.top.Name))
		return err
	})
	p.common.Man = answer(p.man)
	if _, err := p.parser.AddGroup("Common options", "", &p.common); err != nil {
		return err
	}
	all := optionsOf(p.parser.Group)
	for _, sub := range p.parser.Commands() {
		all = append(all, optionsOf(sub.Group)...)
	}
	for _, o := range all {
		o.Choices = strings.Fields(o.Field().Tag.Get("one-of"))
	}
	p.all = all
	return nil
}

// add gives a parser's command the options and the subcommands of ours.
func (p *parsing) add(to *flags.Command, c Command) error {
	if c.Action != nil {
		options, run := c.Action()
		p.runs[to] = run
		if reflect.TypeOf(options).Elem().NumField() > 0 && to == p.parser.Command {
			if _, err := to.AddGroup("Options", "", options); err != nil {
				return fmt.Errorf("options of %s: %w", c.Name, err)
			}
		}
	}
	to.SubcommandsOptional = true
	for _, sub := range c.Commands {
		var options any = &struct{}{}
		var run func(context.Context, Env) error
		if sub.Action != nil {
			options, run = sub.Action()
		}
		child, err := to.AddCommand(sub.Name, sub.Summary, "", options)
		if err != nil {
			return fmt.Errorf("options of %s %s: %w", c.Name, sub.Name, err)
		}
		p.runs[child] = run
	}
	return nil
}

// active is the command or subcommand that was named.
func (p *parsing) active() *flags.Command {
	c := p.parser.Command
	for c.Active != nil {
		c = c.Active
	}
	return c
}

// help is the page of the active subcommand, or of the whole.
func (p *parsing) help() string {
	if active := p.active(); active != p.parser.Command {
		for _, sub := range p.top.Commands {
			if sub.Name == active.Name && sub.Usage != "" {
				return sub.Usage
			}
		}
	}
	return p.top.Usage
}

// options lists every option that is valid where the parse has come to.
func (p *parsing) options() []*flags.Option {
	var all []*flags.Option
	for c := p.parser.Command; c != nil; c = c.Active {
		all = append(all, optionsOf(c.Group)...)
	}
	return all
}

func optionsOf(g *flags.Group) []*flags.Option {
	all := slices.Clone(g.Options())
	for _, sub := range g.Groups() {
		all = append(all, optionsOf(sub)...)
	}
	return all
}

// explain says in one line, in our words, what go-flags found wrong.
func (p *parsing) explain(err error, args []string) error {
	var wrong *flags.Error
	if !errors.As(err, &wrong) {
		return err
	}
	text := strings.NewReplacer("`", `"`, "'", `"`, ". Allowed values are: ", "; allowed are ").Replace(wrong.Message)
	if text != "" {
		text = strings.ToLower(text[:1]) + text[1:]
	}
	if wrong.Type == flags.ErrMarshal { // "(expected main.size)" tells people nothing
		before, after, _ := strings.Cut(text, " (expected ")
		_, after, _ = strings.Cut(after, ")")
		text = before + after
	}
	if flag, value, dashed := strings.Cut(text, ", but got option "); dashed {
		// A pattern may begin with a dash, and looks like a flag then.
		_, name, _ := strings.Cut(flag, "--")
		return fmt.Errorf("%s: a value that begins with a dash is written --%s=%s", flag, strings.Trim(name, `"`), strings.Trim(value, `"`))
	}
	if wrong.Type != flags.ErrUnknownFlag {
		return errors.New(text)
	}
	name := strings.Trim(strings.TrimPrefix(text, "unknown flag "), `"`)
	var long []string
	for _, o := range p.options() {
		if o.LongName != "" && !o.Hidden {
			long = append(long, "--"+o.LongName)
		}
	}
	if len([]rune(name)) > 1 {
		return fmt.Errorf("unknown flag %q%s", "--"+name, suggest.Hint("--"+name, long))
	}
	for _, arg := range args { // -list, where --list is meant
		for _, l := range long {
			if "-"+arg == l {
				return fmt.Errorf("unknown flag %q (did you mean %q?)", arg, l)
			}
		}
	}
	return fmt.Errorf("unknown flag %q", "-"+name)
}

// surplus says that an argument has no place.
func (p *parsing) surplus(at *flags.Command, arg string) error {
	if names := commandNames(at); len(names) > 0 {
		return fmt.Errorf("unknown command %q%s", arg, suggest.Hint(arg, names))
	}
	return fmt.Errorf("unexpected argument %q", arg)
}

func commandNames(c *flags.Command) []string {
	var names []string
	for _, sub := range c.Commands() {
		names = append(names, sub.Name)
	}
	return names
}

// givenSettings are the flags that stand for settings.
func givenSettings(options []*flags.Option) ([]Setting, error) {
	var given []Setting
	for _, o := range options {
		name := o.Field().Tag.Get("setting")
		if name == "" || !o.IsSet() || o.IsSetDefault() {
			continue
		}
		s := Setting{name, fmt.Sprint(reflect.Indirect(reflect.ValueOf(o.Value()))), "--" + o.LongName}
		if s.Value == "" {
			return nil, fmt.Errorf("--%s needs a value", o.LongName)
		}
		given = append(given, s)
	}
	return given, nil
}

// Undocumented lists the flags, of the command and of its subcommands, that no
// page of help names. It is for tests: there shall be none.
func (c Command) Undocumented() ([]string, error) {
	p := &parsing{top: c, runs: map[*flags.Command]func(context.Context, Env) error{}}
	if err := p.build(&Env{Stdout: io.Discard}); err != nil {
		return nil, err
	}
	named := map[string]bool{}
	for _, page := range append([]Command{c}, c.Commands...) {
		for _, word := range strings.FieldsFunc(page.Usage, func(r rune) bool { return strings.ContainsRune(" ,[]\n", r) }) {
			named[word] = true
		}
	}
	var missing []string
	need := func(flag string) {
		if !named[flag] {
			missing = append(missing, flag)
		}
	}
	for _, o := range p.all {
		if o.Hidden {
			continue
		}
		if o.LongName != "" {
			need("--" + o.LongName)
		}
		if o.ShortName != 0 {
			need("-" + string(o.ShortName))
		}
	}
	return missing, nil
}
