package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cdktr/cdktr/lib/harness"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cdktr-agent": main})
}

// TestScripts runs the sessions that need no principal.
func TestScripts(t *testing.T) { harness.ScriptsAlone(t, "testdata") }

func TestHelpNamesEveryFlag(t *testing.T) {
	if missing, err := command().Undocumented(); err != nil || len(missing) > 0 {
		t.Errorf("usage.txt does not name %v (%v)", missing, err)
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
