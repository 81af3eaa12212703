package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// slow reads a record the long way.
func slow(t testing.TB, raw []byte) record {
	var long wire.LogRecord
	if err := json.Unmarshal(raw, &long); err != nil {
		t.Fatal(err)
	}
	return record{
		time: []byte(long.Time.String()), workflow: []byte(long.Workflow), run: []byte(long.Run), task: []byte(long.Task), stream: []byte(long.Stream),
		attempt: long.Attempt, part: long.Part, message: []byte(text(&long)),
	}
}

func TestShortWayReadsWhatTheLongWayReads(t *testing.T) {
	for _, test := range []struct {
		rest  string
		short bool
	}{
		{`"message":"plain"`, true},
		{`"message":""`, true},
		{`"message":"a \"quoted\" \\ \u001b[31m \ud83d\ude00"`, true},
		{`"message":"ends with a backslash \\"`, true},
		{`"message":"\\\""`, true},
		{`"message":"},{\"message\":\"x\""`, true},
		{`"message":"naïve 日本"`, true},
		{`"part":3,"message":"x"`, true},
		{`"message_base64":"/wA="`, false},
		{`"gap":{"lines":7,"bytes":99}`, false},
		{`"future":{"x":[1,"}"]},"message":"x"`, false},
		{`"message" : "white space"`, false},
		{`"workflow":"a\"b","message":"x"`, false},
	} {
		raw := []byte(line(4, test.rest))
		var r record
		if got := r.cut(raw); got != test.short {
			t.Errorf("%s: the short way is taken: %v", test.rest, got)
		}
		if err := r.read(raw); err != nil {
			t.Fatal(err)
		}
		if want := slow(t, raw); !alike(r, want) {
			t.Errorf("%s\nis  %s\nnot %s", test.rest, r.message, want.message)
		}
	}
	for _, bad := range []string{``, `{`, `null x`, `{"time":"x"`, `{"time":"2026-01-02T03:04:05.678Z","message":"x"},`, `{"message":"\x"}`, `{"message":"`} {
		var r record
		if r.cut([]byte(bad)) {
			t.Errorf("%q is taken", bad)
		}
	}
}

func alike(a, b record) bool {
	for _, r := range []*record{&a, &b} {
		for _, field := range []*[]byte{&r.time, &r.workflow, &r.run, &r.task, &r.stream, &r.message} {
			if len(*field) == 0 {
				*field = nil
			}
		}
	}
	return reflect.DeepEqual(a, b)
}

func FuzzRecord(f *testing.F) {
	f.Add("message", `a"b\`, "task", 3)
	f.Add("\x1b[31m", "\u2028\x00", "t\"", 0)
	f.Fuzz(func(t *testing.T, message, workflow, task string, part int) {
		valid := func(s string) string { return strings.ToValidUTF8(s, "?") }
		message, workflow, task = valid(message), valid(workflow), valid(task)
		whole := wire.LogRecord{Time: wire.At(time.Unix(1, 0)), Workflow: workflow, Task: task, Part: part, Message: &message}
		raw := whole.AppendJSON(nil)
		var r record
		if err := r.read(raw); err != nil {
			t.Fatal(err)
		}
		if want := slow(t, raw); !alike(r, want) {
			t.Errorf("%s\nis  %+v\nnot %+v", raw, r, want)
		}
	})
}

// FuzzShortWay gives it what no principal writes.
func FuzzShortWay(f *testing.F) {
	f.Add([]byte(line(1, `"message":"x\\"`)))
	f.Add([]byte(`{"time":"\u0041","message":"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var r record
		if !json.Valid(raw) {
			_ = r.cut(raw) // it must not panic
			return
		}
		var long wire.LogRecord
		if r.cut(raw) && json.Unmarshal(raw, &long) == nil && long.Message != nil && *long.Message != string(r.message) {
			t.Errorf("%s has the message %q", raw, r.message)
		}
	})
}
