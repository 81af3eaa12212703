package main

import (
	"bytes"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/harness"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cdktr-ui": main})
}

// TestScripts runs the sessions that need no principal.
func TestScripts(t *testing.T) { harness.ScriptsAlone(t, "testdata") }

func TestHelpNamesEveryFlag(t *testing.T) {
	if missing, err := command().Undocumented(); err != nil || len(missing) > 0 {
		t.Errorf("usage.txt does not name %v (%v)", missing, err)
	}
}

func TestASCIIWhereTheTerminalKnowsNoMore(t *testing.T) {
	for _, test := range []struct {
		env  map[string]string
		want bool
	}{
		{map[string]string{}, false},
		{map[string]string{"LANG": "en_GB.UTF-8"}, false},
		{map[string]string{"LANG": "C.utf8"}, false},
		{map[string]string{"LANG": "C"}, true},
		{map[string]string{"LANG": "en_GB.UTF-8", "LC_ALL": "POSIX"}, true},
		{map[string]string{"LANG": "de_DE.ISO-8859-1"}, true},
		{map[string]string{"LANG": "C", "LC_CTYPE": "C.UTF-8"}, false},
		{map[string]string{"LANG": "en_GB.UTF-8", "CDKTR_ASCII": "1"}, true},
		{map[string]string{"LANG": "C", "CDKTR_ASCII": "0"}, false},
	} {
		get := func(name string) (string, bool) { v, ok := test.env[name]; return v, ok }
		if got := plain(get); got != test.want {
			t.Errorf("%v: %v", test.env, got)
		}
	}
}

func TestPipeIsRefused(t *testing.T) {
	var out, errs bytes.Buffer
	env := cli.Env{Stdout: &out, Stderr: &errs, Dir: t.TempDir(), Getenv: func(name string) (string, bool) {
		return map[string]string{"HOME": t.TempDir()}[name], name == "HOME"
	}}
	for _, terminal := range []bool{false, true} { // stdin is none in any case
		env.OutTerminal = terminal
		if code := command().Run(t.Context(), env, nil); code != cli.Usage || out.Len() > 0 {
			t.Errorf("it ends with %d: %s%s", code, &out, &errs)
		}
	}
}
