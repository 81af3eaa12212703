package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
)

// Every command in the documents is run, and shows what they say it shows.
//
// The language of a fence decides what a block is. The console blocks of a
// document are one session in one shell: a line after "$ " is a command, lines
// after "> " go on with it, all others are its output, where "…" stands for any
// number of lines. A yaml or python block whose first line is "# NAME" is
// written to that file before the session begins; a json block must be JSON; a
// text block is a picture. A go block is found in an Example function of
// lib/client, word for word.
func TestDocumentsShowWhatHappens(t *testing.T) {
	t.Parallel()
	documents, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(documents, "../../README.md") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			play(t, readDocument(t, path))
		})
	}
}

// block is one fenced block of a document.
type block struct {
	language string
	line     int // of its first line
	text     string
}

// notRun says why a block of commands is not part of a session.
var notRun = map[string]string{
	"make demo     # runs some of the examples in a temporary directory\n" +
		"make test     # everything that CI runs\n" +
		"make install  # the commands and their man pages, into PREFIX=/usr/local\n": "they build and test this very repository, run this test, and install",
	"useradd --system --home-dir /var/lib/cdktr --shell /usr/sbin/nologin cdktr\n" +
		"install -d -m 700 -o cdktr -g cdktr /var/lib/cdktr\n" +
		"install -d /etc/cdktr/workflows\n" +
		"systemctl daemon-reload\n" +
		"systemctl enable --now cdktr-principal\n" +
		"(umask 077; sudo -u cdktr -H cdktr-principal grant web1 --role agent >web1.join)\n": "they make a user and a service on a real machine",
	"sudo -u cdktr -H cdktr-agent --join - <web1.join\n" +
		"systemctl enable --now cdktr-agent\n": "they make a service on a real machine",
}

func readDocument(t *testing.T, path string) []block {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := fences(string(text))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return blocks
}

// fences finds the fenced blocks.
func fences(text string) ([]block, error) {
	var blocks []block
	open := false
	for i, line := range strings.SplitAfter(text, "\n") {
		switch {
		case open && strings.TrimSpace(line) == "```":
			open = false
		case open:
			blocks[len(blocks)-1].text += line
		case strings.HasPrefix(line, "```"):
			open = true
			blocks = append(blocks, block{language: strings.TrimSpace(line[3:]), line: i + 2})
		}
	}
	if open {
		return nil, fmt.Errorf("the block at line %d has no end", blocks[len(blocks)-1].line)
	}
	return blocks, nil
}

// play runs the session of a document.
func play(t *testing.T, blocks []block) {
	var steps []step
	files := map[string]string{}
	for _, b := range blocks {
		switch b.language {
		case "console":
			steps = append(steps, dialogue(t, b)...)
		case "yaml", "python":
			name := fileName.FindStringSubmatch(b.text)
			if name == nil {
				t.Fatalf("line %d: the first line of a %s block must name its file: # NAME", b.line, b.language)
			}
			files[name[1]] = b.text
		case "json":
			if err := oneJSON(b.text); err != nil {
				t.Errorf("line %d: %v", b.line, err)
			}
		case "go":
			if !strings.Contains(read(t, "../client/example_test.go"), "\n"+b.text) {
				t.Errorf("line %d: this is not in lib/client/example_test.go, where it would be tested:\n%s", b.line, b.text)
			}
		case "text":
			if strings.HasPrefix(b.text, "$ ") || strings.Contains(b.text, "\n$ ") {
				t.Errorf("line %d: commands belong into a console block", b.line)
			}
		case "sh":
			if notRun[b.text] == "" {
				t.Errorf("line %d: why is this not run? Say it in notRun, or make it a console block:\n%s", b.line, b.text)
			}
		default:
			t.Errorf("line %d: %q is no language that this test knows", b.line, b.language)
		}
	}
	if len(steps) == 0 || t.Failed() {
		return
	}
	harness.Need(t, "bash", "jq")
	for name := range files {
		if strings.HasSuffix(name, ".py") {
			harness.Need(t, "pyzmq")
		}
	}
	s := openSession(t, files)
	for _, step := range steps {
		if !s.plays(step) {
			return // what follows would only fail because of it
		}
	}
}

var fileName = regexp.MustCompile(`^# (\S+\.\w+)\n`)

func oneJSON(text string) error {
	dec := json.NewDecoder(strings.NewReader(text))
	for dec.More() {
		var v any
		if err := dec.Decode(&v); err != nil {
			return fmt.Errorf("not JSON: %w", err)
		}
	}
	return nil
}

// step is one command and the output that the document shows.
type step struct {
	line    int
	command string
	output  []string
}

func dialogue(t *testing.T, b block) []step {
	t.Helper()
	var steps []step
	for i, line := range strings.Split(strings.TrimSuffix(b.text, "\n"), "\n") {
		command, prompt := strings.CutPrefix(line, "$ ")
		more, goesOn := strings.CutPrefix(line, "> ")
		switch {
		case prompt:
			steps = append(steps, step{line: b.line + i, command: command})
		case len(steps) == 0:
			t.Fatalf("line %d: a session begins with a command", b.line+i)
		case goesOn && len(steps[len(steps)-1].output) == 0:
			steps[len(steps)-1].command += "\n" + more
		default:
			last := &steps[len(steps)-1]
			last.output = append(last.output, line)
		}
	}
	return steps
}

// differs returns where the output is not as the document shows it, or "".
func differs(want, got []string) string {
	want, got = masked(want), masked(got)
	if matches(want, got) {
		return ""
	}
	return fmt.Sprintf("the document shows\n\t%s\nand it printed\n\t%s", strings.Join(want, "\n\t"), strings.Join(got, "\n\t"))
}

func matches(want, got []string) bool {
	switch {
	case len(want) == 0:
		return len(got) == 0
	case want[0] == "…":
		for i := 0; i <= len(got); i++ {
			if matches(want[1:], got[i:]) {
				return true
			}
		}
		return false
	}
	return len(got) > 0 && want[0] == got[0] && matches(want[1:], got[1:])
}

// masks replace what is different each time.
var masks = []struct {
	what *regexp.Regexp
	by   string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?`), "TIME"},
	{regexp.MustCompile(`"(pid|pos|t|free)": ?\d+`), `"$1":N`},
	{regexp.MustCompile(`"(version|cursor|epoch|public_key|hash)": ?"[^"]*"`), `"$1":"X"`},
	{regexp.MustCompile(`\bpid \d+`), "pid N"},
	{regexp.MustCompile(`tcp://(127\.0\.0\.1|localhost):\d+`), "tcp://$1:PORT"},
	{regexp.MustCompile(`\b\d+(\.\d+)?(ms|s)\b`), "TOOK"},
	{regexp.MustCompile(`\b[0-9a-z]{12}\b`), "RUN"},
	{regexp.MustCompile(` {2,}`), " "}, // columns are as wide as what is in them
}

// prefixed is a line of a task's output with the task before it. Tasks that run
// side by side mix their lines as they come, so theirs are put together.
var prefixed = regexp.MustCompile(`^(\w+) \| `)

func masked(lines []string) []string {
	out := make([]string, len(lines))
	host, err := os.Hostname()
	for i, line := range lines {
		if err == nil {
			line = regexp.MustCompile(`\b`+regexp.QuoteMeta(host)+`\b`).ReplaceAllString(line, "web1")
		}
		for _, m := range masks {
			line = m.what.ReplaceAllString(line, m.by)
		}
		out[i] = strings.TrimRight(line, " ")
	}
	task := func(i int) string {
		if m := prefixed.FindStringSubmatch(out[i]); m != nil {
			return m[1]
		}
		return ""
	}
	for i := 0; i < len(out); i++ {
		j := i
		for j < len(out) && task(j) != "" {
			j++
		}
		group := out[i:j]
		sort.SliceStable(group, func(a, b int) bool { return task(i+a) < task(i+b) })
		i = max(i, j)
	}
	return out
}

// The protocol's page is complete: it names every operation and error code.
func TestProtocolPageNamesEverything(t *testing.T) {
	page := read(t, "../../docs/protocol.md")
	names := regexp.MustCompile(`(?m)^\t\w+\s+(?:Op|Code)\s+= "([a-z._]+)"`).FindAllStringSubmatch(read(t, "../../lib/wire/message.go"), -1)
	if len(names) < 30 {
		t.Fatalf("found only %d operations and codes in lib/wire", len(names))
	}
	for _, name := range names {
		if !strings.Contains(page, "`"+name[1]+"`") {
			t.Errorf("docs/protocol.md does not name `%s`", name[1])
		}
	}
}

// The test of the tests: what is wrong in a document must show.
func TestDocumentsCannotLie(t *testing.T) {
	shown := []string{"k3v9x0q2m7ab", "2026-01-02 02:00:00.004 k3v9x0q2m7ab COMPLETED  1.52s etl", "…", "b | 1", "a | 2"}
	for _, c := range []struct {
		name  string
		got   []string
		lying bool
	}{
		{"the same at another time", []string{"a1b2c3d4e5f6", "2030-05-06 07:08:09.123 a1b2c3d4e5f6 COMPLETED 12ms etl", "b | 1", "a | 2"}, false},
		{"lines left out", []string{"a1b2c3d4e5f6", "2030-05-06 07:08:09.123 a1b2c3d4e5f6 COMPLETED 12ms etl", "x", "y", "a | 2", "b | 1"}, false},
		{"another status", []string{"a1b2c3d4e5f6", "2030-05-06 07:08:09.123 a1b2c3d4e5f6 FAILED 12ms etl", "b | 1", "a | 2"}, true},
		{"a line is missing", []string{"a1b2c3d4e5f6", "2030-05-06 07:08:09.123 a1b2c3d4e5f6 COMPLETED 12ms etl", "b | 1"}, true},
		{"a line too many", []string{"a1b2c3d4e5f6", "2030-05-06 07:08:09.123 a1b2c3d4e5f6 COMPLETED 12ms etl", "b | 1", "a | 2", "x"}, true},
		{"nothing", nil, true},
	} {
		if got := differs(shown, c.got) != ""; got != c.lying {
			t.Errorf("%s: differs is %v, want %v", c.name, got, c.lying)
		}
	}
}

// session is one shell in an installation of its own.
type session struct {
	t        *testing.T
	in       *harness.Installation
	commands io.Writer
	log      string // what the shell and its children print
	read     int    // bytes of it
}

func openSession(t *testing.T, files map[string]string) *session {
	t.Helper()
	in := harness.New(t)
	for name, text := range files {
		path := filepath.Join(in.Dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, path, text)
	}
	support, err := filepath.Abs("testdata/documents")
	if err != nil {
		t.Fatal(err)
	}
	python, err := filepath.Abs(pythonClient) // as if it were installed
	if err != nil {
		t.Fatal(err)
	}
	shell := in.Command("bash", filepath.Join(support, "session.sh"))
	shell.Env = append(shell.Env, "PYTHONPATH="+python, "PYTHONDONTWRITEBYTECODE=1")
	shell.Env = append(shell.Env, "DOCUMENTS="+support, "CDKTR_REAL="+filepath.Dir(harness.Bin(t, "cdktr-principal")))
	log, err := os.Create(filepath.Join(t.TempDir(), "session"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	shell.Stdout, shell.Stderr = log, log
	theirs, ours, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	shell.ExtraFiles = []*os.File{theirs}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = ours.Close()
		_ = shell.Process.Kill() // it may be in the middle of a command; its children are the installation's
		_ = shell.Wait()
	})
	return &session{t: t, in: in, commands: ours, log: log.Name()}
}

// done is what session.sh prints after each command.
var done = regexp.MustCompile(`(?s)^(.*)\n\x00done\n`)

// plays runs a step and compares.
func (s *session) plays(step step) bool {
	s.t.Helper()
	if _, err := io.WriteString(s.commands, step.command+"\x00"); err != nil {
		s.t.Fatal(err)
	}
	var printed string
	harness.Eventually(s.t, fmt.Sprintf("line %d: the end of %s", step.line, step.command), func() bool {
		m := done.FindStringSubmatch(read(s.t, s.log)[s.read:])
		if m == nil {
			return false
		}
		printed = m[1]
		s.read += len(m[0])
		return true
	})
	if strings.HasPrefix(step.command, "cdktr-principal ") && strings.HasSuffix(step.command, "&") {
		harness.Eventually(s.t, "the principal is ready", func() bool { _, ok := s.in.Address(); return ok })
	}
	var got []string
	if printed != "" {
		got = strings.Split(strings.TrimSuffix(printed, "\n"), "\n")
	}
	if d := differs(step.output, got); d != "" {
		s.t.Errorf("line %d: $ %s\n%s", step.line, step.command, d)
		return false
	}
	return true
}
