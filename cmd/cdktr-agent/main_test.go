package main

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cdktr-agent": main})
}

// TestScripts runs the sessions that need no principal.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", RequireExplicitExec: true, Setup: func(env *testscript.Env) error {
		env.Setenv("HOME", env.WorkDir)
		env.Setenv("CDKTR_DEFAULT_ZMQ_TIMEOUT_MS", "50")
		env.Setenv("CDKTR_RETRY_ATTEMPTS", "2")
		return nil
	}})
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

func TestAddressForLinesKeepsTheHostThatWasUsed(t *testing.T) {
	for _, c := range []struct{ logs, api, want string }{
		{"tcp://127.0.0.1:7", "", "tcp://127.0.0.1:7"},
		{"tcp://10.0.0.1:7", "db:5561", "tcp://10.0.0.1:7"},
		{"tcp://0.0.0.0:7", "db:5561", "tcp://db:7"},
		{"tcp://0.0.0.0:7", "tcp://db:5561", "tcp://db:7"},
		{"tcp://0.0.0.0:7", "", "tcp://127.0.0.1:7"},
		{"tcp://[::]:7", "[fe80::1]:5561", "tcp://[fe80::1]:7"},
	} {
		if got := reachable(c.logs, c.api); got != c.want {
			t.Errorf("%s at %s: got %s, want %s", c.logs, c.api, got, c.want)
		}
	}
}
