package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestHeaderIsReadOrRefusedWithItsID(t *testing.T) {
	long := strings.Repeat("x", maxID+1)
	for name, c := range map[string]struct {
		body string
		id   string
		code Code
		says string
	}{
		"good":             {`{"v":1,"id":"a","op":"ping"}`, "a", "", ""},
		"other fields":     {` {"x":{"y":[1]},"op":"ping","v":1,"id":"a","z":2}`, "a", "", ""},
		"no id":            {`{"v":1,"op":"ping"}`, "", "", ""},
		"empty":            {``, "", BadRequest, "one frame"},
		"not json":         {`hello`, "", BadRequest, "object"},
		"list":             {`[]`, "", BadRequest, "object"},
		"cut":              {`{"id":"a","v":1`, "a", BadRequest, "text ends"},
		"cut in a string":  {`{"id":"a`, "", BadRequest, "does not end"},
		"version missing":  {`{"id":"a","op":"ping"}`, "a", BadVersion, "version 1"},
		"version 2":        {`{"v":2,"id":"a","op":"ping"}`, "a", BadVersion, "version 2 is not spoken here: this is version 1"},
		"version text":     {`{"v":"1","id":"a","op":"ping"}`, "a", BadVersion, `"1"`},
		"version null":     {`{"v":null,"id":"a","op":"ping"}`, "a", BadVersion, "null"},
		"version 1.0":      {`{"v":1.0,"id":"a","op":"ping"}`, "a", BadVersion, "1.0"},
		"id a number":      {`{"v":1,"id":7,"op":"ping"}`, "", BadRequest, `field "id" must be a string, not a number`},
		"id too long":      {`{"v":1,"id":"` + long + `","op":"ping"}`, "", BadRequest, `"id"`},
		"op missing":       {`{"v":1,"id":"a"}`, "a", BadRequest, `"op" is missing`},
		"op a list":        {`{"v":1,"id":"a","op":[]}`, "a", BadRequest, `"op" must be a string, not a list`},
		"not utf-8":        {"{\"v\":1,\"id\":\"\xff\",\"op\":\"ping\"}", "", BadRequest, "UTF-8"},
		"deep":             {`{"id":"a","x":` + strings.Repeat("[", 100), "a", BadRequest, "nested"},
		"too large":        {`{"v":1,"id":"a","op":"` + strings.Repeat("x", MaxMessage) + `"}`, "", TooLarge, "limit"},
		"other case is no": {`{"V":1,"ID":"a","OP":"ping"}`, "", BadVersion, "missing"},
	} {
		h, e := DecodeHeader([]byte(c.body))
		if h.ID != c.id {
			t.Errorf("%s: id %q, want %q", name, h.ID, c.id)
		}
		switch {
		case c.code == "" && e != nil:
			t.Errorf("%s: %v", name, e)
		case c.code == "" && (h.Op != OpPing || h.V != Version):
			t.Errorf("%s: header %+v", name, h)
		case c.code != "" && (e == nil || e.Code != c.code || !strings.Contains(e.Message, c.says)):
			t.Errorf("%s: got %+v, want %s with %q", name, e, c.code, c.says)
		}
	}
}

func TestRequestIsRefusedByTheNameOfTheMistake(t *testing.T) {
	for body, says := range map[string]string{
		`{"v":1,"id":"a","op":"x","workflw":"w"}`: `field "workflw" is not known`,
		`{"v":1,"Workflow":"w"}`:                  `field "Workflow" is not known`,
		`{"v":1,"workflow":7}`:                    `field "workflow" must be a string, not a number`,
		`{"v":"1"}`:                               `field "v" must be a whole number, not a string`,
		`{"v":1.5}`:                               `field "v" must be a whole number, not 1.5`,
		`{"v":99999999999999999999}`:              `field "v" must be a whole number`,
		`{"batch":{}}`:                            `field "batch" must be a list, not an object`,
		`{"batch":[{},{"key":true}]}`:             `field "batch[1].key" must be a string, not a boolean`,
		`{"batch":[{"nme":1}]}`:                   `field "batch[0].nme" is not known`,
		`{"batch":[7]}`:                           `field "batch[0]" must be an object, not a number`,
		`{"key":"a","key":"b"}`:                   `field "key" is given twice`,
		`{"params":[]}`:                           `field "params" does not fit: parameters must be an object, not a list`,
		`{"params":{"a":1,"a":2}}`:                `"a" is given twice`,
		`{"v":1} x`:                               `more follows`,
		`{"v":1}{}`:                               `more follows`,
		`{"v":1,}`:                                `a key`,
		`{"v":01}`:                                `',' or '}'`,
		`{"v":-}`:                                 `a digit`,
		`{"workflow":"\x"}`:                       `bad escape`,
		"{\"workflow\":\"a\nb\"}":                 `control character`,
		`{"workflow":tru}`:                        `a value`,
		`null`:                                    `object`,
		`{"params":` + strings.Repeat(`{"a":`, maxDepth) + `1}`:  `nested`,
		`{"params":{"a":` + strings.Repeat(`[`, maxDepth) + `1}`: `nested`,
	} {
		var r Trigger
		e := DecodeRequest([]byte(body), &r)
		if e == nil || e.Code != BadRequest || !strings.Contains(e.Message, says) {
			t.Errorf("%.60s: got %+v, want bad_request with %q", body, e, says)
		}
	}
	if e := DecodeRequest(make([]byte, MaxMessage+1), &Plain{}); e == nil || e.Code != TooLarge {
		t.Errorf("over the limit: %+v", e)
	}
}

func TestLinesEncodedBeforeComeThroughAsOthers(t *testing.T) {
	lines := []Line{{Time: 1, Text: "ü \"\x00"}, {Time: 2, Bytes: []byte{0xff}}, {Time: 3, Text: "c", Part: 1}}
	plain := LogBatch{Workflow: "w", Run: "r", Task: "t", Attempt: 1, Stream: Stdout, First: 7, Lines: lines}
	early := plain
	early.Lines, early.Count = nil, 3
	early.Encoded = [][]byte{AppendLines(nil, lines[:2]), AppendLines(nil, lines[2:])}
	want, err := EncodeRequest(&LogAppend{Agent: "a", Batches: []LogBatch{plain, plain}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := EncodeRequest(&LogAppend{Agent: "a", Batches: []LogBatch{early, plain}})
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s, %v\nwant %s", got, err, want)
	}
	if early.Last() != 9 || plain.Last() != 9 {
		t.Errorf("the last lines are %d and %d", early.Last(), plain.Last())
	}
}

func TestRequestsComeThroughAsSent(t *testing.T) {
	code, text := 3, "ü \"<&>\" \u2028 \x00\x1f\x7f\\"
	at := At(time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC))
	h := Header{V: 1, ID: "i", Op: "o"}
	ref := AgentRef{Agent: "a", Incarnation: 1 << 60}
	for _, req := range []any{
		&Plain{h},
		&Trigger{Header: h, TriggerItem: TriggerItem{Workflow: text, Params: Params{text: text, "b": ""}}},
		&Trigger{Header: h, Batch: []TriggerItem{{Workflow: "w", Key: "k"}, {Source: "cron"}}},
		&LogsQuery{Header: h, Filter: Filter{Workflow: "etl.*", Since: &at}, Last: 5, ByPos: true},
		&AgentHello{Header: h, AgentRef: ref, Labels: map[string]string{"a": "b"}, Held: []Held{{Attempt{"r", "t", 1}, "done"}}},
		&AgentReport{Header: h, AgentRef: ref, Result: Result{Attempt: Attempt{"r", "t", 2}, ExitCode: &code, Started: &at, Ended: at, Lines: map[string]int64{Stdout: 9}}},
		&LogAppend{Header: h, Agent: text, Batches: []LogBatch{{Workflow: "w", Run: "r", Task: "t", Attempt: 1, Stream: Stdout, First: 7, Lines: []Line{
			{Time: 1, Text: text}, {Time: 2, Bytes: []byte{0xff, 0}}, {Time: 3, Part: 2, Text: "x"}, {Time: 4, Gap: &Gap{1, 2}}, {Time: -5},
		}}, {Lines: []Line{}}}},
	} {
		body, err := EncodeRequest(req)
		if err != nil {
			t.Fatal(err)
		}
		got := reflect.New(reflect.TypeOf(req).Elem()).Interface()
		if e := DecodeRequest(body, got); e != nil {
			t.Errorf("%T: %v\n%s", req, e, body)
		} else if !reflect.DeepEqual(got, req) {
			t.Errorf("%T:\n got %+v\nwant %+v", req, got, req)
		}
		std := reflect.New(reflect.TypeOf(req).Elem()).Interface()
		if err := json.Unmarshal(body, std); err != nil || !reflect.DeepEqual(std, req) {
			t.Errorf("%T: encoding/json reads something else: %v", req, err)
		}
	}
}

func TestRequestOverTheLimitIsNotSent(t *testing.T) {
	_, err := EncodeRequest(&Trigger{TriggerItem: TriggerItem{Workflow: strings.Repeat("x", MaxMessage)}})
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != TooLarge {
		t.Errorf("got %v", err)
	}
}

func TestNullMeansAbsent(t *testing.T) {
	var r Trigger
	if e := DecodeRequest([]byte(`{"v":null,"workflow":null,"params":null,"batch":null}`), &r); e != nil {
		t.Fatal(e)
	}
	if !reflect.DeepEqual(r, Trigger{}) {
		t.Errorf("got %+v", r)
	}
}

func TestReplyCarriesResultOrError(t *testing.T) {
	var got Triggered
	want := Triggered{Run: "r<1>", Existing: true, Batch: []Triggered{{Error: &Error{Code: NotFound, Message: "no"}}}}
	if err := DecodeReply(EncodeReply("7", want), "7", &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if b := EncodeReply("7", want); !strings.Contains(string(b), "r<1>") {
		t.Errorf("HTML is escaped: %s", b)
	}
	err := DecodeReply(EncodeError("7", &Error{Code: Conflict, Message: `"a"` + "\n"}), "7", &got)
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != Conflict || e.Message != `"a"`+"\n" {
		t.Errorf("got %v", err)
	}
	err = DecodeReply(EncodeError("", &Error{Code: BadRequest, Message: "unreadable"}), "7", nil)
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != BadRequest {
		t.Errorf("an unreadable request: %v", err)
	}
	if err := DecodeReply(EncodeReply("7", Nothing{}), "7", nil); err != nil {
		t.Error(err)
	}
	newer := `{"v":1,"id":"7","ok":true,"more":[{}],"result":{"run":"r","new":{"a":1}}}`
	if err := DecodeReply([]byte(newer), "7", &got); err != nil || got.Run != "r" {
		t.Errorf("a newer reply: %+v, %v", got, err)
	}
	for _, body := range []string{``, `{}`, `x`, `{"v":1,"id":"8","ok":true}`, `{"v":1,"id":"7","ok":false}`, `{"v":2,"id":"7","ok":true,"result":{}}`, `{"v":1,"id":"7","ok":true,"result":[]}`} {
		err := DecodeReply([]byte(body), "7", &got)
		if _, refused := errors.AsType[*Error](err); err == nil || refused {
			t.Errorf("%s: got %v", body, err)
		}
	}
}

func TestAnswerOverTheLimitBecomesTooLarge(t *testing.T) {
	err := DecodeReply(EncodeReply("7", strings.Repeat("x", MaxMessage)), "7", nil)
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != TooLarge {
		t.Errorf("got %v", err)
	}
	if b := EncodeError("7", &Error{Code: Internal, Message: strings.Repeat("\x00ü", MaxMessage)}); len(b) > MaxMessage || !json.Valid(b) {
		t.Errorf("an error of %d bytes", len(b))
	}
	err = DecodeReply(EncodeReply("7", func() {}), "7", nil)
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != Internal {
		t.Errorf("got %v", err)
	}
}

func TestParamsOfAnyKindBecomeText(t *testing.T) {
	in := `{"s":"a\"b","n":1.50,"e":-1E3,"t":true,"f":false,"z":null,"o": { "b" : [ 1 , "x y" ] },"l":[ ],"ü":"\ud83d\ude00\ud800"}`
	want := Params{"s": `a"b`, "n": "1.50", "e": "-1E3", "t": "true", "f": "false", "z": "", "o": `{"b":[1,"x y"]}`, "l": "[]", "ü": "😀\uFFFD"}
	var got Params
	if err := json.Unmarshal([]byte(in), &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
	var r Trigger
	if e := DecodeRequest([]byte(`{"params":`+in+`,"workflow":"w"}`), &r); e != nil || !reflect.DeepEqual(r.Params, want) {
		t.Errorf("got %q, %v", r.Params, e)
	}
}

func TestLogRecordHasItsKeysInOrder(t *testing.T) {
	at := Time{time.Date(2026, 1, 2, 3, 4, 5, 678999e3, time.FixedZone("", 3600))}
	text, bad := "a<b>\t\x1b\"", "x\xffy\xe2\x82"
	for want, r := range map[string]LogRecord{
		`{"time":"2026-01-02T02:04:05.678Z","workflow":"etl.daily","run":"r","task":"t","attempt":1,"agent":"h","stream":"stdout","seq":12,"message":"a<b>\t\u001b\""}`: {
			Time: at, Workflow: "etl.daily", Run: "r", Task: "t", Attempt: 1, Agent: "h", Stream: Stdout, Seq: 12, Message: &text},
		`{"time":"2026-01-02T02:04:05.678Z","workflow":"","run":"","task":"","attempt":0,"agent":"","stream":"","seq":1,"part":2,"message_base64":"/wA="}`: {
			Time: at, Seq: 1, Part: 2, MessageBase64: []byte{0xff, 0}},
		`{"time":"2026-01-02T02:04:05.678Z","workflow":"","run":"","task":"","attempt":0,"agent":"","stream":"","seq":1,"gap":{"lines":3,"bytes":4}}`: {
			Time: at, Seq: 1, Gap: &Gap{3, 4}},
		`{"time":"2026-01-02T02:04:05.678Z","workflow":"","run":"","task":"","attempt":0,"agent":"","stream":"","seq":1,"message":""}`: {
			Time: at, Seq: 1},
		"{\"time\":\"2026-01-02T02:04:05.678Z\",\"workflow\":\"\",\"run\":\"\",\"task\":\"\",\"attempt\":0,\"agent\":\"\",\"stream\":\"\",\"seq\":1,\"message\":\"x\uFFFDy\uFFFD\uFFFD\"}": {
			Time: at, Seq: 1, Message: &bad},
	} {
		got := r.AppendJSON(nil)
		if string(got) != want || !utf8.Valid(got) || !json.Valid(got) {
			t.Errorf("\n got %s\nwant %s", got, want)
		}
	}
}

func TestPageOfRecordsComesThrough(t *testing.T) {
	want := Logs{Records: []json.RawMessage{[]byte(`{"seq":1}`), []byte(`{"seq":2}`)}, Cursor: "c", More: true}
	var got Logs
	if err := DecodeReply(EncodeReply("1", want), "1", &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}
