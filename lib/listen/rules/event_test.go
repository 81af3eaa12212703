package rules

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/listen"
)

type lineAndEvent struct{ text, event string }

// events are what lines become: workflow, parameters, key, debounce; or why they
// are none.
var events = []struct {
	file  string
	lines []lineAndEvent
}{
	{`rules:
  - match: '^(?P<dir>\S+)/ CLOSE_WRITE\S* (?P<file>.+\.csv)$'
    workflow: etl.load
    params: {file: '${{ match.dir }}/${{ match.file }}', n: 007, flag: yes}
    debounce: 1m5s
  - match: '^(\d+)?(?P<rest>x)?'
    workflow: 'x${{ match.rest }}'
    key: '${{ line }}'
`, []lineAndEvent{
		{"in/ CLOSE_WRITE,CLOSE a b.csv", "etl.load map[file:in/a b.csv flag:yes n:007]  1m5s"},
		{"in/ CLOSE_WRITE a.txt", "x map[] in/ CLOSE_WRITE a.txt 0s"},
		{"1x", "xx map[] 1x 0s"},
		{" ", "x map[]   0s"},
		{"", "the line is no event"},
		{"\xff", "the line is not UTF-8"},
	}},
	{`rules:
  - json: {type: order.created, customer.country: [GB, IE], paid: true, note: null, 'items.0': {match: '^b'}}
    workflow: 'orders.${{ json.shop }}'
    params: {id: '${{ json.order.id }}', all: '$${{ ${{ json.order }}', paid: '${{ json.paid }}', note: '[${{ json.note }}]', second: '${{ json.items.1 }}'}
    key: 'order ${{ json.order.id }}'
  - json: {n: [1, 2.5, 0x10, 12345678901234567890]}
    workflow: n
  - json: {s: ['1', 2026-01-02]}
    workflow: s
  - json: {v: {match: '^(7|true)$'}}
    workflow: v
  - json: {empty: true}
    workflow: '${{ json.name }}'
    key: '${{ json.key }}'
`, []lineAndEvent{
		{`{"type":"order.created","customer":{"country":"IE"},"paid":true,"note":null,"items":["book",1e3],"shop":"eu","order":{"id": 12345678901234567890, "x": ["<"]}}`,
			`orders.eu map[all:${{ {"id":12345678901234567890,"x":["<"]} id:12345678901234567890 note:[] paid:true second:1e3] order 12345678901234567890 0s`},
		{`{"type":"order.created","customer":{"country":"GB"},"paid":true,"note":null,"items":["b",0],"shop":"eu"}`, `the event has no field "order.id", which its rule uses`},
		{`{"type":"order.created","customer":{"country":"FR"},"paid":true,"note":null,"items":["b"]}`, "no rule matches"},
		{`{"type":"order.created","customer":"GB","paid":true,"note":null,"items":["b"]}`, "no rule matches"},
		{`{"type":"order.created","customer":{"country":"GB"},"paid":"true","note":null,"items":["b"]}`, "no rule matches"},
		{`{"type":"order.created","customer":{"country":"GB"},"paid":true,"items":["b"]}`, "no rule matches"},
		{`{"type":"order.created","customer":{"country":"GB"},"paid":true,"note":null,"items":["a"]}`, "no rule matches"},
		{`{"type":"order.created","customer":{"country":"GB"},"paid":true,"note":null,"items":[]}`, "no rule matches"},
		{` {"n":1}`, "n map[]  0s"},
		{`{"n":1.0}`, "n map[]  0s"},
		{`{"n":25e-1}`, "n map[]  0s"},
		{`{"n":16}`, "n map[]  0s"},
		{`{"n":12345678901234567890}`, "n map[]  0s"},
		{`{"n":12345678901234567891}`, "no rule matches"},
		{`{"n":"1"}`, "no rule matches"},
		{`{"s":"1"}`, "s map[]  0s"},
		{`{"s":"2026-01-02"}`, "s map[]  0s"},
		{`{"s":1}`, "no rule matches"},
		{`{"v":7}`, "v map[]  0s"},
		{`{"v":true}`, "v map[]  0s"},
		{`{"v":[7]}`, "no rule matches"},
		{`{"empty":true,"name":"","key":"k"}`, "the id of the workflow is empty"},
		{`{"empty":true,"name":"n","key":null}`, "the key is empty"},
		{`{"empty":true,"name":"` + strings.Repeat("n", 5000) + `","key":"k"}`, "5000 bytes are too long for the id of a workflow"},
		{`{"empty":true,`, "no rule matches (the line is no JSON object: unexpected end of JSON input)"},
		{`{"n":1} x`, "no rule matches (the line is no JSON object: invalid character 'x' after top-level value)"},
		{`[1]`, "no rule matches"},
	}},
	{"rules: [{json: {}, workflow: any}]\notherwise: skip\n", []lineAndEvent{
		{"{}", "any map[]  0s"},
		{"text", "the line is no event"},
	}},
}

func TestFirstRuleThatMatchesMakesTheEvent(t *testing.T) {
	for _, c := range events {
		r, problems := Parse("r.yml", []byte(c.file))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		for _, line := range c.lines {
			e, err := r.Event([]byte(line.text))
			got := fmt.Sprint(e.Trigger.Workflow, " ", e.Trigger.Params, " ", e.Trigger.Key, " ", e.Debounce)
			if err != nil {
				got = err.Error()
			}
			if got != line.event {
				t.Errorf("%q\n became %s\n want   %s", line.text, got, line.event)
			}
			if err == nil && e.Trigger.Source != "listen" {
				t.Errorf("%q comes from %q", line.text, e.Trigger.Source)
			}
			if skipped := errors.Is(err, listen.ErrNoEvent); skipped != (line.event == "the line is no event") {
				t.Errorf("%q is skipped: %v", line.text, skipped)
			}
		}
	}
}
