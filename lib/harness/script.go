package harness

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// installationKey is where a script finds its installation.
type installationKey struct{}

// Scripts runs the scripts of a directory, each in an installation of its own.
func Scripts(t *testing.T, dir string) {
	t.Helper()
	p := params(dir)
	p.Deadline, _ = t.Deadline()
	testscript.RunT(terse{t}, p)
}

// ScriptsAlone runs scripts of a command that need no installation: the command
// is the test's own binary, and finds no principal of this machine.
func ScriptsAlone(t *testing.T, dir string) {
	t.Helper()
	testscript.Run(t, testscript.Params{Dir: dir, RequireExplicitExec: true, Setup: func(env *testscript.Env) error {
		env.Setenv("HOME", env.WorkDir)
		env.Setenv("CDKTR_DEFAULT_ZMQ_TIMEOUT_MS", "50")
		env.Setenv("CDKTR_RETRY_ATTEMPTS", "2")
		return nil
	}})
}

// terse is a test that is not verbose, whatever go test's flags: a script that
// fails then shows its last phase only, and never the whole environment.
type terse struct{ *testing.T }

func (t terse) Verbose() bool { return false }

func (t terse) Run(name string, f func(testscript.T)) {
	t.T.Run(name, func(t *testing.T) { f(terse{t}) })
}

func params(dir string) testscript.Params {
	return testscript.Params{
		Dir:   dir,
		Setup: setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start-principal":       positive(startPrincipal),
			"start-principal-alone": positive(startPrincipalAlone),
			"restart-principal":     positive(restartPrincipal),
			"stop-principal":        positive(func(s *script, _ []string) error { return s.stopPrincipal() }),
			"kill-principal":        positive(func(s *script, _ []string) error { return s.killPrincipal() }),
			"signal-principal":      positive(signalPrincipal),
			"start-agent":           positive(startAgent),
			"stop-agent":            positive(stopAgent),
			"signal-agent":          positive(signalAgent),
			"kill-agent":            positive(killAgent),
			"exit-code":             positive(expectCode),
			"wait-for":              positive(waitFor),
			"json":                  positive(expect(field)),
			"jsonl":                 positive(expect(lineField)),
			"capture":               positive(capture),
			"need":                  need,
		},
		RequireUniqueNames: true,
	}
}

func setup(env *testscript.Env) error {
	t, ok := env.T().(testing.TB)
	if !ok {
		return fmt.Errorf("a script must be run by Scripts")
	}
	in, err := install(t, env.WorkDir, nil)
	if err != nil {
		return err
	}
	env.Vars = append(env.Vars, in.env...)
	env.Values[installationKey{}] = in
	env.Defer(in.end)
	return nil
}

// script is a script at one of its lines.
type script struct {
	*Installation
	ts *testscript.TestScript
}

// positive makes a command that cannot be negated.
func positive(cmd func(*script, []string) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg {
			ts.Fatalf("this command cannot be negated")
		}
		in, ok := ts.Value(installationKey{}).(*Installation)
		if !ok {
			ts.Fatalf("the script has no installation")
		}
		ts.Check(cmd(&script{in, ts}, args))
	}
}

func startPrincipal(s *script, flags []string) error {
	return startPrincipalAlone(s, append([]string{"--with-agent"}, flags...))
}

func startPrincipalAlone(s *script, flags []string) error {
	if err := s.adoptEnv(); err != nil {
		return err
	}
	_, err := s.startPrincipal(flags)
	return err
}

func restartPrincipal(s *script, flags []string) error {
	if err := s.stopPrincipal(); err != nil {
		return err
	}
	if len(flags) > 0 {
		return startPrincipal(s, flags)
	}
	return startPrincipalAlone(s, s.flags)
}

func signalPrincipal(s *script, args []string) error {
	sig, ok := signals[strings.Join(args, " ")]
	if !ok || s.principal == nil {
		return fmt.Errorf("usage: signal-principal SIGNAL, while one runs")
	}
	return s.principal.Signal(sig)
}

func startAgent(s *script, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("usage: start-agent NAME [flags]")
	}
	if err := s.adoptEnv(); err != nil {
		return err
	}
	_, err := s.startAgent(args[0], args[1:])
	return err
}

// adoptEnv gives the daemons the variables that the script has set meanwhile.
// They go through a file, and so not into the log.
func (s *script) adoptEnv() error {
	if err := s.ts.Exec("sh", "-c", `env -0 >"$WORK/.tmp/env"`); err != nil {
		return err
	}
	env := s.ts.ReadFile(filepath.Join(s.Dir, ".tmp", "env"))
	s.env = strings.FieldsFunc(env, func(r rune) bool { return r == 0 })
	return nil
}

// exec runs a command as the script's own exec does.
func (s *script) exec(args []string) (code int, err error) {
	err = s.ts.Exec(args[0], args[1:]...)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exitCode(exit.ProcessState), nil
	}
	return 0, err
}

func stopAgent(s *script, args []string) error {
	p, err := s.agent(args)
	if err != nil {
		return err
	}
	_, err = p.Stop()
	return err
}

func killAgent(s *script, args []string) error {
	p, err := s.agent(args)
	if err != nil {
		return err
	}
	return p.Kill()
}

func signalAgent(s *script, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: signal-agent NAME SIGNAL")
	}
	p, err := s.agent(args[:1])
	if err != nil {
		return err
	}
	sig, ok := signals[args[1]]
	if !ok {
		return fmt.Errorf("usage: signal-agent NAME SIGNAL")
	}
	return p.Signal(sig)
}

func (s *script) agent(args []string) (*Process, error) {
	p := s.agents[strings.Join(args, " ")]
	if p == nil {
		return nil, fmt.Errorf("no agent %q was started by this script", strings.Join(args, " "))
	}
	return p, nil
}

func expectCode(s *script, args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("usage: exit-code N COMMAND [args]")
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		return fmt.Errorf("usage: exit-code N COMMAND [args]: %w", err)
	}
	got, err := s.exec(args[1:])
	if err == nil && got != want {
		err = fmt.Errorf("exit code %d, want %d", got, want)
	}
	return err
}

func waitFor(s *script, args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("usage: wait-for REGEX COMMAND [args]")
	}
	want, err := regexp.Compile("(?m)" + args[0])
	if err != nil {
		return err
	}
	if !until(func() bool {
		var code int
		code, err = s.exec(args[1:])
		return err != nil || code == 0 && want.MatchString(s.ts.ReadFile("stdout"))
	}) {
		return fmt.Errorf("waited %v in vain for %s", Patience, want)
	}
	return err
}

// expect compares a field of stdout.
func expect(get func(doc, path string) (string, error)) func(*script, []string) error {
	return func(s *script, args []string) error {
		if len(args) != 2 {
			return fmt.Errorf("usage: json FIELD VALUE")
		}
		got, err := get(s.ts.ReadFile("stdout"), args[0])
		if err == nil && got != args[1] {
			err = fmt.Errorf("%s is %q, want %q", args[0], got, args[1])
		}
		return err
	}
}

func capture(s *script, args []string) error {
	if len(args) < 1 || len(args) > 2 {
		return fmt.Errorf("usage: capture NAME [FIELD]")
	}
	value := strings.TrimSuffix(s.ts.ReadFile("stdout"), "\n")
	if len(args) == 2 {
		var err error
		if value, err = field(value, args[1]); err != nil {
			return err
		}
	}
	s.ts.Setenv(args[0], value)
	return nil
}

func need(ts *testscript.TestScript, _ bool, tools []string) {
	in, ok := ts.Value(installationKey{}).(*Installation)
	if !ok {
		ts.Fatalf("the script has no installation")
	}
	Need(in.t, tools...)
}
