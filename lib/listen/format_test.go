package listen

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cdktr/cdktr/lib/wire"
)

func TestLineBecomesATrigger(t *testing.T) {
	bare, load := Format{}, Format{Workflow: "load", Param: "event"}
	for _, c := range []struct {
		f    Format
		line string
		want wire.TriggerItem
	}{
		{bare, "etl.daily", wire.TriggerItem{Workflow: "etl.daily"}},
		{bare, " \tetl.daily ", wire.TriggerItem{Workflow: "etl.daily"}},
		{bare, `{"workflow":"w"}`, wire.TriggerItem{Workflow: "w"}},
		{bare, ` {"workflow":"w","params":{},"key":""} `, wire.TriggerItem{Workflow: "w", Params: wire.Params{}}},
		{bare, `{"key":"k","params":{"a":1.10,"b":[1, {"c": true}],"d":null,"e":"x"},"workflow":"w"}`,
			wire.TriggerItem{Workflow: "w", Key: "k", Params: wire.Params{"a": "1.10", "b": `[1,{"c":true}]`, "d": "", "e": "x"}}},
		{load, "some text, \"as it is\" ", wire.TriggerItem{Workflow: "load", Params: wire.Params{"event": `some text, "as it is" `}}},
		{load, " ", wire.TriggerItem{Workflow: "load", Params: wire.Params{"event": " "}}},
		{load, `["no","object"]`, wire.TriggerItem{Workflow: "load", Params: wire.Params{"event": `["no","object"]`}}},
		{load, ` {"workflow":"x","key":1, "n": {"a": [ ]}} `,
			wire.TriggerItem{Workflow: "load", Params: wire.Params{"workflow": "x", "key": "1", "n": `{"a":[]}`}}},
	} {
		c.want.Source = "listen"
		got, err := c.f.Parse([]byte(c.line))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%+v %q: %+v, %v; want %+v", c.f, c.line, got, err, c.want)
		}
	}
}

func TestBadLineSaysWhatIsWrong(t *testing.T) {
	bare, load := Format{}, Format{Workflow: "load", Param: "event"}
	for _, c := range []struct {
		f          Format
		line, want string
	}{
		{bare, `{"workflow":"w","parms":{}}`, `field "parms" is not known`},
		{bare, `{"workflow":"w","workflow":"v"}`, `field "workflow" is given twice`},
		{bare, `{"params":{}}`, `field "workflow" is missing`},
		{bare, `{"workflow":null}`, `field "workflow" is missing`},
		{bare, `{"workflow":1}`, `field "workflow" must be a string, not a number`},
		{bare, `{"workflow":"w","params":[]}`, `field "params" does not fit: parameters must be an object, not a list`},
		{bare, `{"workflow":"w"} x`, `more follows the end`},
		{bare, `{"workflow":"w"`, `the text ends where`},
		{bare, `{"Workflow":"w"}`, `field "Workflow" is not known`},
		{bare, "\xff", "not UTF-8"},
		{bare, strings.Repeat("x", maxID+1), "too long"},
		{load, "a\xc3", "not UTF-8"},
		{load, `{"a":1,"a":2}`, `"a" is given twice`},
		{load, `{"a":1`, "the text ends where"},
		{load, `{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "too deeply nested"},
	} {
		got, err := c.f.Parse([]byte(c.line))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.line, err, c.want)
		}
		if !reflect.DeepEqual(got, wire.TriggerItem{}) {
			t.Errorf("%q: %+v beside the error", c.line, got)
		}
	}
}

// What is accepted can be sent, and means the same to encoding/json.
func FuzzFormat(f *testing.F) {
	for _, s := range []string{
		"etl.daily", ` {"workflow":"w","params":{"a":[1, 2],"b":null},"key":"k"}`, `{"workflow":"w","x":1}`,
		`{"a":1,"a":2}`, "{", "\xff", "", "a\r", `{"workflow":"\ud800"}`,
	} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Add([]byte(" \t"), true)
	f.Fuzz(func(t *testing.T, line []byte, with bool) {
		format := Format{}
		if with {
			format = Format{Workflow: "w", Param: "event"}
		}
		if format.empty(line) {
			return
		}
		item, err := format.Parse(line)
		if err != nil {
			if err.Error() == "" || item.Workflow != "" {
				t.Errorf("%q: %+v, %v", line, item, err)
			}
			return
		}
		if item.Workflow == "" || item.Source != "listen" || !utf8.Valid(line) {
			t.Errorf("accepted %q as %+v", line, item)
		}
		if _, err := wire.EncodeRequest(item); err != nil {
			t.Errorf("%q cannot be sent: %v", line, err)
		}
		switch text := bytes.TrimSpace(line); {
		case !bytes.HasPrefix(text, []byte("{")):
		case with:
			var theirs wire.Params
			if err := json.Unmarshal(text, &theirs); err != nil || !reflect.DeepEqual(item.Params, theirs) {
				t.Errorf("%q: ours %q, theirs %q, %v", line, item.Params, theirs, err)
			}
		default:
			var theirs wire.TriggerItem
			if err := json.Unmarshal(text, &theirs); err != nil || theirs.Workflow != item.Workflow || theirs.Key != item.Key || !reflect.DeepEqual(item.Params, theirs.Params) {
				t.Errorf("%q: ours %+v, theirs %+v, %v", line, item, theirs, err)
			}
		}
	})
}
