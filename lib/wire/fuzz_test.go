package wire

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"
)

// seeds are messages near the borders of what is allowed.
func seeds(f *testing.F) {
	for _, s := range []string{
		`{"v":1,"id":"a","op":"run.trigger","workflow":"w","params":{"a":1,"b":null},"batch":[{"key":"k"}]}`,
		`{"v":1,"id":"a","op":"logs.append","agent":"h","batches":[{"run":"r","lines":[{"t":1,"m":"\u00e9"},{"t":2,"b":"/w=="},{"t":3,"g":{"lines":1,"bytes":2}}]}]}`,
		`{"v":1,"id":"a","ok":true,"result":{"run":"r"}}`, `{"v":1,"id":"","ok":false,"error":{"code":"conflict","message":"m"}}`,
		`{"v":1,"id":"a","op":"agent.hello","agent":"i","incarnation":1,"name":"n","slots":1,"version":"1","held":[{"run":"r","task":"t","attempt":1,"state":"done"}]}`,
		`{"v":1,"id":"a","ok":true,"result":{"leases":[{"run":"r","task":"t","attempt":1,"workflow":"w","spec":{"script":"x","env":{"A":"b"}}}],"workflows":[{"errors":[{"line":1}]}],"batches":[{"durable":1}]}}`,
		`{"v":1}{}`, `{"v":"\ud800\udc00\ud800"}`, `{"a":[[[[1e-5,-0.1]]]]}`, `[`, `"`, `{"v":`, "\xff", ``,
	} {
		f.Add([]byte(s))
	}
}

func FuzzDecodeHeader(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		h, e := DecodeHeader(body)
		if e == nil && (h.V != Version || h.Op == "") {
			t.Errorf("accepted header %+v", h)
		}
		if !utf8.ValidString(h.ID) || len(h.ID) > maxID {
			t.Errorf("id %q", h.ID)
		}
		if e != nil && !json.Valid(EncodeError(h.ID, e)) {
			t.Errorf("error %q makes a bad reply", e.Message)
		}
	})
}

// What is accepted must be JSON to everybody else, and mean the same.
func FuzzDecodeRequest(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, kind := range []reflect.Type{reflect.TypeFor[Trigger](), reflect.TypeFor[LogAppend](), reflect.TypeFor[AgentReport](), reflect.TypeFor[LogsQuery](),
			reflect.TypeFor[AgentHello](), reflect.TypeFor[AgentPull](), reflect.TypeFor[AgentDrain](), reflect.TypeFor[RunWait](), reflect.TypeFor[RunList](), reflect.TypeFor[KeyGrant](), reflect.TypeFor[WorkflowList](), reflect.TypeFor[Plain]()} {
			ours := reflect.New(kind).Interface()
			if e := DecodeRequest(body, ours); e != nil {
				if e.Code != BadRequest || e.Message == "" {
					t.Errorf("refused with %+v", e)
				}
				continue
			}
			theirs := reflect.New(kind).Interface()
			dec := json.NewDecoder(bytes.NewReader(body))
			dec.DisallowUnknownFields()
			if err := dec.Decode(theirs); err != nil {
				t.Fatalf("%s: accepted, but encoding/json says %v", kind, err)
			}
			if !reflect.DeepEqual(ours, theirs) {
				t.Fatalf("%s:\nours   %+v\ntheirs %+v", kind, ours, theirs)
			}
		}
	})
}

func FuzzDecodeReply(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		var r Run
		if err := DecodeReply(body, "a", &r); err == nil && !json.Valid(body) {
			t.Error("accepted what is not JSON")
		}
		// What an agent, a list and a subscriber read.
		for _, result := range []any{new(AgentWelcome), new(AgentWork), new(Triggered), new(RunWaited), new(Runs), new(Events), new(Workflows), new(Agents), new(KeyGranted), new(Keys), new(LogAppended)} {
			if err := DecodeReply(body, "a", result); err == nil && !json.Valid(body) {
				t.Errorf("%T: accepted what is not JSON", result)
			}
		}
		var l Logs
		if err := DecodeReply(body, "a", &l); err == nil {
			for _, rec := range l.Records {
				if !json.Valid(rec) {
					t.Errorf("record %q is not JSON", rec)
				}
			}
		}
	})
}

func FuzzParams(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":[1, 2],"c":"\ud800","d":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var p Params
		if json.Unmarshal(body, &p) != nil {
			return
		}
		again, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var q Params
		if err := json.Unmarshal(again, &q); err != nil || !reflect.DeepEqual(p, q) {
			t.Errorf("%q became %q: %v", p, q, err)
		}
	})
}

func FuzzAppendString(f *testing.F) {
	f.Add("a\xff\u2028\x00\"\\")
	f.Fuzz(func(t *testing.T, s string) {
		b := appendString(nil, s)
		var got string
		if err := json.Unmarshal(b, &got); err != nil || got != string([]rune(s)) {
			t.Errorf("%q became %q (%s): %v", s, got, b, err)
		}
	})
}
