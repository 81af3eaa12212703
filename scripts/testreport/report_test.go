package main

import (
	"strings"
	"testing"
)

func TestReportNamesEverythingThatDidNotPass(t *testing.T) {
	const ran = `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:3: got 1\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:3: SKIP-TOOL uv: not on the PATH\n"}
{"Action":"skip","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Test":"TestC","Output":"    c_test.go:3: runs as root\n"}
{"Action":"skip","Package":"p","Test":"TestC"}
{"Action":"output","Package":"p","Test":"TestD","Output":"quiet\n"}
{"Action":"pass","Package":"p","Test":"TestD"}
{"Action":"output","Package":"q","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
SKIP-TOOL tmux: could not be installed
`
	var out strings.Builder
	if code := run(strings.NewReader(ran), &out, false); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	for _, want := range []string{
		"got 1", "FAIL\tp\t0.1s", "SKIP-TOOL uv: not on the PATH  (p TestB)", "SKIP-TOOL tmux: could not be installed",
		"p TestC: runs as root", "FAILED:\n  p TestA", "1 passed, 1 failed, 3 skipped (2 for a missing tool)",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
	for _, noise := range []string{"quiet", "PASS", "=== RUN"} {
		if strings.Contains(out.String(), noise) {
			t.Errorf("the report has %q, of a test that passed:\n%s", noise, out.String())
		}
	}
}

func TestReportFails(t *testing.T) {
	tests := []struct {
		name   string
		ran    string
		strict bool
		code   int
	}{
		{"nothing", ``, true, 0},
		{"passed", `{"Action":"pass","Package":"p","Test":"T"}`, true, 0},
		{"a build", `{"Action":"build-fail","ImportPath":"p"}` + "\n" + `{"Action":"fail","Package":"p"}`, false, 1},
		{"a test that its process took along", `{"Action":"output","Package":"p","Test":"T","Output":"panic: x\n"}` + "\n" + `{"Action":"fail","Package":"p"}`, false, 1},
		{"a missing tool on a person's machine", "SKIP-TOOL uv: x", false, 0},
		{"a missing tool in CI", "SKIP-TOOL uv: x", true, 1},
		{"another skip in CI", `{"Action":"skip","Package":"p","Test":"T"}`, true, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			if code := run(strings.NewReader(tt.ran), &out, tt.strict); code != tt.code {
				t.Errorf("exit code %d, want %d\n%s", code, tt.code, out.String())
			}
		})
	}
}
