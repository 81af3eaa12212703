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
