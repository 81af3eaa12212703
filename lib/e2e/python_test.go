package e2e

import (
	"path/filepath"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
)

// Nothing of ours on the other side: pyzmq, its own reader of certificates, a
// REQ socket and JSON.
func TestPythonREQSocketTriggersARunAndWaitsForIt(t *testing.T) {
	t.Parallel()
	harness.Need(t, "pyzmq")
	in := harness.New(t)
	in.Workflow("greet.yml", "tasks: {a: {run: 'echo hello $CDKTR_PARAM_NAME'}}")
	in.StartPrincipal()
	program, err := filepath.Abs("testdata/client.py")
	if err != nil {
		t.Fatal(err)
	}
	address, _ := in.Address()
	out := in.Must("python3", program, address.API, filepath.Join(in.Data, "keys"))
	run := harness.Field(t, out, "result.run")
	for path, want := range map[string]string{"ok": "true", "id": "wait-1", "v": "1", "result.status": "COMPLETED", "result.ended": "true"} {
		if got := harness.Field(t, out, path); got != want {
			t.Errorf("%s is %s, want %s\n%s", path, got, want, out)
		}
	}
	r := show(t, in, run)
	if r.Trigger != "api" || r.Params["name"] != "Python" {
		t.Errorf("the run is %+v", r)
	}
	if got := bare(t, in, run, "stdout"); got != "hello Python\n" {
		t.Errorf("stdout is %q", got)
	}
}
