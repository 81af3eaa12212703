package main

import (
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func TestScripts(t *testing.T) { harness.Scripts(t, "testdata") }

func TestHelpNamesEveryFlag(t *testing.T) {
	flags, err := command().Flags()
	if err != nil {
		t.Fatal(err)
	}
	words := map[string]bool{}
	for _, word := range strings.FieldsFunc(usage, func(r rune) bool { return strings.ContainsRune(" ,\n", r) }) {
		words[word] = true
	}
	for _, flag := range flags {
		if !words[flag] {
			t.Errorf("usage.txt does not name %s", flag)
		}
	}
}
