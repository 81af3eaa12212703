// Command testreport reads `go test -json` and prints what a person wants to
// know: a line for each package, the whole output of each test that failed,
// and at the end every test that was skipped, by name, and the counts.
//
// A test that misses a tool says so with "SKIP-TOOL name: reason". Where CI is
// true that is a failure: nobody would read the line there.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	strict := os.Getenv("CI") == "true"
	os.Exit(run(os.Stdin, os.Stdout, strict))
}

// run returns the exit code: 1 when a test failed, or missed a tool and strict
// is set.
func run(in io.Reader, out io.Writer, strict bool) int {
	began := time.Now()
	r := newReport(out)
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		r.line(line)
		if err != nil {
			break
		}
	}
	r.end(time.Since(began))
	if r.failed > 0 || strict && len(r.toolless) > 0 {
		return 1
	}
	return 0
}

// end prints the summary. Its last line is the count.
func (r *report) end(took time.Duration) {
	r.section("SKIPPED, for want of a tool:", r.toolless)
	r.section("Skipped:", r.skipped)
	r.section("FAILED:", r.failures)
	fmt.Fprintf(r.out, "\n%d passed, %d failed, %d skipped (%d for a missing tool) in %s\n",
		r.passed, r.failed, len(r.skipped)+len(r.toolless), len(r.toolless), took.Round(time.Second))
}

func (r *report) section(title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(r.out, "\n%s\n", title)
	for _, line := range lines {
		fmt.Fprintf(r.out, "  %s\n", line)
	}
}
