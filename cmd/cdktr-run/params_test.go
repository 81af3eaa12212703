package main

import (
	"maps"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/wire"
)

func TestParamsFileKeepsValuesAsWritten(t *testing.T) {
	for _, test := range []struct {
		text string
		want wire.Params
	}{
		{"", nil},
		{"# nothing\n", nil},
		{"a: x\nb: 1.10\nc: 007\nd: yes\ne:\nf: ~\ng: ''\n", wire.Params{"a": "x", "b": "1.10", "c": "007", "d": "yes", "e": "", "f": "", "g": ""}},
		{"l: [1, b]\nm: {x: <1>}\n", wire.Params{"l": `[1,"b"]`, "m": `{"x":"<1>"}`}},
		{"a: &x 1\nb: *x\n", wire.Params{"a": "1", "b": "1"}},
		{"t: |\n  one\n  two\n", wire.Params{"t": "one\ntwo\n"}},
		{` {"a":"\ud83d\ude00","b":1.10,"c":null,"d":true,"e":[1, 2]}`, wire.Params{"a": "😀", "b": "1.10", "c": "", "d": "true", "e": "[1,2]"}},
		{"{a: 1}", wire.Params{"a": "1"}},
	} {
		got, err := parseParams([]byte(test.text))
		if err != nil || !maps.Equal(got, test.want) {
			t.Errorf("%q: %v, %v", test.text, got, err)
		}
	}
	for _, text := range []string{"- 1", "a", "a: 1\na: 2", "a: [", "{\"a\":1,\"a\":2}", "a: {[1]: 2}"} {
		if got, err := parseParams([]byte(text)); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

func TestCommandLineWinsOverParamsFile(t *testing.T) {
	c := newCall(newFake(""), "-p - hello a=2 c=")
	c.env.Stdin = strings.NewReader("a: 1\nb: 1\n")
	item, err := c.o.trigger(t.Context(), c.env)
	if err != nil || !maps.Equal(item.Params, wire.Params{"a": "2", "b": "1", "c": ""}) {
		t.Errorf("%v, %v", item.Params, err)
	}
}

func TestParamsFileIsBounded(t *testing.T) {
	c := newCall(newFake(""), "-p - hello")
	c.env.Stdin = strings.NewReader("a: " + strings.Repeat("x", wire.MaxMessage))
	if _, err := c.o.trigger(t.Context(), c.env); cli.Code(err) != cli.BadInput {
		t.Errorf("%v", err)
	}
}

func FuzzParams(f *testing.F) {
	f.Add("a: [1, {b: c}]\nd: &x 1\ne: *x")
	f.Add(`{"a":"\ud83d"}`)
	f.Fuzz(func(t *testing.T, text string) { parseParams([]byte(text)) })
}
