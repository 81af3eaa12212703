package harness

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"testing"
)

// MainWithExamples is Main for a package that has Example functions. They run
// when all tests have ended, and belong to none: what prepare makes for them
// lives until then. Where -run names tests alone it is not called.
func MainWithExamples(m *testing.M, prepare func(testing.TB)) {
	flag.Parse()
	s := &stage{}
	if run := flag.Lookup("test.run").Value.String(); !testsAlone.MatchString(run) {
		prepare(s)
	}
	code := runAll(m)
	s.end()
	os.Exit(code)
}

var testsAlone = regexp.MustCompile(`^\^?(Test|Fuzz|\$)[^|]*$`)

// stage stands for a test where there is none.
type stage struct {
	testing.TB // nil: only what is below may be called
	cleanups   []func()
}

func (s *stage) Helper()          {}
func (s *stage) Failed() bool     { return false }
func (s *stage) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }
func (s *stage) Log(args ...any)  { fmt.Fprintln(os.Stderr, args...) }

func (s *stage) Errorf(format string, args ...any) { s.Log(fmt.Sprintf(format, args...)) }
func (s *stage) Fatalf(format string, args ...any) { s.Fatal(fmt.Sprintf(format, args...)) }

func (s *stage) Fatal(args ...any) {
	s.Log(args...)
	s.end()
	os.Exit(1)
}

func (s *stage) TempDir() string {
	dir, err := os.MkdirTemp("", "cdktr-examples-")
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			s.Log(err)
		}
	})
	return dir
}

// end does what is left to do, the last first.
func (s *stage) end() {
	for len(s.cleanups) > 0 {
		last := len(s.cleanups) - 1
		f := s.cleanups[last]
		s.cleanups = s.cleanups[:last]
		f()
	}
}
