package main

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cdktr-logs": main})
}

// TestScripts runs the sessions that need no principal.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", RequireExplicitExec: true, Setup: alone})
}

// alone keeps a session away from everything that runs on this machine.
func alone(env *testscript.Env) error {
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("CDKTR_DEFAULT_ZMQ_TIMEOUT_MS", "50")
	env.Setenv("CDKTR_RETRY_ATTEMPTS", "2")
	return nil
}

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
