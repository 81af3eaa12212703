package client_test

import (
	"os"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
)

// The examples run against a real principal with an agent, which they find by
// the environment.
func TestMain(m *testing.M) {
	harness.MainWithExamples(m, func(t testing.TB) {
		in := harness.New(t)
		in.Workflow("hello.yml", "params: {name: world}\ntasks: {greet: {run: 'echo \"Hello, $CDKTR_PARAM_NAME!\"'}}")
		in.Workflow("report.yml", "tasks:\n  collect: {run: 'seq 3'}\n  print: {run: 'echo done', depends: [collect]}")
		in.StartPrincipal()
		if err := os.Setenv("CDKTR_APP_DATA_DIRECTORY", in.Data); err != nil {
			t.Fatal(err)
		}
	})
}
