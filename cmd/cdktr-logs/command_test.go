package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/wire"
)

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
		{"-g Oops.* -s stderr -r abcd", wire.LogsQuery{Filter: wire.Filter{Run: "abcd"}, Stream: "stderr", Grep: "Oops.*"}},
	} {
		f := &fake{}
		c := newCall(t, strings.Fields(test.args)...)
		if err := c.query(t, f); err != nil {
			t.Fatal(err)
		}
		same(t, test.args, f.logs[0], test.want)
	}
}

func TestFiltersOfRunsAndEventsReachThePrincipal(t *testing.T) {
	since := wire.At(start.Add(-time.Hour))
	f := &fake{}
	if err := newCall(t, strings.Fields("--events -w etl -t load -g x --since 1h -n 3")...).query(t, f); err != nil {
		t.Fatal(err)
	}
	same(t, "events", f.changes[0], wire.EventsQuery{Filter: wire.Filter{Workflow: "etl", Since: &since}, Task: "load", Grep: "x", Last: 3})
	if err := newCall(t, strings.Fields("--runs -w etl -g x --since 1h -n 3")...).query(t, f); err != nil {
		t.Fatal(err)
	}
	same(t, "runs", f.lists[0], wire.RunList{Filter: wire.Filter{Workflow: "etl", Since: &since}, Grep: "x", Last: 3})
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	g, _ := json.Marshal(got)
	w, _ := json.Marshal(want)
	if !bytes.Equal(g, w) {
		t.Errorf("%s asks for\n%s\nwant\n%s", what, g, w)
	}
}

func TestNoneIsNone(t *testing.T) {
	f := &fake{records: []string{line(1, `"message":"a"`)}}
	c := newCall(t, "-n", "0")
	if err := c.query(t, f); err != nil || c.out.Len() > 0 || len(f.logs) > 0 {
		t.Errorf("%v, %q", err, &c.out)
	}
}

func TestContradictionsAreWrongUsage(t *testing.T) {
	for _, args := range []string{
		"--runs --events", "--runs -t x", "--runs -s stdout", "--events -s stdout", "--until 1h -f", "--until 1h --cursor-file x",
		"--since 1h --until 2h", "-g (", "--events -g [",
	} {
		f := &fake{}
		if err := newCall(t, strings.Fields(args)...).query(t, f); cli.Code(err) != cli.Usage || len(f.logs)+len(f.lists)+len(f.changes) > 0 {
			t.Errorf("%q is taken: %v", args, err)
		}
	}
}

func TestAutoIsTextOnATerminalOnly(t *testing.T) {
	got := []string{format("auto", true), format("auto", false), format("json", true), format("cat", false)}
	if !slices.Equal(got, []string{"text", "json", "json", "cat"}) {
		t.Error(got)
	}
}
