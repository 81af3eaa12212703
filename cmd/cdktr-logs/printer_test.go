package main

import (
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

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
	skipped := "no run at 12:00"
	f := &fake{events: []wire.Event{
		{Time: wire.At(start), Pos: 7, Workflow: "etl", Run: "abcdefghijkl", Status: "RUNNING"},
		{Time: wire.At(start), Pos: 8, Workflow: "etl", Run: "abcdefghijkl", Task: &task, Attempt: &n, Status: "FAILED", Agent: &agent, Reason: &reason},
		{Time: wire.At(start), Pos: 9, Workflow: "etl", Status: "SKIPPED", Reason: &skipped},
	}}
	for _, test := range []struct {
		format string
		color  bool
		want   string
	}{
		{"json", false, `{"time":"2026-01-02T12:00:00.000Z","pos":7,"workflow":"etl","run":"abcdefghijkl","task":null,"attempt":null,"status":"RUNNING","agent":null,"reason":null}` + "\n" +
			`{"time":"2026-01-02T12:00:00.000Z","pos":8,"workflow":"etl","run":"abcdefghijkl","task":"load","attempt":2,"status":"FAILED","agent":"web1","reason":"timeout after 1s"}` + "\n" +
			`{"time":"2026-01-02T12:00:00.000Z","pos":9,"workflow":"etl","run":null,"task":null,"attempt":null,"status":"SKIPPED","agent":null,"reason":"no run at 12:00"}` + "\n"},
		{"text", false, "2026-01-02 12:00:00.000 abcdefghijkl RUNNING   etl\n2026-01-02 12:00:00.000 abcdefghijkl FAILED    etl/load#2 on web1: timeout after 1s\n2026-01-02 12:00:00.000 -            SKIPPED   etl: no run at 12:00\n"},
		{"cat", true, "\x1b[2mabcdefghijkl\x1b[0m RUNNING   etl\n\x1b[2mabcdefghijkl\x1b[0m \x1b[31mFAILED   \x1b[0m etl/load#2 on web1: timeout after 1s\n\x1b[2m-           \x1b[0m SKIPPED   etl: no run at 12:00\n"},
	} {
		c := newCall(t, "--events", "-o", test.format)
		c.env.OutColor = test.color
		if err := c.query(t, f); err != nil || c.out.String() != test.want {
			t.Errorf("%v\n%q\nwant\n%q", err, c.out.String(), test.want)
		}
	}
}
