package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/harness"
)

type listedWorkflow struct {
	Workflow, Name string
	Errors         []any
}

// The clock has the directory read when the test is long over.
func TestChangesOfTheWorkflowDirectoryAreSeenAtOnce(t *testing.T) {
	t.Parallel()
	in := harness.New(t, "CDKTR_WORKFLOW_DIR_REFRESH_FREQUENCY_S=3600")
	in.Workflow("keep.yml", "tasks: {a: {run: 'true'}}\n")
	principal := in.StartPrincipal()
	at := func(name string) string { return filepath.Join(in.Workflows, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var slowest time.Duration
	listed := func(want string) {
		t.Helper()
		began := time.Now()
		harness.Eventually(t, want, func() bool {
			var got []string
			for _, w := range harness.Lines[listedWorkflow](t, in.Must("cdktr-run", "--list", "-o", "json")) {
				shown := w.Workflow + " " + w.Name
				if len(w.Errors) > 0 {
					shown += " broken"
				}
				got = append(got, shown)
			}
			return strings.Join(got, ", ") == want
		})
		slowest = max(slowest, time.Since(began))
	}
	listed("keep keep")
	in.Workflow("sub/w.yml", "name: one\ntasks: {a: {run: 'true'}}\n")
	listed("keep keep, sub.w one")
	in.Workflow("sub/w.yml", "name: two\ntasks: {a: {run: 'true'}}\n")
	listed("keep keep, sub.w two")
	in.Workflow("sub/w.yml", "name: three\ntasks: {a: {rn: 'true'}}\n")
	listed("keep keep, sub.w two broken")
	in.Must("cdktr-run", "sub.w")
	if said := principal.Said(); !strings.Contains(said, "sub/w.yml:2:13") {
		t.Errorf("the log says nothing of the mistake:\n%s", said)
	}
	in.Workflow("sub/w.yml", "name: three\ntasks: {a: {run: 'true'}}\n")
	listed("keep keep, sub.w three")
	must(os.Rename(at("sub"), at("other")))
	listed("keep keep, other.w three")
	must(os.Remove(at("other/w.yml")))
	listed("keep keep")
	must(os.RemoveAll(in.Workflows))
	harness.Eventually(t, "the log tells that the directory is gone", func() bool {
		return strings.Contains(principal.Said(), "what was loaded stays")
	})
	listed("keep keep")
	in.Workflow("new.yml", "tasks: {a: {run: 'true'}}\n")
	listed("new new")
	t.Logf("the slowest change was listed after %v", slowest)
}
