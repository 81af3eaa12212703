package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
)

// An agent of another data directory wants the name of one that lives and
// works.
func TestTakenNameIsRefusedAndTheFirstIsUnharmed(t *testing.T) {
	t.Parallel()
	in, other := harness.New(t), harness.New(t)
	in.Workflow("slow.yml", slow)
	in.StartPrincipalAlone()
	first := in.StartAgent("web1")
	run := began(t, in)
	at, _ := in.Address()
	r := other.Run("cdktr-agent", "--name", "web1", "--principal", at.API, "--keys", filepath.Join(in.Data, "keys"))
	if r.Code != 75 || !strings.Contains(r.Stderr, "web1") {
		t.Errorf("want exit code 75 and the name, got %+v", r)
	}
	select {
	case <-first.Exited():
		t.Fatal("the first agent has ended")
	default:
	}
	touch(t, in, "go")
	ended, _ := finish(t, in, run)
	if task := ended.Tasks[0]; task.Attempt != 1 || task.Status != "COMPLETED" {
		t.Errorf("the task is %s in attempt %d, want COMPLETED in the first", task.Status, task.Attempt)
	}
}
