package task

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// output collects what a task's sink gets.
type output struct {
	mu    sync.Mutex
	lines map[string][]wire.Line
	came  chan struct{} // has room for one: something is new
}

func newOutput() *output {
	return &output{lines: map[string][]wire.Line{}, came: make(chan struct{}, 1)}
}

func (o *output) sink(stream string, lines []wire.Line) {
	o.mu.Lock()
	o.lines[stream] = append(o.lines[stream], lines...)
	o.mu.Unlock()
	select {
	case o.came <- struct{}{}:
	default:
	}
}

func (o *output) texts(stream string) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []string
	for _, l := range o.lines[stream] {
		all = append(all, l.Text+string(l.Bytes))
	}
	return all
}

// await waits until the stream has n lines.
func (o *output) await(t *testing.T, stream string, n int) []string {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		if got := o.texts(stream); len(got) >= n {
			return got
		}
		select {
		case <-o.came:
		case <-limit:
			t.Fatalf("%s has %q, want %d lines", stream, o.texts(stream), n)
		}
	}
}

func start(t *testing.T, spec wire.Spec, o Options) (*Process, *output) {
	t.Helper()
	out := newOutput()
	if o.Sink == nil {
		o.Sink = out.sink
	}
	o.TempDir = t.TempDir()
	p, err := Start(spec, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		p.Wait()
		if left, _ := os.ReadDir(o.TempDir); len(left) > 0 {
			t.Errorf("a temporary file was left: %s", left[0].Name())
		}
	})
	return p, out
}

func script(text string) wire.Spec { return wire.Spec{Script: &text} }

func pidOf(t *testing.T, text string) ID {
	t.Helper()
	pid, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return Identify(pid)
}

func TestExitCodeIsTheProcessesOwn(t *testing.T) {
	for _, c := range []struct {
		script string
		code   int
		reason string
	}{
		{"exit 0", 0, ""},
		{"exit 7", 7, ""},
		{"false; echo not reached", 1, ""},
		{"false | true; echo not reached", 1, ""},
		{"echo $NO_SUCH_VARIABLE", 1, ""},
		{"kill -9 $$", 137, "killed by signal 9 (SIGKILL)"},
		{"kill -TERM $$", 143, "killed by signal 15 (SIGTERM)"},
	} {
		p, out := start(t, script(c.script), Options{})
		e := p.Wait()
		if c.script == "echo $NO_SUCH_VARIABLE" {
			e.Code = min(e.Code, 1) // 1 or 127, by version of bash
		}
		if e.Code != c.code || e.Reason != c.reason || e.Stopped {
			t.Errorf("%q: %+v", c.script, e)
		}
		if got := out.texts(wire.Stdout); len(got) > 0 {
			t.Errorf("%q went on after a mistake: %q", c.script, got)
		}
	}
}

func TestOutputOfBothStreamsIsComplete(t *testing.T) {
	// Either pipe holds 64 KiB: read one after the other, and this hangs.
	p, out := start(t, wire.Spec{Argv: []string{"python3", "-c", `
import os
os.write(2, b"e" * 300000)
os.write(1, b"\x00\xff\xfe\r\nlast")
`}}, Options{})
	if e := p.Wait(); e.Code != 0 {
		t.Fatalf("%+v: %q", e, out.texts(wire.Stderr))
	}
	if got := out.texts(wire.Stderr); len(got) != 1 || got[0] != strings.Repeat("e", 300000) {
		t.Errorf("stderr: %d lines", len(got))
	}
	if got := out.texts(wire.Stdout); !slices.Equal(got, []string{"\x00\xff\xfe\r", "last"}) {
		t.Errorf("stdout: %q", got)
	}
	got := out.texts(wire.System)
	if len(got) != 2 || !strings.HasPrefix(got[0], "started pid "+strconv.Itoa(p.ID().PID)+": python3 -c") || !strings.HasPrefix(got[1], "exit 0 after ") {
		t.Errorf("system: %q", got)
	}
}

func TestBackgroundChildNeitherHangsTheTaskNorLivesOn(t *testing.T) {
	p, out := start(t, script(`sleep 1000 & echo $!; echo done >&2`), Options{})
	began := time.Now()
	if e := p.Wait(); e.Code != 0 || e.Stopped {
		t.Errorf("%+v", e)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %s", took)
	}
	child := pidOf(t, out.await(t, wire.Stdout, 1)[0])
	if child.Start != 0 && child.Alive() {
		t.Error("the child lives on")
	}
	if got := out.texts(wire.Stderr); !slices.Equal(got, []string{"done"}) {
		t.Errorf("stderr: %q", got)
	}
}

// A process that left the group and holds the pipe is beyond reach. What was
// written before is read even where the reader is far behind.
func TestEscapedHolderOfThePipeLosesNoOutput(t *testing.T) {
	gate := make(chan struct{})
	out := newOutput()
	sink := func(stream string, lines []wire.Line) {
		if stream == wire.Stdout {
			<-gate
		}
		out.sink(stream, lines)
	}
	p, _ := start(t, wire.Spec{Argv: []string{"python3", "-c", `
import os, sys, time
os.write(1, b"first\n")
if os.fork() == 0:
    os.setsid()
    os.write(2, b"%d\n" % os.getpid())
    time.sleep(1000)
time.sleep(0.1)
for i in range(1000): os.write(1, b"%d\n" % i)
`}}, Options{Sink: sink, Drain: 50 * time.Millisecond})
	holder := pidOf(t, out.await(t, wire.Stderr, 1)[0])
	t.Cleanup(func() { _ = exec.Command("kill", "-9", strconv.Itoa(holder.PID)).Run() })
	for p.ID().Alive() {
		time.Sleep(time.Millisecond)
	}
	time.AfterFunc(200*time.Millisecond, func() { close(gate) }) // well after Drain
	if e := p.Wait(); e.Code != 0 {
		t.Errorf("%+v", e)
	}
	if got := out.texts(wire.Stdout); len(got) != 1001 || got[1000] != "999" {
		t.Errorf("%d lines of 1001", len(got))
	}
	if !holder.Alive() {
		t.Error("a process of another group was killed")
	}
}

func TestStopEndsGrandchildrenThatIgnoreSIGTERM(t *testing.T) {
	p, out := start(t, script(`
bash -c 'trap "" TERM; echo $BASHPID; while :; do sleep 0.05; done' &
bash -c 'trap "" TERM; echo $BASHPID; (trap "" TERM; echo $BASHPID; while :; do sleep 0.05; done)' &
wait`), Options{Grace: 200 * time.Millisecond})
	var all []ID
	for _, text := range out.await(t, wire.Stdout, 3) {
		all = append(all, pidOf(t, text))
	}
	p.Stop()
	e := p.Wait()
	if !e.Stopped || e.Code != 143 {
		t.Errorf("%+v", e)
	}
	for _, id := range all {
		if id.Alive() {
			t.Errorf("process %d lives on", id.PID)
		}
	}
	if got := strings.Join(out.texts(wire.System), "\n"); !strings.Contains(got, "SIGTERM") || !strings.Contains(got, "SIGKILL") {
		t.Errorf("the system lines do not tell: %q", got)
	}
}

func TestStoppedTaskHasTimeToEndInOrder(t *testing.T) {
	p, out := start(t, script(`trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.02; done`), Options{})
	out.await(t, wire.Stdout, 1)
	p.Stop()
	if e := p.Wait(); e.Code != 3 || !e.Stopped {
		t.Errorf("%+v", e)
	}
	if got := out.texts(wire.Stdout); !slices.Equal(got, []string{"ready", "bye"}) {
		t.Errorf("%q", got)
	}
}

// What a stopped task's main process leaves behind has the whole grace, too.
func TestStoppedGroupHasTheWholeGrace(t *testing.T) {
	p, out := start(t, script(`
bash -c 'trap "sleep 0.3; echo saved; exit" TERM; echo ready; while :; do sleep 0.02; done' &
wait`), Options{Linger: time.Nanosecond})
	out.await(t, wire.Stdout, 1)
	p.Stop()
	p.Wait()
	if got := out.texts(wire.Stdout); !slices.Equal(got, []string{"ready", "saved"}) {
		t.Errorf("%q", got)
	}
}

func TestFrozenTaskIsStopped(t *testing.T) {
	p, out := start(t, script(`(sleep 0.05; echo frozen) & kill -STOP $$`), Options{Grace: time.Minute})
	out.await(t, wire.Stdout, 1)
	p.Stop()
	if e := p.Wait(); !e.Stopped || e.Code != 143 {
		t.Errorf("%+v", e)
	}
}

func TestWhatCannotStartSaysWhy(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("plain", "x", 0o644)
	write("noshebang", "echo hi\n", 0o755)
	write("nointerpreter", "#!/no/such/thing\n", 0o755)
	empty := ""
	for _, c := range []struct {
		spec wire.Spec
		want string
	}{
		{wire.Spec{}, "there is no command to run"},
		{wire.Spec{Argv: []string{"no-such-program"}}, "no-such-program: not found on PATH"},
		{wire.Spec{Argv: []string{"./missing"}, Dir: dir}, "./missing: no such file or directory"},
		{wire.Spec{Argv: []string{"./plain"}, Dir: dir}, "./plain: is not executable (chmod +x)"},
		{wire.Spec{Argv: []string{dir}}, dir + ": is a directory"},
		{wire.Spec{Argv: []string{"./noshebang"}, Dir: dir}, "./noshebang: the system cannot run this file (a script needs a first line like #!/bin/sh)"},
		{wire.Spec{Argv: []string{"./nointerpreter"}, Dir: dir}, "./nointerpreter: the interpreter that the file asks for does not exist"},
		{wire.Spec{Argv: []string{"true"}, Dir: dir + "/gone"}, "working directory " + dir + "/gone: no such file or directory"},
		{wire.Spec{Argv: []string{"true"}, Dir: dir + "/plain"}, "working directory " + dir + "/plain: not a directory"},
		{wire.Spec{Argv: []string{"true", strings.Repeat("x", 200_000)}}, "true: its arguments and environment are too large for the system"},
		{wire.Spec{Argv: []string{"true", "a\x00b"}}, "true: an argument or a variable contains a NUL byte"},
		{wire.Spec{Uv: &wire.UvSpec{Script: "x.py"}, Env: map[string]string{"PATH": dir}}, "uv: not found on PATH (install uv, or set uv_path)"},
		{wire.Spec{Script: &empty, Shell: "no-such-shell -e"}, "no-such-shell: not found on PATH"},
	} {
		temp := t.TempDir()
		_, err := Start(c.spec, Options{TempDir: temp, Sink: newOutput().sink})
		if err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
		if left, _ := os.ReadDir(temp); len(left) > 0 {
			t.Errorf("%s: left %s", c.want, left[0].Name())
		}
	}
}

func TestTaskHasItsDirectoryEnvironmentAndNoInput(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bin", "own"), []byte("#!/bin/sh\necho \"$0|$1|$MODE|$PWD|$INHERITED\"; cat\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("INHERITED", "yes")
	t.Setenv("MODE", "the agent's")
	for _, c := range []struct {
		argv0, path, shown string
	}{
		{"bin/own", "", "bin/own"},
		{"./bin/../bin/own", "", "./bin/../bin/own"},
		{"own", "bin:/usr/bin:/bin", dir + "/bin/own"},
	} {
		env := map[string]string{"MODE": "own"}
		if c.path != "" {
			env["PATH"] = c.path
		}
		p, out := start(t, wire.Spec{Argv: []string{c.argv0, "a b"}, Dir: dir, Env: env}, Options{})
		e := p.Wait()
		got := out.texts(wire.Stdout)
		if e.Code != 0 || len(got) != 1 || !strings.HasSuffix(got[0], "own|a b|own|"+dir+"|yes") {
			t.Errorf("%s: %+v %q %q", c.argv0, e, got, out.texts(wire.Stderr))
		}
	}
}

func TestScriptRunsInTheShellAskedFor(t *testing.T) {
	for _, c := range []struct{ shell, text, want string }{
		{"", "set -o | grep -Ec '^(errexit|nounset|pipefail).*on$'", "3"},
		{"bash", "false; echo ${BASH_VERSION:+bash}", "bash"},
		{"sh -e", "echo sh", "sh"},
		{"python3", "print('snake')", "snake"},
	} {
		p, out := start(t, wire.Spec{Script: &c.text, Shell: c.shell}, Options{})
		e := p.Wait()
		if got := strings.Join(out.texts(wire.Stdout), " "); e.Code != 0 || !strings.Contains(got, c.want) {
			t.Errorf("shell %q: exit %d, %q", c.shell, e.Code, got)
		}
	}
	// Without bash, sh takes its place.
	dir := t.TempDir()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(sh, filepath.Join(dir, "sh")); err != nil {
		t.Fatal(err)
	}
	text := "case $- in *e*) case $- in *u*) echo sh;; esac;; esac; exit 5"
	p, out := start(t, wire.Spec{Script: &text, Env: map[string]string{"PATH": dir}}, Options{})
	if e := p.Wait(); e.Code != 5 || !slices.Equal(out.texts(wire.Stdout), []string{"sh"}) {
		t.Errorf("without bash: %+v %q %q", e, out.texts(wire.Stdout), out.texts(wire.Stderr))
	}
}

func TestUvRunsTheScriptInItsDirectory(t *testing.T) {
	if _, err := exec.LookPath("uv"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("SKIP-TOOL uv: not found on PATH")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x.py"), []byte("import os; print(os.getcwd(), os.environ['MODE'])"), 0o644); err != nil {
		t.Fatal(err)
	}
	p, out := start(t, wire.Spec{Uv: &wire.UvSpec{Script: "x.py"}, Dir: dir, Env: map[string]string{"MODE": "uv"}}, Options{})
	e := p.Wait()
	if got := out.texts(wire.Stdout); e.Code != 0 || !slices.Equal(got, []string{dir + " uv"}) {
		t.Errorf("%+v %q %q", e, got, out.texts(wire.Stderr))
	}
}

func TestUvCommandLine(t *testing.T) {
	dir := t.TempDir()
	uv := filepath.Join(dir, "my-uv")
	if err := os.WriteFile(uv, []byte("#!/bin/sh\nfor a; do echo \"$a\"; done\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		spec wire.UvSpec
		want []string
	}{
		{wire.UvSpec{Script: "x.py", Packages: []string{"a>=2,<3", "b"}}, []string{"run", "--with", "a>=2,<3", "--with", "b", "x.py"}},
		{wire.UvSpec{Script: "x.py", Packages: []string{"a"}, IsProject: true}, []string{"run", "x.py"}},
	} {
		c.spec.Path = uv
		p, out := start(t, wire.Spec{Uv: &c.spec}, Options{})
		p.Wait()
		if got := out.texts(wire.Stdout); !slices.Equal(got, c.want) {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestMillionShortLinesGoThroughQuickly(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lines")
	text := bytes.Repeat([]byte("a line of output\n"), 1_000_000)
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	var count, calls int
	sink := func(stream string, lines []wire.Line) {
		if stream == wire.Stdout {
			count, calls = count+len(lines), calls+1
		}
	}
	p, _ := start(t, wire.Spec{Argv: []string{"cat", file}}, Options{Sink: sink})
	began := time.Now()
	p.Wait()
	t.Logf("%d lines in %d calls, %s", count, calls, time.Since(began))
	if count != 1_000_000 || calls > 50_000 {
		t.Errorf("%d lines in %d calls", count, calls)
	}
}

func TestClosedPipesAreNotLeaked(t *testing.T) {
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if errors.Is(err, os.ErrNotExist) {
			t.Skip("SKIP-TOOL proc: no /proc here")
		}
		return len(entries)
	}
	before := count()
	for range 20 {
		p, _ := start(t, script("exit 0"), Options{})
		p.Wait()
		if _, err := Start(wire.Spec{Argv: []string{"true", strings.Repeat("x", 200_000)}}, Options{Sink: newOutput().sink}); err == nil {
			t.Fatal("started")
		}
	}
	if after := count(); after > before+2 {
		t.Errorf("%d file descriptors, %d before", after, before)
	}
}

// The sink takes nothing, as a spool that is full: neither SIGTERM nor SIGKILL
// waits for it.
func TestTaskIsEndedThoughItsSinkBlocks(t *testing.T) {
	for _, c := range []struct {
		name, trap string
		code       int
	}{{"by SIGTERM", "", 143}, {"by SIGKILL", "trap '' TERM; ", 137}} {
		t.Run(c.name, func(t *testing.T) {
			blocked, up := make(chan struct{}), make(chan struct{})
			free := sync.OnceFunc(func() { close(blocked) })
			sink := func(stream string, lines []wire.Line) {
				switch {
				case stream == wire.Stdout:
					close(up)
				case !strings.HasPrefix(lines[0].Text, "started "):
					<-blocked
				}
			}
			p, _ := start(t, script(c.trap+"echo up; while :; do sleep 0.02; done"), Options{Sink: sink, Grace: 50 * time.Millisecond})
			t.Cleanup(free)
			<-up
			p.Stop()
			for limit := time.Now().Add(20 * time.Second); p.ID().Alive(); time.Sleep(time.Millisecond) {
				if time.Now().After(limit) {
					t.Fatal("the process lives on")
				}
			}
			free()
			if exit := p.Wait(); exit.Code != c.code || !exit.Stopped {
				t.Errorf("%+v", exit)
			}
		})
	}
}
