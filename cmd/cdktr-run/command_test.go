package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/wire"
)

func TestExitCodeIsTheRunsResult(t *testing.T) {
	tasks := []wire.Task{
		{Task: "extract", Status: "COMPLETED"},
		{Task: "load", Status: "FAILED", ExitCode: ptr(3)},
		{Task: "mail", Status: "SKIPPED"},
	}
	for _, test := range []struct {
		status, args string
		code         int
		says         string
	}{
		{"COMPLETED", "hello", cli.OK, ""},
		{"FAILED", "hello", cli.Failed, `run abcdefghijkl FAILED; task "load": exit code 3`},
		{"CRASHED", "hello", cli.Failed, `run abcdefghijkl CRASHED`},
		{"CANCELLED", "hello", cli.Cancelled, `run abcdefghijkl CANCELLED`},
		{"FAILED", "-q hello", cli.Failed, "exit code 1"},
		{"FAILED", "--wait abcd", cli.Failed, `run abcdefghijkl FAILED`},
	} {
		f := newFake(test.status, tasks...)
		close(f.end)
		c := newCall(f, test.args)
		err := c.do(t.Context(), t)
		if cli.Code(err) != test.code || (err != nil && !strings.HasPrefix(err.Error(), test.says)) {
			t.Errorf("%s %s: exit %d, %v", test.status, test.args, cli.Code(err), err)
		}
		want := "abcdefghijkl\n"
		if strings.HasPrefix(test.args, "--wait") {
			want = ""
		}
		if c.out.String() != want {
			t.Errorf("%s %s: stdout %q", test.status, test.args, &c.out)
		}
	}
}

func TestTimeoutOfTheRunIsSaid(t *testing.T) {
	f := newFake("FAILED",
		wire.Task{Task: "check", Status: "FAILED", Reason: ptr("exit 2")},
		wire.Task{Task: "load", Status: "CANCELLED", Reason: ptr("timeout after 2h")},
		wire.Task{Task: "mail", Status: "CANCELLED", Reason: ptr("timeout after 2h")},
	)
	close(f.end)
	c := newCall(f, "hello")
	err := c.do(t.Context(), t)
	if err == nil || err.Error() != `run abcdefghijkl FAILED; timeout after 2h; task "check": exit 2` {
		t.Error(err)
	}
}

func TestIdIsPrintedBeforeTheRunEnds(t *testing.T) {
	f := newFake("COMPLETED")
	c := newCall(f, "hello")
	printed := make(chan string, 1)
	c.env.Stdout = writerFunc(func(p []byte) (int, error) { printed <- string(p); return len(p), nil })
	done := make(chan error)
	go func() { done <- c.do(t.Context(), t) }()
	if id := <-printed; id != "abcdefghijkl\n" {
		t.Errorf("printed %q", id)
	}
	close(f.end)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

type writerFunc func([]byte) (int, error)

func (w writerFunc) Write(p []byte) (int, error) { return w(p) }

func TestDetachDoesNotWait(t *testing.T) {
	f := newFake("PENDING")
	c := newCall(f, "-d hello date=today a=b=c --key k")
	if err := c.do(t.Context(), t); err != nil || c.out.String() != "abcdefghijkl\n" {
		t.Errorf("%v, %q", err, &c.out)
	}
	item := f.items[0]
	if item.Workflow != "hello" || item.Key != "k" || item.Source != "run" || item.Params["date"] != "today" || item.Params["a"] != "b=c" {
		t.Errorf("triggered %+v", item)
	}
}

func TestJSONIsOneObjectAndNothingElse(t *testing.T) {
	f := newFake("FAILED", wire.Task{Task: "a<b", Status: "FAILED"})
	close(f.end)
	c := newCall(f, "-o json hello")
	err := c.do(t.Context(), t)
	const want = `{"run":"abcdefghijkl","workflow":"hello","status":"FAILED","trigger":"run","params":{},"created":null,"started":null,"ended":null,"tasks":[{"task":"a<b","status":"FAILED","attempt":0,"agent":null,"exit_code":null,"started":null,"ended":null,"reason":null,"outputs":{}}]}` + "\n"
	if cli.Code(err) != cli.Failed || c.out.String() != want {
		t.Errorf("%v\n%s\n%s", err, &c.out, want)
	}
}

func TestTimeoutIs124AndLeavesTheRun(t *testing.T) {
	f := newFake("RUNNING")
	c := newCall(f, "--timeout 20ms hello")
	err := c.do(t.Context(), t)
	if cli.Code(err) != cli.TimedOut || !strings.Contains(err.Error(), "cdktr-run --wait abcdefghijkl") || len(f.canceled) > 0 {
		t.Errorf("exit %d, %v, cancelled %v", cli.Code(err), err, f.canceled)
	}
}

func TestTimeoutCountsFromTheCommandsStart(t *testing.T) {
	f := newFake("RUNNING")
	c := newCall(f, "--timeout 1h hello")
	c.env.Start = time.Now().Add(-2 * time.Hour)
	if err := c.do(t.Context(), t); cli.Code(err) != cli.TimedOut {
		t.Errorf("exit %d, %v", cli.Code(err), err)
	}
}

func TestTimeoutBeforeThePrincipalAnsweredIs69(t *testing.T) {
	for _, args := range []string{"hello", "--list", "--wait abcd", "--cancel abcd", "--show abcd"} {
		f := newFake("RUNNING")
		close(f.end)
		f.err = &client.AwayError{Address: "tcp://127.0.0.1:5561", Err: context.DeadlineExceeded}
		c := newCall(f, "--timeout 1h "+args)
		if err := c.do(t.Context(), t); cli.Code(err) != cli.Away || !strings.Contains(err.Error(), "127.0.0.1:5561") {
			t.Errorf("%s: exit %d, %v", args, cli.Code(err), err)
		}
	}
}

func TestTimeoutWhileThePrincipalIsThereIs124(t *testing.T) {
	for _, args := range []string{"hello", "--list", "--wait abcd", "--cancel abcd", "--show abcd"} {
		f := newFake("RUNNING")
		close(f.end)
		f.err = context.DeadlineExceeded
		if err := newCall(f, "--timeout 1h "+args).do(t.Context(), t); cli.Code(err) != cli.TimedOut {
			t.Errorf("%s: exit %d, %v", args, cli.Code(err), err)
		}
	}
}

func TestInterruptLeavesTheRunUnlessToldToCancel(t *testing.T) {
	for _, test := range []struct {
		args     string
		canceled int
		says     string
	}{
		{"hello", 0, "interrupted; the run goes on: cdktr-run --wait abcdefghijkl"},
		{"-l hello", 0, "interrupted; the run goes on: cdktr-run --wait abcdefghijkl"},
		{"--cancel-on-interrupt hello", 1, "interrupted; run abcdefghijkl is being cancelled"},
	} {
		f := newFake("RUNNING")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := newCall(f, test.args).do(ctx, t)
		if cli.Code(err) != cli.Interrupted || err.Error() != test.says || len(f.canceled) != test.canceled {
			t.Errorf("%s: exit %d, %v, cancelled %v", test.args, cli.Code(err), err, f.canceled)
		}
	}
}

func TestRefusalsPassThrough(t *testing.T) {
	f := newFake("")
	f.err = &wire.Error{Code: wire.NotFound, Message: `no workflow "helo" (did you mean "hello"?)`}
	c := newCall(f, "helo")
	if err := c.do(t.Context(), t); !errors.Is(err, f.err) || cli.Code(err) != cli.NotFound || c.out.Len() > 0 {
		t.Errorf("%v, %q", err, &c.out)
	}
}

func TestListShowsWhatDoesNotLoad(t *testing.T) {
	broken := wire.Problem{File: "etl/bad.yml", Line: 3, Column: 5, Message: "unknown key\x1b[2J"}
	f := newFake("")
	f.pages = []wire.Workflows{
		{Workflows: []wire.Workflow{{Workflow: "etl.bad", Errors: []wire.Problem{broken}}}, Cursor: "x"},
		{Workflows: []wire.Workflow{{Workflow: "hello", Name: ptr("Hello"), LastRun: ptr("abcdefghijkl"), LastStatus: ptr("FAILED")}}},
	}
	c := newCall(f, "--list -o table")
	const table = "WORKFLOW  NAME   SCHEDULE  NEXT  LAST RUN      STATUS\n" +
		"etl.bad   -      -         -     -             does not load\n" +
		"hello     Hello  -         -     abcdefghijkl  FAILED\n" +
		"\n" +
		"etl/bad.yml:3:5: unknown key\\x1b[2J\n"
	if err := c.do(t.Context(), t); err != nil || c.out.String() != table {
		t.Errorf("%v\n%s", err, &c.out)
	}
	c = newCall(f, "--list")
	if err := c.do(t.Context(), t); err != nil || strings.Count(c.out.String(), "\n") != 2 || !strings.Contains(c.out.String(), `"paused":false,"errors":[]}`) {
		t.Errorf("%v\n%s", err, &c.out)
	}
}

func TestPauseAndResumeSayNothingWhenTheyAreDone(t *testing.T) {
	f := newFake("")
	for _, args := range []string{"--pause etl.daily", "--resume etl.daily"} {
		c := newCall(f, args)
		if err := c.do(t.Context(), t); err != nil || c.out.Len()+c.err.Len() > 0 {
			t.Errorf("%s: %v, stdout %q, stderr %q", args, err, &c.out, &c.err)
		}
	}
	if got := strings.Join(f.paused, " "); got != "workflow.pause etl.daily workflow.resume etl.daily" {
		t.Errorf("asked for %q", got)
	}
}

func TestListSaysThatThereIsNothing(t *testing.T) {
	for args, says := range map[string]string{"--list": "cdktr-run: there are no workflows\n", "--list -q": ""} {
		f := newFake("")
		f.pages = []wire.Workflows{{}}
		c := newCall(f, args)
		c.env.OutTerminal = true
		if err := c.do(t.Context(), t); err != nil || c.out.Len() > 0 || c.err.String() != says {
			t.Errorf("%s: %v, stdout %q, stderr %q", args, err, &c.out, &c.err)
		}
	}
}

func TestContradictionsAreWrongUsage(t *testing.T) {
	for _, args := range []string{
		"", "-d -l x", "-l -o json x", "--no-prefix x", "--list x", "--list --show y", "--show y -l",
		"--wait y --key k", "--wait y -d", "--cancel y -p f", "--cancel y -o json", "-o table x", "--wait y -o table", "a=b", "x -d --cancel-on-interrupt",
		"--retry y --key k", "--retry y -p f", "--retry y x", "--retry y --wait z", "--retry y -d -l", "--local f --retry y",
		"--pause y --resume y", "--pause y x", "--resume y -d", "--pause y -o json", "--pause y -l", "--local f --pause y",
		"--local f -d", "--local f --list", "--local f -l -o json", "--local f --principal p", "--local f --keys k",
	} {
		c := newCall(newFake(""), args)
		if err := c.o.check(c.env); cli.Code(err) != cli.Usage {
			t.Errorf("%q is taken: %v", args, err)
		}
	}
	for _, args := range []string{"x", "x a=b", "--wait y -l --timeout 1s", "--list -o json", "-l --no-prefix x", "--show y -o json", "--show y -o table", "--pause y", "--resume y -q --timeout 1s", "--retry y", "--retry y -d", "--retry y -l", "--retry y -o json -q --timeout 1s --cancel-on-interrupt", "--local f", "--local f a=b -l --timeout 1s --cancel-on-interrupt"} {
		c := newCall(newFake(""), args)
		if err := c.o.check(c.env); err != nil {
			t.Errorf("%q is refused: %v", args, err)
		}
	}
}
