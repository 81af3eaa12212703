package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/listen"
	"github.com/cdktr/cdktr/lib/wire"
)

// fake knows the workflow "w" alone, and calls its runs r1, r2, …
type fake struct{ items []wire.TriggerItem }

func (f *fake) send(_ context.Context, items []wire.TriggerItem) ([]wire.Triggered, error) {
	var out []wire.Triggered
	for _, item := range items {
		if item.Workflow != "w" {
			out = append(out, wire.Triggered{Error: &wire.Error{Code: wire.NotFound, Message: fmt.Sprintf("no workflow %q", item.Workflow)}})
			continue
		}
		f.items = append(f.items, item)
		out = append(out, wire.Triggered{Run: fmt.Sprintf("r%d", len(f.items))})
	}
	return out, nil
}

// call is one call of the command.
type call struct {
	dir      string
	out, err bytes.Buffer
	stdout   io.Writer // in place of out
}

func (c *call) do(t *testing.T, send send, input, args string) int {
	t.Helper()
	c.dir = t.TempDir()
	env := cli.Env{Stdin: strings.NewReader(input), Stdout: &c.out, Stderr: &c.err, Dir: c.dir, Start: time.Now(), Zone: time.UTC}
	if c.stdout != nil {
		env.Stdout = c.stdout
	}
	env.Getenv = func(name string) (string, bool) { return c.dir, name == "HOME" }
	command := cli.Command{Name: "cdktr-listen", Action: cli.Do(func(ctx context.Context, env cli.Env, o options) error {
		if err := o.check(env); err != nil {
			return err
		}
		return deliver(ctx, env, o, send)
	})}
	return command.Run(t.Context(), env, strings.Fields(args))
}

func (c *call) file(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEachLineIsToldWhereItBelongs(t *testing.T) {
	const input = "w\n\nnope\r\n{\"workflow\":\"w\",\"x\":1}\n\xff<\nw"
	var c call
	if code := c.do(t, (&fake{}).send, input, "--dead-letter dead"); code != cli.BadInput {
		t.Errorf("exit code %d", code)
	}
	if got, want := c.out.String(), `{"line":1,"workflow":"w","run":"r1"}
{"line":6,"workflow":"w","run":"r2"}
`; got != want {
		t.Errorf("stdout\n%s", got)
	}
	if got, want := c.err.String(), `{"line":3,"error":"no workflow \"nope\""}
{"line":4,"error":"read event: field \"x\" is not known"}
{"line":5,"error":"the line is not UTF-8"}
`; got != want {
		t.Errorf("stderr\n%s", got)
	}
	if got, want := c.file(t, "dead"), `{"line":3,"error":"no workflow \"nope\"","event":"nope"}
{"line":4,"error":"read event: field \"x\" is not known","event":"{\"workflow\":\"w\",\"x\":1}"}
{"line":5,"error":"the line is not UTF-8","event_base64":"/zw="}
`; got != want {
		t.Errorf("dead letters\n%s", got)
	}
}

func TestFailSendsNothingAfterTheFirstBadLine(t *testing.T) {
	for _, bad := range []string{"nope", "{"} {
		var c call
		var f fake
		if code := c.do(t, f.send, "w\nw\n"+bad+"\nw\nnope\n", "--on-error fail --dead-letter dead"); code != cli.BadInput {
			t.Errorf("exit code %d", code)
		}
		if len(f.items) != 2 || strings.Count(c.out.String(), "\n") != 2 {
			t.Errorf("%d runs\n%s", len(f.items), &c.out)
		}
		if strings.Count(c.err.String(), "\n") != 1 || !strings.HasPrefix(c.err.String(), `{"line":3,`) || strings.Count(c.file(t, "dead"), "\n") != 1 {
			t.Errorf("stderr\n%s", &c.err)
		}
	}
}

func TestWorkflowFlagMakesParameters(t *testing.T) {
	var c call
	var f fake
	if code := c.do(t, f.send, "/in/a b.csv\n{\"x\":[1, 2]}\n", "-w w --param file"); code != 0 {
		t.Fatalf("exit code %d\n%s", code, &c.err)
	}
	if got := fmt.Sprint(f.items[0].Params, f.items[1].Params); got != "map[file:/in/a b.csv] map[x:[1,2]]" {
		t.Errorf("parameters %s", got)
	}
	if a, b := f.items[0], f.items[1]; a.Key == "" || a.Key == b.Key || a.Source != "listen" {
		t.Errorf("items %+v", f.items)
	}
}

type broken struct{ err error }

func (b broken) Write([]byte) (int, error) { return 0, b.err }

func TestExitCodeSaysWhatWentWrong(t *testing.T) {
	refuse := func(code wire.Code) send {
		return func(context.Context, []wire.TriggerItem) ([]wire.Triggered, error) {
			return nil, &wire.Error{Code: code, Message: "no"}
		}
	}
	good := (&fake{}).send
	for _, c := range []struct {
		name string
		send send
		in   string
		args string
		out  io.Writer
		code int
		said string
	}{
		{"nothing to do", nil, "", "", nil, cli.OK, ""},
		{"empty lines", nil, "\n\n", "", nil, cli.OK, ""},
		{"conflict", refuse(wire.Conflict), "w", "", nil, cli.BadInput, `{"line":1,"error":"no"}`},
		{"not allowed", refuse(wire.NotAllowed), "w", "", nil, cli.NotAllowed, "cdktr-listen: no"},
		{"another version", refuse(wire.BadVersion), "w", "", nil, cli.Config, "cdktr-listen: no"},
		{"a bug over there", refuse(wire.Internal), "w", "", nil, cli.Bug, "cdktr-listen: no"},
		{"no key", func(context.Context, []wire.TriggerItem) ([]wire.Triggered, error) { return nil, client.ErrDenied }, "w", "", nil, cli.NotAllowed, "refused this key"},
		{"full disk", good, "w", "", broken{syscall.ENOSPC}, cli.IO, "no space left"},
		{"dead letters nowhere", good, "w", "--dead-letter no/such/file", nil, cli.IO, "no such file"},
		{"dead letters on a full disk", good, "x", "--dead-letter /dev/full", nil, cli.IO, "no space left"},
		{"dead letters on a full disk, though there are none", good, "w", "--dead-letter /dev/full", nil, cli.IO, "no space left"},
		{"dead letters nowhere, and nobody to ask", refuse(wire.Internal), "w", "--dead-letter no/such/file", nil, cli.IO, "no such file"},
		{"skipped by its overlap", func(context.Context, []wire.TriggerItem) ([]wire.Triggered, error) {
			return []wire.Triggered{{Error: &wire.Error{Code: wire.Unavailable, Skipped: true, Message: "workflow w is active"}}}, nil
		}, "w", "", nil, cli.BadInput, `{"line":1,"error":"workflow w is active"}`},
		{"no work is taken", refuse(wire.Unavailable), "w", "--retry-for 1ms", nil, cli.NotNow, `{"line":1,"error":"not known to be accepted: no (tried for 1ms)"}`},
		{"a time", good, "w", "--retry-for -1s", nil, cli.Usage, `"-1s" is not a time`},
		{"for ever", good, "w", "--retry-for forever", nil, cli.OK, ""},
		{"rules beside a workflow", good, "w", "--rules x -w y", nil, cli.Usage, "--rules does not go with -w"},
		{"rules nowhere", good, "w", "--rules x", nil, cli.NotFound, "no such file"},
		{"dead letters to nobody", good, "x", "--dead-letter /dev/null", nil, cli.BadInput, "no workflow"},
		{"a parameter of nothing", good, "w", "--param x", nil, cli.Usage, "--param goes with -w"},
		{"a size", good, "w", "--max-line 1GiB", nil, cli.Usage, `"1GiB" is not a size`},
		{"another size", good, "w", "--max-line 0", nil, cli.Usage, `"0" is not a size`},
		{"the largest size", good, "w", "--max-line 4MiB", nil, cli.OK, ""},
		{"a policy", good, "w", "--on-error stop", nil, cli.Usage, "skip or fail"},
	} {
		k := call{stdout: c.out}
		if code := k.do(t, c.send, c.in, c.args); code != c.code || !strings.Contains(k.err.String(), c.said) {
			t.Errorf("%s: exit code %d, want %d\n%s", c.name, code, c.code, &k.err)
		}
	}
}

// letters on a disk that fills up later: what was accepted before the first
// refused line is told, and nothing after it.
func TestLostDeadLetterEndsTheTelling(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	var out, talk bytes.Buffer
	r := report{out: &out, err: &talk, letters: &letters{full}}
	bad := errors.New("no")
	err = r.batch([]listen.Outcome{{Event: listen.Event{Line: 1}, Run: "r1"}, {Event: listen.Event{Line: 2}, Err: bad}, {Event: listen.Event{Line: 3}, Run: "r3"}})
	if cli.Code(err) != cli.IO || out.String() != `{"line":1,"workflow":"","run":"r1"}`+"\n" || !strings.Contains(talk.String(), `"line":2`) {
		t.Errorf("%v\n%s%s", err, &out, &talk)
	}
}

// What was given up can be sent again under the key that it was sent with: also
// the lines of a burst, as the one event that stood for them.
func TestLetterOfAGivenUpLineHasWhatWasSent(t *testing.T) {
	for _, rules := range []string{"", "rules: [{match: '(.*)', workflow: w, params: {p: '${{ line }}'}, debounce: 1ms}]"} {
		var sent []wire.TriggerItem
		away := func(_ context.Context, items []wire.TriggerItem) ([]wire.Triggered, error) {
			sent = items
			return nil, errors.New("away")
		}
		args := "-w w --param p --dead-letter dead"
		if rules != "" {
			file := filepath.Join(t.TempDir(), "rules.yml")
			if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
				t.Fatal(err)
			}
			args = "--rules " + file + " --dead-letter dead"
		}
		var c call
		c.do(t, away, "one\ntwo\n", args)
		var letters []again
		for _, line := range strings.Split(strings.TrimSpace(c.file(t, "dead")), "\n") {
			var letter again
			if err := json.Unmarshal([]byte(line), &letter); err != nil {
				t.Fatal(err)
			}
			letters = append(letters, letter)
		}
		of := func(item wire.TriggerItem) again { return again{item.Workflow, item.Params, item.Key} }
		want := []again{of(sent[0]), of(sent[len(sent)-1])}
		if len(letters) != 2 || sent[0].Key == "" || !reflect.DeepEqual(letters, want) {
			t.Errorf("with rules %q: letters\n%s", rules, c.file(t, "dead"))
		}
		if strings.Contains(c.err.String(), "key") {
			t.Errorf("stderr\n%s", &c.err)
		}
	}
}

// A line is refused when it is too long, and nothing else is.
func TestMaxLine(t *testing.T) {
	var c call
	var f fake
	long := strings.Repeat("x", 1025)
	if code := c.do(t, f.send, long+"\n"+long[1:]+"\n", "-w w --max-line 1KiB --dead-letter dead"); code != cli.BadInput {
		t.Errorf("exit code %d", code)
	}
	if len(f.items) != 1 || f.items[0].Params["event"] != long[1:] {
		t.Errorf("items %+v", f.items)
	}
	if want := `"event":"` + long[1:] + `"}`; !strings.Contains(c.file(t, "dead"), want) {
		t.Errorf("dead letters\n%s", c.file(t, "dead"))
	}
}

// checking is a stdout that looks for what must be on disk before it.
type checking func() error

func (c checking) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(`"line":2`)) {
		return len(b), c()
	}
	return len(b), nil
}

func TestDeadLetterIsThereBeforeALaterLineIsTold(t *testing.T) {
	c := call{}
	c.stdout = checking(func() error {
		if !strings.Contains(c.file(t, "dead"), `"line":1`) {
			return errors.New("line 2 is told before line 1 is kept")
		}
		return nil
	})
	if code := c.do(t, (&fake{}).send, "nope\nw\n", "--dead-letter dead"); code != cli.BadInput {
		t.Errorf("exit code %d\n%s", code, &c.err)
	}
}
