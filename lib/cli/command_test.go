package cli

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/wire"
)

// world is an Env that owns everything it needs.
type world struct {
	Env
	out, err bytes.Buffer
	vars     map[string]string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{vars: map[string]string{"HOME": t.TempDir()}}
	w.Env = Env{
		Stdin: strings.NewReader(""), Stdout: &w.out, Stderr: &w.err, Dir: t.TempDir(),
		Getenv: func(name string) (string, bool) { v, ok := w.vars[name]; return v, ok },
		Start:  time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Zone: time.UTC,
	}
	return w
}

type testOptions struct {
	Connection
	Since When `long:"since" description:"from this time on"`
	Wait  Span `long:"wait" description:"how long"`
	Log   bool `short:"l" long:"log" description:"output"`
	List  bool `long:"list" description:"list"`
	Args  struct {
		Name string   `positional-arg-name:"NAME"`
		Rest []string `positional-arg-name:"REST"`
	} `positional-args:"yes"`
}

const testUsage = "cdktr-test tests.\n\nUsage:\n  cdktr-test [flags]\n\nExamples:\n  $ cdktr-test \\n\n"

func testCommand(run func(context.Context, Env, testOptions) error) Command {
	return Command{Name: "cdktr-test", Summary: "tests", Usage: testUsage, Action: Do(run)}
}

func nothing(context.Context, Env, testOptions) error { return nil }

func TestOptionsReachTheFunction(t *testing.T) {
	var got testOptions
	c := testCommand(func(_ context.Context, _ Env, o testOptions) error { got = o; return nil })
	w := newWorld(t)
	code := c.Run(t.Context(), w.Env, []string{"--since", "-1h", "--wait=1m30s", "-l", "etl", "A=1", "--", "-x"})
	if code != OK {
		t.Fatalf("exit %d: %s", code, &w.err)
	}
	if got.Since != "-1h" || time.Duration(got.Wait) != 90*time.Second || !got.Log || got.Args.Name != "etl" || strings.Join(got.Args.Rest, " ") != "A=1 -x" {
		t.Errorf("options are %+v", got)
	}
}

func TestWrongUsageIsOneLineAnd64(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"--lgo", `cdktr-test: unknown flag "--lgo" (did you mean "--log"?); see cdktr-test --help`},
		{"-list", `cdktr-test: unknown flag "-list" (did you mean "--list"?); see cdktr-test --help`},
		{"-z", `cdktr-test: unknown flag "-z"; see cdktr-test --help`},
		{"--qqqqqqqq", `cdktr-test: unknown flag "--qqqqqqqq"; see cdktr-test --help`},
		{"--since", `cdktr-test: expected argument for flag "--since"; see cdktr-test --help`},
		{"--principal -x", `cdktr-test: expected argument for flag "--principal": a value that begins with a dash is written --principal=-x; see`},
		{"--since --log", `cdktr-test: expected a time: "--log" is not a time such as`},
		{"--since=noon", `cdktr-test: invalid argument for flag "--since": "noon" is not a time such as`},
		{"--wait 10", `"10" is not a duration such as 90s`},
		{"--log=1", `cdktr-test: bool flag "-l, --log" cannot have an argument`},
		{"--color=pink", `cdktr-test: invalid value "pink" for option "--color"`},
		{"--principal=", `cdktr-test: --principal needs a value`},
		{"--principal=h:99999", `cdktr-test: --principal: address "h:99999" is not host`},
	} {
		w := newWorld(t)
		code := testCommand(nothing).Run(t.Context(), w.Env, strings.Fields(test.args))
		text := w.err.String()
		if code != Usage || !strings.Contains(text, test.want) || strings.Count(text, "\n") != 1 || !strings.Contains(text, "see cdktr-test --help") {
			t.Errorf("%s: exit %d, %q\nwant %d, %q", test.args, code, text, Usage, test.want)
		}
		if w.out.Len() > 0 {
			t.Errorf("%s: stdout has %q", test.args, &w.out)
		}
	}
}

func TestHelpVersionAndManGoToStdout(t *testing.T) {
	for _, test := range []struct{ arg, want string }{
		{"--help", testUsage},
		{"-h", testUsage},
		{"--version", "cdktr-test " + Version()},
		{"--man", ".SH EXAMPLES\n.nf\n  $ cdktr-test \\en\n.fi\n"},
		{"--man", "\\-\\-since"},
	} {
		w := newWorld(t)
		c := testCommand(func(context.Context, Env, testOptions) error { return errors.New("must not run") })
		if code := c.Run(t.Context(), w.Env, []string{"x", test.arg}); code != OK {
			t.Errorf("%s: exit %d: %s", test.arg, code, &w.err)
		}
		if !strings.Contains(w.out.String(), test.want) || w.err.Len() > 0 {
			t.Errorf("%s prints %q\nwant %q", test.arg, &w.out, test.want)
		}
	}
}

func TestSubcommandsHaveTheirOwnOptionsAndHelp(t *testing.T) {
	type sub struct {
		Force bool `long:"force"`
		Args  struct {
			Dir string `positional-arg-name:"DIR"`
		} `positional-args:"yes"`
	}
	var got []string
	c := Command{
		Name: "cdktr-test", Usage: "the whole\n",
		Action: Do(func(_ context.Context, env Env, o struct{ Connection }) error {
			got = append(got, "serve "+env.Settings.Address())
			return nil
		}),
		Commands: []Command{
			{Name: "init", Usage: "just init\n", Action: Do(func(_ context.Context, env Env, o sub) error {
				got = append(got, "init "+o.Args.Dir+" "+env.Settings.Address())
				return nil
			})},
			{Name: "config", Action: Do(func(context.Context, Env, struct{}) error { return nil })},
		},
	}
	for _, test := range []struct {
		args      string
		code      int
		got, text string
	}{
		{"", OK, "serve ", ""},
		{"init here --force --principal h:1", OK, "init here h:1", ""},
		{"--principal h:1 init here", OK, "init here h:1", ""},
		{"inti", Usage, "", `unknown command "inti" (did you mean "init"?)`},
		{"--force", Usage, "", `unknown flag "--force"`},
		{"init a b", Usage, "", `unexpected argument "b"`},
		{"init --help", OK, "", "just init\n"},
		{"config --help", OK, "", "the whole\n"},
		{"--help", OK, "", "the whole\n"},
	} {
		w := newWorld(t)
		got = nil
		code := c.Run(t.Context(), w.Env, strings.Fields(test.args))
		if text := w.err.String() + w.out.String(); code != test.code || strings.Join(got, ";") != test.got || !strings.Contains(text, test.text) {
			t.Errorf("%q: exit %d, ran %q, said %q", test.args, code, got, text)
		}
	}
}

func TestErrorsBecomeExitCodes(t *testing.T) {
	_, missing := os.Open(filepath.Join(t.TempDir(), "no"))
	for _, test := range []struct {
		err  error
		code int
		text string
	}{
		{nil, OK, ""},
		{Exit(Failed, nil), Failed, ""},
		{Exitf(Cancelled, "run %s was cancelled", "x"), Cancelled, "cdktr-test: run x was cancelled\n"},
		{&wire.Error{Code: wire.NotFound, Message: `no workflow "a"`}, NotFound, "cdktr-test: no workflow \"a\"\n"},
		{&wire.Error{Code: wire.BadRequest, Message: "no"}, BadInput, "cdktr-test: no\n"},
		{&wire.Error{Code: wire.Unavailable, Message: "full"}, NotNow, "cdktr-test: full\n"},
		{&wire.Error{Code: wire.NotAllowed, Message: "viewer"}, NotAllowed, "cdktr-test: viewer\n"},
		{&wire.Error{Code: wire.BadVersion, Message: "v2"}, Config, "cdktr-test: v2\n"},
		{&wire.Error{Code: "new_code", Message: "?"}, Bug, "cdktr-test: ?\n"},
		{&client.AwayError{Address: "tcp://h:1"}, Away, "cdktr-test: cannot reach the principal at tcp://h:1\n"},
		{client.ErrDenied, NotAllowed, "cdktr-test: the principal refused this key\n"},
		{missing, NotFound, ""},
		{&fs.PathError{Op: "write", Path: "/dev/full", Err: syscall.ENOSPC}, IO, "cdktr-test: write /dev/full: no space left on device\n"},
		{&fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}, brokenPipe, ""},
		{errors.New("odd"), Bug, "cdktr-test: odd\n"},
		{errors.New("a\x1b[2Jb\nc"), Bug, "cdktr-test: a\\x1b[2Jb\nc\n"},
	} {
		w := newWorld(t)
		code := testCommand(func(context.Context, Env, testOptions) error { return test.err }).Run(t.Context(), w.Env, nil)
		if code != test.code || (w.err.String() != test.text && test.err != missing) {
			t.Errorf("%v: exit %d, %q; want %d, %q", test.err, code, &w.err, test.code, test.text)
		}
	}
}

func TestSignalEndsWith130(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInterrupted)
	w := newWorld(t)
	c := testCommand(func(ctx context.Context, _ Env, _ testOptions) error { return ctx.Err() })
	if code := c.Run(ctx, w.Env, nil); code != Interrupted || w.err.String() != "cdktr-test: interrupted\n" {
		t.Errorf("exit %d, %q", code, &w.err)
	}
}

func TestPanicIsOneLineUnlessDebugging(t *testing.T) {
	for _, level := range []string{"INFO", "DEBUG"} {
		w := newWorld(t)
		w.vars[LogLevel] = level
		code := testCommand(func(context.Context, Env, testOptions) error { panic("oh no") }).Run(t.Context(), w.Env, nil)
		text := w.err.String()
		if code != Bug || !strings.Contains(text, "a bug: please report") || !strings.Contains(text, "oh no") {
			t.Errorf("exit %d, %q", code, text)
		}
		if stack := strings.Contains(text, "goroutine"); stack != (level == "DEBUG") {
			t.Errorf("%s: stack trace: %v", level, stack)
		}
	}
}

func TestColourFollowsFlagThenEnvironmentThenTerminal(t *testing.T) {
	for _, test := range []struct {
		args     string
		vars     map[string]string
		terminal bool
		want     bool
	}{
		{"", nil, true, true},
		{"", nil, false, false},
		{"", map[string]string{"NO_COLOR": "1"}, true, false},
		{"", map[string]string{"NO_COLOR": ""}, true, true},
		{"", map[string]string{"TERM": "dumb"}, true, false},
		{"--color=always", map[string]string{"NO_COLOR": "1"}, false, true},
		{"--color=never", nil, true, false},
	} {
		w := newWorld(t)
		for k, v := range test.vars {
			w.vars[k] = v
		}
		w.OutTerminal = test.terminal
		var got, other bool
		c := testCommand(func(_ context.Context, env Env, _ testOptions) error {
			got, other = env.OutColor, env.ErrColor
			return nil
		})
		c.Run(t.Context(), w.Env, strings.Fields(test.args))
		if got != test.want || other != (test.args == "--color=always") {
			t.Errorf("%+v: stdout %v, stderr %v", test, got, other)
		}
	}
}

func TestCompletionListsFlags(t *testing.T) {
	t.Setenv("GO_FLAGS_COMPLETION", "1")
	w := newWorld(t)
	if code := testCommand(nothing).Run(t.Context(), w.Env, []string{"--li"}); code != OK || w.out.String() != "--list\n" {
		t.Errorf("exit %d, %q", code, &w.out)
	}
}
