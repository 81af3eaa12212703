package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"

	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

// hostileFiles are made beside good workflows. Each is told with what is wrong
// with it, and where.
var hostileFiles = []struct {
	make func(dir string) error
	says string // in what check prints; a regular expression
}{
	{file("bomb.yml", "a: &a [x,x,x,x,x,x,x,x,x]\n"+bomb()+"tasks: *i\n"), `bomb\.yml:\d+:\d+: .*expand to more than 2 MiB`},
	{file("itself.yml", "tasks: &t {a: *t}\n"), `itself\.yml:1:\d+: .*`},
	{file("deep.yml", "tasks: "+strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000)+"\n"), `deep\.yml:1:\d+: nested more than 64 levels|deep\.yml:1:\d+: .*depth`},
	{file("steep.yml", steep(2000)), `steep\.yml:\d+:\d+: nested more than 64 levels`},
	{file("keys.yml", "tasks: {"+strings.Repeat("? ", 5000)+"}\n"), `keys\.yml:\d+:\d+: `},
	{file("binary.yml", "\x7fELF\x02\x01\x01\x00"), `binary\.yml:1:1: control character U\+007F`},
	{file("latin1.yml", "name: caf\xe9\n"), `latin1\.yml:1:10: byte 0xe9 is not UTF-8`},
	{file("utf16.yml", "\xff\xfet\x00"), `utf16\.yml:1:1: the file is UTF-16`},
	{file("escape.yml", "tasks: {a: {run: x, \"\\e[2Jcls\\e]0;title\\a\": y}}\n"), `escape\.yml:1:\d+: unknown key`},
	{file("turned.yml", "tasks: {a: {run: x, \"\u202etxt.exe\": y}}\n"), `turned\.yml:1:\d+: unknown key`},
	{sparse("large.yml", 100<<20), `large\.yml: the file is larger than 1 MiB`},
	{func(d string) error { return syscall.Mkfifo(filepath.Join(d, "pipe.yml"), 0o600) }, `pipe\.yml: this is a named pipe, not a file`},
	{func(d string) error { return os.Mkdir(filepath.Join(d, "folder.yml"), 0o700) }, `folder\.yml: this is a directory, not a file`},
	{link("/dev/zero", "zero.yml"), `zero\.yml: a symlink that leads out of the workflow directory`},
	{link("/etc/passwd", "out.yml"), `out\.yml: a symlink that leads out of the workflow directory`},
	{link("../../../../../../etc/passwd", "up.yml"), `up\.yml: a symlink that leads out of the workflow directory`},
	{link("loop.yml", "loop.yml"), `loop\.yml: a symlink that leads nowhere: .*too many`},
	{link("nothing", "dangling.yml"), `dangling\.yml: a symlink that leads nowhere: no such file`},
	{link(".", "circle"), ``},
	{link("/", "root"), ``},
	{file("new\nline.yml", good), `new.*line\.yml`},
	{file("\x1b[31mred.yml", good), `the name "\\x1b\[31mred\.yml"`},
	{file("not\xffutf8.yml", good), `not.*utf8\.yml`},
	{file("turn\u202elmy.exe.yml", good), `the name "turn\\u202elmy`},
	{file("two words.yml", good), ``},
	{file("a..b.yml", good), ``},
	{file(strings.Repeat("n", 250)+".yml", good), ``}, // long, and good
	{folders("very/"+strings.Repeat("deep/", 70), good), `left out: folders more than 64 deep`},
}

const good = "tasks: {a: {run: 'echo good'}}\n"

func bomb() string {
	var b strings.Builder
	for c := 'b'; c <= 'i'; c++ {
		fmt.Fprintf(&b, "%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", c-1), 9), ","))
	}
	return b.String()
}

func steep(n int) string { return "tasks:\n" + strings.Repeat("- ", n) + "x\n" }

func file(name, text string) func(string) error {
	return func(dir string) error { return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600) }
}

func sparse(name string, size int64) func(string) error {
	return func(dir string) error {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			return err
		}
		return os.Truncate(path, size)
	}
}

func link(target, name string) func(string) error {
	return func(dir string) error { return os.Symlink(target, filepath.Join(dir, name)) }
}

func folders(name, text string) func(string) error {
	return func(dir string) error {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			return err
		}
		return file(filepath.Join(name, "far.yml"), text)(dir)
	}
}

func TestHostileFilesAreToldAndDisturbNoOther(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("hello.yml", "tasks: {a: {run: 'echo hello'}}")
	in.Workflow("etl/daily.yml", "tasks: {a: {run: 'echo daily'}}")
	for i, f := range hostileFiles {
		if err := f.make(in.Workflows); err != nil {
			t.Fatal(i, err)
		}
	}

	check := in.Run("cdktr-principal", "check", in.Workflows)
	if check.Code != 65 {
		t.Errorf("check ends with %d", check.Code)
	}
	in.StartPrincipal()
	listed := in.Must("cdktr-run", "--list", "-o", "table")
	logged := in.Principal().Said()
	for _, f := range hostileFiles {
		if f.says != "" && !regexp.MustCompile("(?m)"+f.says).MatchString(check.Stdout) {
			t.Errorf("check does not say %s", f.says)
		}
	}
	for _, bad := range strings.Split(strings.TrimSuffix(check.Stdout, "\n"), "\n") {
		if !strings.HasPrefix(bad, in.Workflows) {
			t.Errorf("check prints a line without a place: %q", bad)
		}
	}
	if t.Failed() {
		t.Logf("check says:\n%s", check.Stdout)
	}
	harmlessText(t, "check", check.Stdout)
	harmlessText(t, "check, stderr", check.Stderr)
	harmlessText(t, "the list", listed)
	harmlessText(t, "the log", logged)
	for _, word := range []string{"bomb.yml", "pipe.yml", "out.yml", "large.yml", "deep"} {
		if !strings.Contains(logged, word) {
			t.Errorf("the log does not name %s", word)
		}
	}
	if strings.Contains(check.Stdout+logged+listed, "root:") {
		t.Error("a file outside of the directory is quoted")
	}
	for _, id := range []string{"hello", "etl.daily"} {
		in.Must("cdktr-run", "-q", id)
	}
	if has := memory(t, in.Principal().PID()); has > mostMemory {
		t.Errorf("the principal has %d MiB", has>>20)
	}
	in.StopPrincipal()
}

// harmlessText fails for what would do something to a terminal.
func harmlessText(t *testing.T, where, text string) {
	t.Helper()
	for i, line := range strings.Split(text, "\n") {
		if at := strings.IndexFunc(line, func(r rune) bool {
			return r != '\t' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == unicode.ReplacementChar
		}); at >= 0 {
			t.Errorf("%s: line %d is not harmless: %q", where, i+1, line)
		}
	}
}

// A file that is written to while it is read, and one that becomes something
// else: what loads is always one of the whole versions.
func TestFileThatChangesWhileItIsReadIsNeverHalf(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	path := filepath.Join(in.Workflows, "moving.yml")
	long := func(n int) []byte {
		var b bytes.Buffer
		fmt.Fprintf(&b, "name: v%d\ntasks:\n", n)
		for i := range 3000 {
			fmt.Fprintf(&b, "  t%d: {run: 'echo %d'}\n", i, n)
		}
		return b.Bytes()
	}
	if err := os.WriteFile(path, long(0), 0o600); err != nil {
		t.Fatal(err)
	}
	in.StartPrincipalAlone()
	stop := make(chan struct{})
	moved := make(chan struct{})
	go func() {
		defer close(moved)
		for n := 1; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			switch n % 3 {
			case 0: // as an editor does it
				_ = os.WriteFile(path+".tmp", long(n), 0o600)
				_ = os.Rename(path+".tmp", path)
			case 1:
				_ = os.Remove(path)
				_ = syscall.Mkfifo(path, 0o600)
			case 2:
				_ = os.Remove(path)
				_ = os.WriteFile(path, long(n), 0o600)
			}
			time.Sleep(time.Millisecond)
		}
	}()
	admin := raw(t, in, address(in), keyOf(t, in, "admin"))
	for range 60 {
		if r := say(t, admin, `{"v":1,"id":"x","op":"reload"}`); code(r) != "ok" {
			t.Errorf("reload: %s", code(r))
		}
		var page wire.Workflows
		if err := json.Unmarshal(say(t, admin, `{"v":1,"id":"x","op":"workflow.list"}`).Result, &page); err != nil {
			t.Fatal(err)
		}
		for _, w := range page.Workflows {
			if w.Workflow != "moving" {
				t.Errorf("there is a workflow %q", w.Workflow)
			}
		}
	}
	close(stop)
	<-moved
	_ = os.Remove(path)
	if err := os.WriteFile(path, long(1_000_000), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := in.Principal().Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the last version is loaded", func() bool { return strings.Contains(in.Must("cdktr-run", "--list", "-o", "json"), "v1000000") })
}

func address(in *harness.Installation) string {
	a, _ := in.Address()
	return a.API
}

func TestTenThousandFilesLoadAndOneBadOneIsTold(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	for i := range 10_000 {
		in.Workflow(fmt.Sprintf("d%d/w%d.yml", i/100, i), good)
	}
	in.Workflow("bad.yml", "tasks: {}\n")
	p := in.StartPrincipalAlone()
	if r := in.Run("cdktr-principal", "check", in.Workflows); r.Code != 65 || strings.Count(r.Stdout, "\n") != 1 || !strings.Contains(r.Stdout, "bad.yml:1:8: tasks is empty") {
		t.Errorf("check: %d, %s", r.Code, r.Stdout)
	}
	if n := len(harness.Lines[wire.Workflow](t, in.Must("cdktr-run", "--list", "-o", "json"))); n != 10_001 {
		t.Errorf("%d are listed", n)
	}
	if has := memory(t, p.PID()); has > mostMemory {
		t.Errorf("the principal has %d MiB", has>>20)
	}
}

func TestKeysThatOthersCanReadAreRefused(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("hello.yml", "tasks: {a: {run: 'echo hello'}}")
	in.StartPrincipalAlone()
	keys := filepath.Join(in.Data, "keys")
	loosen := func(path string, loose, tight os.FileMode, refused func()) {
		t.Helper()
		if err := os.Chmod(path, loose); err != nil {
			t.Fatal(err)
		}
		refused()
		if err := os.Chmod(path, tight); err != nil {
			t.Fatal(err)
		}
	}
	says := func(path string, r harness.Result) {
		t.Helper()
		if r.Code != 78 || !strings.Contains(r.Stderr, "is open to other users") || !strings.Contains(r.Stderr, "run chmod 0") || !strings.Contains(r.Stderr, path) {
			t.Errorf("%s: exit code %d, %s", path, r.Code, r.Stderr)
		}
	}
	for _, mode := range []os.FileMode{0o644, 0o640, 0o604, 0o622, 0o666} {
		path := filepath.Join(keys, "admin.key_secret")
		loosen(path, mode, 0o600, func() { says(path, in.Run("cdktr-run", "-d", "hello")) })
	}
	in.Must("cdktr-run", "-d", "hello")
	in.StopPrincipal()
	start := []string{"--port", "0", "--workflows", in.Workflows}
	for _, name := range []string{"principal", "admin", "agent"} {
		path := filepath.Join(keys, name+".key_secret")
		loosen(path, 0o644, 0o600, func() { says(path, in.Run("cdktr-principal", start...)) })
	}
	for _, mode := range []os.FileMode{0o755, 0o711, 0o770, 0o777} {
		loosen(keys, mode, 0o700, func() { says(keys, in.Run("cdktr-principal", start...)) })
	}
	in.RestartPrincipal()
	in.Must("cdktr-run", "-d", "hello")
}
