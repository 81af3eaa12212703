package harness

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Installation is CDKTR in a private directory: its data, its workflows and
// the daemons that work on them.
type Installation struct {
	Dir       string // the working directory of daemons and commands
	Data      string // $CDKTR_APP_DATA_DIRECTORY
	Workflows string // the workflow directory

	t         testing.TB
	bin       string
	env       []string
	principal *Process
	flags     []string // of the principal's last start
	agents    map[string]*Process
	daemons   []*Process // all that were ever started
}

// Result is what became of a command.
type Result struct {
	Stdout, Stderr string
	Code           int
	Took           time.Duration
}

// Address is the content of principal.json.
type Address struct {
	PID       int    `json:"pid"`
	API       string `json:"api"`
	Logs      string `json:"logs"`
	Live      string `json:"live"`
	PublicKey string `json:"public_key"`
}

// New makes an installation with nothing in it, that ends with the test. The
// variables, NAME=VALUE, are for its daemons and commands.
func New(t testing.TB, env ...string) *Installation {
	t.Helper()
	in, err := install(t, t.TempDir(), env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(in.end)
	return in
}

func install(t testing.TB, dir string, env []string) (*Installation, error) {
	bin, err := built()
	if err != nil {
		return nil, err
	}
	in := &Installation{
		Dir:       dir,
		Data:      filepath.Join(dir, ".data"),
		Workflows: filepath.Join(dir, "workflows"),
		t:         t,
		bin:       bin,
		agents:    map[string]*Process{},
	}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "CDKTR_") {
			in.env = append(in.env, v)
		}
	}
	in.env = append(in.env,
		"PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"),
		"XDG_CONFIG_HOME="+filepath.Join(dir, ".config"),
		"CDKTR_APP_DATA_DIRECTORY="+in.Data,
		"UV_PYTHON_DOWNLOADS=never",
	)
	in.env = append(in.env, env...)
	return in, os.MkdirAll(in.Workflows, 0o755)
}

// Env is the environment of the installation's daemons and commands.
func (in *Installation) Env() []string { return append([]string{}, in.env...) }

// Workflow writes a file into the workflow directory.
func (in *Installation) Workflow(name, text string) {
	in.t.Helper()
	path := filepath.Join(in.Workflows, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		in.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		in.t.Fatal(err)
	}
}

// Command makes a command to be run in the installation: one of CDKTR's, or
// anything on the PATH.
func (in *Installation) Command(name string, args ...string) *exec.Cmd {
	if strings.HasPrefix(name, "cdktr-") {
		name = filepath.Join(in.bin, name)
	}
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = in.Dir, in.env
	return cmd
}

// Run runs a command to its end, which must come.
func (in *Installation) Run(name string, args ...string) Result {
	in.t.Helper()
	r, err := in.run(name, args...)
	if err != nil {
		in.t.Fatal(err)
	}
	return r
}

// Must is Run for a command that succeeds. It returns its stdout without the
// last newline.
func (in *Installation) Must(name string, args ...string) string {
	in.t.Helper()
	r := in.Run(name, args...)
	if r.Code != 0 {
		in.t.Fatalf("%s %s: exit code %d\n%s%s", name, strings.Join(args, " "), r.Code, r.Stdout, r.Stderr)
	}
	return strings.TrimSuffix(r.Stdout, "\n")
}

// maxCommand ends a command that hangs: longer than any test waits on purpose.
const maxCommand = 4 * Patience

func (in *Installation) run(name string, args ...string) (Result, error) {
	cmd := in.Command(name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return Result{}, fmt.Errorf("run %s: %w", name, err)
	}
	hangs := time.AfterFunc(maxCommand, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	if !hangs.Stop() {
		return Result{}, fmt.Errorf("%s %s did not end within %v\n%s%s", name, strings.Join(args, " "), maxCommand, &stdout, &stderr)
	}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return Result{}, fmt.Errorf("run %s: %w", name, err)
	}
	return Result{stdout.String(), stderr.String(), exitCode(cmd.ProcessState), time.Since(began)}, nil
}

// Address reads principal.json; ok is false when there is none.
func (in *Installation) Address() (a Address, ok bool) {
	b, err := os.ReadFile(filepath.Join(in.Data, "principal.json"))
	return a, err == nil && json.Unmarshal(b, &a) == nil
}

// end kills what is left, in rounds, as what is killed may just have started
// something, and shows what the daemons said if the test failed.
func (in *Installation) end() {
	for _, p := range in.daemons {
		_ = syscall.Kill(-p.PID(), syscall.SIGKILL) // gone already: fine
		<-p.exited
	}
	if !until(func() bool {
		pids := in.Living()
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		return len(pids) == 0
	}) {
		in.t.Errorf("processes that do not die: %v", in.Living())
	}
	if in.t.Failed() {
		in.t.Log(in.story())
	}
}

// story is what all daemons said, those too that a principal started.
func (in *Installation) story() string {
	var b strings.Builder
	for _, p := range in.daemons {
		fmt.Fprintf(&b, "--- %s\n%s", p.Name, p.Said())
	}
	logs, _ := filepath.Glob(filepath.Join(in.Data, "agents", "*.log")) // the pattern is good
	for _, log := range logs {
		said, err := os.ReadFile(log)
		if err != nil {
			said = []byte(err.Error())
		}
		fmt.Fprintf(&b, "--- %s\n%s", filepath.Base(log), said)
	}
	return b.String()
}
