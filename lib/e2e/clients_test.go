package e2e

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
)

const pythonClient = "../../clients/python"

// python is a Python program in the installation, with our client to import.
func python(t *testing.T, in *harness.Installation, args ...string) *exec.Cmd {
	t.Helper()
	path, err := filepath.Abs(pythonClient)
	if err != nil {
		t.Fatal(err)
	}
	cmd := in.Command("python3", args...)
	cmd.Env = append(cmd.Env, "PYTHONPATH="+path, "PYTHONDONTWRITEBYTECODE=1")
	return cmd
}

// The client's own tests start principals of their own.
func TestPythonClientKeepsItsPromises(t *testing.T) {
	t.Parallel()
	harness.Need(t, "pyzmq")
	for _, class := range []string{"test_principal.Verbs", "test_principal.Away", "test_follow.Following"} {
		t.Run(class, func(t *testing.T) {
			t.Parallel()
			cmd := python(t, harness.New(t), "-m", "unittest", "tests."+class)
			cmd.Dir = pythonClient
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// The trigger is committed, and the principal dies before it can say so.
func TestPythonTriggerIsOneRunOverAKillOfThePrincipal(t *testing.T) {
	t.Parallel()
	harness.Need(t, "pyzmq")
	in := harness.New(t, "CDKTR_DEFAULT_ZMQ_TIMEOUT_MS=500", "CDKTR_RETRY_ATTEMPTS=100")
	in.BuildToFail()
	in.Workflow("job.yml", "tasks: {a: {run: 'true'}}")
	in.StartPrincipalAlone() // so that the keys are there
	in.StopPrincipal()
	doomed := in.StartPrincipalToFail("principal.before-acknowledge:1")
	cmd := python(t, in, "-c", "import cdktr; print(cdktr.Principal().run_workflow('job').unwrap())")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-doomed.Exited()
	in.RestartPrincipal()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	all := runs(t, in)
	if got := strings.TrimSpace(stdout.String()); len(all) != 1 || all[0].Run != got {
		t.Errorf("python was told of run %q, and there are %+v", got, all)
	}
}

func TestPythonClientIsTyped(t *testing.T) {
	t.Parallel()
	harness.Need(t, "mypy", "pyzmq")
	cmd := exec.Command("mypy", "--cache-dir", "../../.cache/mypy", "cdktr")
	cmd.Dir = pythonClient
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
