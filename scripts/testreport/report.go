package main

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// event is one line of `go test -json`.
type event struct {
	Action     string
	Package    string
	ImportPath string // of build output
	Test       string
	Output     string
}

// report collects events. The output of a test is kept until it has ended.
type report struct {
	out      io.Writer
	pending  map[string]*strings.Builder // by package and test
	passed   int
	failed   int
	failures []string
	skipped  []string
	toolless []string
}

func newReport(out io.Writer) *report {
	return &report{out: out, pending: map[string]*strings.Builder{}}
}

var (
	toolLine   = regexp.MustCompile(`SKIP-TOOL \S+: [^\n]*`)
	skipReason = regexp.MustCompile(`\.go:\d+: ([^\n]*)`)
	noise      = regexp.MustCompile(`^(=== (RUN|PAUSE|CONT|NAME)|\?\s|PASS\n|testing: warning: no tests)`)
)

func (r *report) line(line []byte) {
	var e event
	if json.Unmarshal(line, &e) != nil || e.Action == "" {
		r.plain(string(line))
		return
	}
	id := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		r.output(id, e)
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.packageEnded(e)
			return
		}
		r.testEnded(id, e)
	}
}

// plain takes a line that go test did not write.
func (r *report) plain(line string) {
	if tool := toolLine.FindString(line); tool != "" {
		r.toolless = append(r.toolless, tool)
		return
	}
	fmt.Fprint(r.out, line)
}

func (r *report) output(id string, e event) {
	if noise.MatchString(e.Output) {
		return
	}
	if e.Test == "" {
		fmt.Fprint(r.out, e.Output)
		return
	}
	if r.pending[id] == nil {
		r.pending[id] = &strings.Builder{}
	}
	r.pending[id].WriteString(e.Output)
}

func (r *report) testEnded(id string, e event) {
	var output string
	if b := r.pending[id]; b != nil {
		output = b.String()
	}
	delete(r.pending, id)
	switch e.Action {
	case "pass":
		r.passed++
	case "fail":
		r.fail(id, output)
	case "skip":
		if tool := toolLine.FindString(output); tool != "" {
			r.toolless = append(r.toolless, tool+"  ("+id+")")
		} else {
			r.skipped = append(r.skipped, id+": "+reason(output))
		}
	}
}

// packageEnded counts a failure that no test had: of the build, of TestMain,
// or of a test that the end of its process cut off, whose output is shown.
func (r *report) packageEnded(e event) {
	if e.Action != "fail" {
		return
	}
	before := r.failed
	for id, output := range r.pending {
		if strings.HasPrefix(id, e.Package+" ") {
			delete(r.pending, id)
			r.fail(id, output.String())
		}
	}
	blamed := r.failed > before
	for _, f := range r.failures {
		blamed = blamed || strings.HasPrefix(f, e.Package+" ")
	}
	if !blamed {
		r.fail(e.Package+" (the package)", "")
	}
}

func (r *report) fail(id, output string) {
	r.failed++
	r.failures = append(r.failures, id)
	fmt.Fprint(r.out, output)
}

func reason(output string) string {
	if m := skipReason.FindStringSubmatch(output); m != nil {
		return m[1]
	}
	return "no reason given"
}
