package main

import (
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func TestScripts(t *testing.T) { harness.Scripts(t, "testdata") }

func TestHelpNamesEveryFlag(t *testing.T) {
	if missing, err := command().Undocumented(); err != nil || len(missing) > 0 {
		t.Errorf("usage.txt does not name %v (%v)", missing, err)
	}
}
