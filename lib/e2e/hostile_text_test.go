package e2e

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

// evil is what wipes a screen, sets a title, asks the terminal to answer, uses
// C1 controls, turns text round and hides it.
const evil = "\x1b[2Jwiped\x1b]0;title\a\x1b[5n\u009b31m\u202egpj.exe\U000e0041\x7f\b\r!"

// Text of others comes out of no command as it is: not on a terminal and not in
// a pipe, where it is only on its way to one. (cat is the exception: in a pipe
// it hands on what the task wrote.)
// drawing is what cdktr-run itself draws the progress of a run with.
var drawing = regexp.MustCompile(`\r|\x1b\[(\?7[lh]|\d*A|K|J)`)

func TestTextOfOthersIsHarmlessInEveryCommand(t *testing.T) {
	t.Parallel()
	harness.Need(t, "script")
	in := harness.New(t)
	write(t, filepath.Join(in.Dir, "evil"), evil+"\n")
	in.Workflow("evil.yml", "name: \"evil \\e[2J \\u202e name\"\ntasks:\n"+
		"  t: {name: \"t\\e[2J\\u202e\", run: 'cat evil; cat evil >&2; exit 3'}\n"+
		"  unable: {config: !Subprocess {cmd: \"no\\e[2J\\u202esuch\"}}\n")
	in.Workflow("bad.yml", "tasks: {a: {run: x, \"\\e[2J\\u202e\": y}}\n")
	in.StartPrincipalAlone()
	in.StartAgent("web1")
	run := strings.TrimSpace(in.Run("cdktr-run", "-d", "evil", "p"+evil+"="+evil).Stdout)
	in.Run("cdktr-run", "-q", "--wait", run)
	if len(run) != 12 {
		t.Fatalf("there is no run: %q", run)
	}
	agent := newFakeAgent(t, in, granted(t, in, "web2", "agent"), "evil\u009b\u202e", "evil-id")
	if r := say(t, agent.api, `{"v":1,"id":"x","op":"agent.hello","agent":"evil-id","incarnation":1,"name":"evil\u001b[2J\u202e","slots":1,"version":"\u001b[2J\u202e","labels":{"\u001b[2J":"\u202e\u009b"}}`); !r.OK {
		t.Logf("an agent with such a name is refused: %v", r.Error)
	}

	for _, command := range []string{
		"cdktr-logs", "cdktr-logs -o json", "cdktr-logs -o text", "cdktr-logs --runs -o text", "cdktr-logs --runs -o json", "cdktr-logs --events -o text", "cdktr-logs --events -o json", "cdktr-logs --events -o cat",
		"cdktr-logs -r \"$(cat evil)\"", "cdktr-logs --since \"$(cat evil)\"", "cdktr-logs -o \"$(cat evil)\"", "cdktr-logs \"--$(cat evil)\"",
		"cdktr-run --list", "cdktr-run --list -o json", "cdktr-run --list -o table", "cdktr-run --show " + run, "cdktr-run --show " + run + " -o json", "cdktr-run --wait " + run, "cdktr-run --wait -o json " + run,
		"cdktr-run \"$(cat evil)\"", "cdktr-run evil \"$(cat evil)\"", "cdktr-run bad", "cdktr-run \"--$(cat evil)\"",
		"cdktr-agent list", "cdktr-agent list -o json", "cdktr-agent list -o table", "cdktr-agent drain \"$(cat evil)\"",
		"cdktr-listen <evil", "cdktr-listen -w \"$(cat evil)\" <evil", "cdktr-listen --dead-letter \"$(cat evil)/x\" <evil",
		"cdktr-principal check workflows", "cdktr-principal check \"$(cat evil)\"", "cdktr-principal keys", "cdktr-principal grant \"$(cat evil)\" --role agent", "cdktr-principal revoke \"$(cat evil)\"", "cdktr-principal config --db \"$(cat evil)\"",
	} {
		r := in.Run("sh", "-c", command)
		harmlessText(t, command, r.Stdout)
		harmlessText(t, command+", stderr", r.Stderr)
		if !utf8.ValidString(r.Stdout + r.Stderr) {
			t.Errorf("%s: not UTF-8", command)
		}
	}
	// On a terminal -l and cat are cleaned too; what is in colour is ours.
	for _, command := range []string{"cdktr-run --log evil", "cdktr-run evil", "cdktr-logs -o cat", "cdktr-logs"} {
		out := in.Run("script", "-qefc", "NO_COLOR=1 "+command, "/dev/null").Stdout
		harmlessText(t, command+" on a terminal", drawing.ReplaceAllString(strings.ReplaceAll(out, "\r\n", "\n"), ""))
	}
	// The history itself has every byte.
	var whole bool
	for _, r := range records(t, in, run) {
		whole = whole || r.Stream == wire.Stdout && r.Message != nil && *r.Message == evil
	}
	if !whole {
		t.Error("the history does not have the line as it was")
	}
	harmlessText(t, "the principal's log", in.Principal().Said())
}
