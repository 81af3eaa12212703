package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/wire"
)

// fake answers with pages of one record, and remembers what it was asked.
type fake struct {
	records []string
	runs    []wire.Run
	events  []wire.Event
	logs    []wire.LogsQuery
	lists   []wire.RunList
	failAt  int // the page, from 1, that fails
}

var errFake = errors.New("fake")

func (f *fake) Call(_ context.Context, op wire.Op, req client.Request, result any) error {
	at := func(cursor string) int {
		n := 0
		fmt.Sscan(cursor, &n)
		return n
	}
	switch req := req.(type) {
	case *wire.LogsQuery:
		f.logs = append(f.logs, *req)
		n := at(req.Cursor)
		if n+1 == f.failAt {
			return errFake
		}
		out := result.(*wire.Logs)
		if n < len(f.records) {
			out.Records = []json.RawMessage{json.RawMessage(f.records[n])}
		}
		out.Cursor, out.More = fmt.Sprint(n+1), n+1 < len(f.records)
		return nil
	case *wire.RunList:
		f.lists = append(f.lists, *req)
		n := at(req.Cursor)
		out := result.(*wire.Runs)
		out.Runs = f.runs[n : n+1]
		if n+1 < len(f.runs) {
			out.Cursor = fmt.Sprint(n + 1)
		}
		return nil
	case *wire.EventsQuery:
		result.(*wire.Events).Events = f.events
		return nil
	}
	return fmt.Errorf("the fake does not know %s", op)
}

var start = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

type call struct {
	env cli.Env
	o   options
	out bytes.Buffer
}

func newCall(t *testing.T, args ...string) *call {
	t.Helper()
	c := &call{}
	var stderr bytes.Buffer
	c.env = cli.Env{
		Name: "cdktr-logs", Stdin: strings.NewReader(""), Stdout: &c.out, Stderr: &stderr, Start: start,
		Zone: time.UTC, Getenv: func(name string) (string, bool) { return "/nowhere", name == "HOME" },
	}
	parse := cli.Command{Name: "cdktr-logs", Action: cli.Do(func(_ context.Context, env cli.Env, o options) error {
		c.o = o
		return nil
	})}
	if code := parse.Run(t.Context(), c.env, args); code != 0 {
		t.Fatalf("%q: %s", args, &stderr)
	}
	return c
}

func (c *call) query(t *testing.T, f *fake) error {
	t.Helper()
	filter, err := c.o.filter(c.env)
	if err != nil {
		t.Fatal(err)
	}
	return query(t.Context(), c.env, c.o, filter, f)
}

func line(seq int, rest string) string {
	return fmt.Sprintf(`{"time":"2026-01-02T03:04:05.678Z","workflow":"etl","run":"abcdefghijkl","task":"load","attempt":1,"agent":"x","stream":"stdout","seq":%d,%s}`, seq, rest)
}

func TestRecordsAreCopiedAsThePrincipalWroteThem(t *testing.T) {
	f := &fake{records: []string{line(1, `"message":"<a> \u001b[31m"`), line(2, `"message_base64":"/wA="`), line(3, `"future":1,"message":"x"`)}}
	c := newCall(t)
	if err := c.query(t, f); err != nil || c.out.String() != strings.Join(f.records, "\n")+"\n" {
		t.Errorf("%v\n%s", err, &c.out)
	}
}

func TestPagesBeforeAnErrorArePrinted(t *testing.T) {
	f := &fake{records: []string{line(1, `"message":"a"`), line(2, `"message":"b"`)}, failAt: 2}
	c := newCall(t)
	if err := c.query(t, f); !errors.Is(err, errFake) || c.out.String() != f.records[0]+"\n" {
		t.Errorf("%v\n%s", err, &c.out)
	}
}

func TestFiltersReachThePrincipal(t *testing.T) {
	at := func(text string) *wire.Time {
		v, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return &wire.Time{Time: v}
	}
	for _, test := range []struct {
		args string
		want wire.LogsQuery
	}{
		{"", wire.LogsQuery{Filter: wire.Filter{Since: at("2026-01-01T12:00:00Z")}}},
		{"-r abcd", wire.LogsQuery{Filter: wire.Filter{Run: "abcd"}}},
		{"-r abcd --since -1h -n all", wire.LogsQuery{Filter: wire.Filter{Run: "abcd", Since: at("2026-01-02T11:00:00Z")}}},
		{"-w etl.* -t load -s stderr -n 5 --since today --until @1767320000.0001", wire.LogsQuery{
			Filter: wire.Filter{Workflow: "etl.*", Since: at("2026-01-02T00:00:00Z"), Until: at("2026-01-02T02:13:20.001Z")},
			Task:   "load", Stream: "stderr", Last: 5}},
		{"--until yesterday", wire.LogsQuery{Filter: wire.Filter{Since: at("2025-12-31T00:00:00Z"), Until: at("2026-01-01T00:00:00Z")}}},
	} {
		f := &fake{}
		c := newCall(t, strings.Fields(test.args)...)
		if err := c.query(t, f); err != nil {
			t.Fatal(err)
		}
		got, _ := json.Marshal(f.logs[0])
		want, _ := json.Marshal(test.want)
		if !bytes.Equal(got, want) {
			t.Errorf("%s asks for\n%s\nwant\n%s", test.args, got, want)
		}
	}
}

func TestNoneIsNone(t *testing.T) {
	f := &fake{records: []string{line(1, `"message":"a"`)}}
	c := newCall(t, "-n", "0")
	if err := c.query(t, f); err != nil || c.out.Len() > 0 || len(f.logs) > 0 {
		t.Errorf("%v, %q", err, &c.out)
	}
}

func TestTextIsHarmlessAlsoInAPipe(t *testing.T) {
	f := &fake{records: []string{
		line(1, `"message":"\u001b[2Jx\r\n"`),
		line(2, `"message_base64":"/wA="`),
		line(3, `"gap":{"lines":7,"bytes":99}`),
		strings.Replace(line(4, `"message":"oops"`), `"attempt":1`, `"attempt":2`, 1),
	}}
	c := newCall(t, "-o", "text")
	const head = "2026-01-02 03:04:05.678 abcdefghijkl etl/load"
	want := head + " stdout | \\x1b[2Jx\\x0d\\x0a\n" + head + " stdout | \\xff\\x00\n" +
		head + " stdout | [7 lines (99 bytes) are missing here]\n" + head + "#2 stdout | oops\n"
	if err := c.query(t, f); err != nil || c.out.String() != want {
		t.Errorf("%v\n%s\nwant\n%s", err, &c.out, want)
	}
}

func TestCatIsTheBareMessage(t *testing.T) {
	f := &fake{records: []string{
		line(1, `"message":"\u001b[31mred"`), line(2, `"message_base64":"/wA="`),
		line(3, `"part":1,"message":"AA"`), line(4, `"part":2,"message":"BB"`),
		line(5, `"part":1,"message":"CC"`), line(6, `"message":"end"`), line(7, `"part":1,"message":"DD"`),
	}}
	c := newCall(t, "-o", "cat")
	if err := c.query(t, f); err != nil || c.out.String() != "\x1b[31mred\n\xff\x00\nAABB\nCC\nend\nDD\n" {
		t.Errorf("%v\n%q", err, &c.out)
	}
	c = newCall(t, "-o", "cat")
	c.env.OutTerminal = true
	if err := c.query(t, f); err != nil || !strings.HasPrefix(c.out.String(), "red\n\\xff\\x00\n") {
		t.Errorf("%v\n%q", err, &c.out)
	}
}

func TestRunsInAllFormats(t *testing.T) {
	at := wire.At(start)
	later := wire.At(start.Add(1520 * time.Millisecond))
	f := &fake{runs: []wire.Run{
		{Run: "abcdefghijkl", Workflow: "etl", Status: "COMPLETED", Trigger: "cron", Params: wire.Params{"b": "2\x1b", "a": "1"}, Created: &at, Started: &at, Ended: &later, Tasks: []wire.Task{{}}},
		{Run: "mnopqrstuvwx", Workflow: "etl", Status: "PENDING", Trigger: "run", Created: &at},
	}}
	for _, test := range []struct{ format, want string }{
		{"json", `{"run":"abcdefghijkl","workflow":"etl","status":"COMPLETED","trigger":"cron","params":{"a":"1","b":"2\u001b"},"created":"2026-01-02T12:00:00.000Z","started":"2026-01-02T12:00:00.000Z","ended":"2026-01-02T12:00:01.520Z"}` + "\n" +
			`{"run":"mnopqrstuvwx","workflow":"etl","status":"PENDING","trigger":"run","params":{},"created":"2026-01-02T12:00:00.000Z","started":null,"ended":null}` + "\n"},
		{"text", "2026-01-02 12:00:00.000 abcdefghijkl COMPLETED     1.52s etl a=1 b=2\\x1b\n2026-01-02 12:00:00.000 mnopqrstuvwx PENDING           - etl\n"},
		{"cat", "abcdefghijkl\nmnopqrstuvwx\n"},
	} {
		c := newCall(t, "--runs", "-n", "2", "-o", test.format)
		f.runs[0].Tasks = []wire.Task{{}}
		if err := c.query(t, f); err != nil || c.out.String() != test.want {
			t.Errorf("%v\n%s\nwant\n%s", err, &c.out, test.want)
		}
	}
	if f.lists[1].Cursor != "1" || f.lists[1].Last != 2 {
		t.Errorf("the second page was asked for with %+v", f.lists[1])
	}
}

func TestEventsInAllFormats(t *testing.T) {
	task, agent, reason, n := "load", "web1", "timeout after 1s", 2
	f := &fake{events: []wire.Event{
		{Time: wire.At(start), Pos: 7, Workflow: "etl", Run: "abcdefghijkl", Status: "RUNNING"},
		{Time: wire.At(start), Pos: 8, Workflow: "etl", Run: "abcdefghijkl", Task: &task, Attempt: &n, Status: "FAILED", Agent: &agent, Reason: &reason},
	}}
	for _, test := range []struct {
		format string
		color  bool
		want   string
	}{
		{"json", false, `{"time":"2026-01-02T12:00:00.000Z","pos":7,"workflow":"etl","run":"abcdefghijkl","task":null,"attempt":null,"status":"RUNNING","agent":null,"reason":null}` + "\n" +
			`{"time":"2026-01-02T12:00:00.000Z","pos":8,"workflow":"etl","run":"abcdefghijkl","task":"load","attempt":2,"status":"FAILED","agent":"web1","reason":"timeout after 1s"}` + "\n"},
		{"text", false, "2026-01-02 12:00:00.000 abcdefghijkl RUNNING   etl\n2026-01-02 12:00:00.000 abcdefghijkl FAILED    etl/load#2 on web1: timeout after 1s\n"},
		{"cat", true, "\x1b[2mabcdefghijkl\x1b[0m RUNNING   etl\n\x1b[2mabcdefghijkl\x1b[0m \x1b[31mFAILED   \x1b[0m etl/load#2 on web1: timeout after 1s\n"},
	} {
		c := newCall(t, "--events", "-o", test.format)
		c.env.OutColor = test.color
		if err := c.query(t, f); err != nil || c.out.String() != test.want {
			t.Errorf("%v\n%q\nwant\n%q", err, c.out.String(), test.want)
		}
	}
}

func TestContradictionsAreWrongUsage(t *testing.T) {
	for _, args := range []string{"--runs --events", "--runs -t x", "--events -s stdout"} {
		c := newCall(t, strings.Fields(args)...)
		if err := c.o.check(c.env); cli.Code(err) != cli.Usage {
			t.Errorf("%q is taken: %v", args, err)
		}
	}
	c := newCall(t, "--since", "1h", "--until", "2h")
	if _, err := c.o.filter(c.env); cli.Code(err) != cli.Usage {
		t.Errorf("until before since is taken: %v", err)
	}
}

func TestAutoIsTextOnATerminalOnly(t *testing.T) {
	got := []string{format("auto", true), format("auto", false), format("json", true), format("cat", false)}
	if !slices.Equal(got, []string{"text", "json", "json", "cat"}) {
		t.Error(got)
	}
}
