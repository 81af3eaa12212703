package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/harness"
)

// A command that finds no principal changes the key directory. One that has
// read the keys and is about to serve must not go on letting in who was revoked
// in between.
func TestRevokedWhileThePrincipalStartsStaysOut(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	for round := range 6 {
		in.Must("cdktr-principal", "grant", "ada", "--role", "viewer")
		starting := in.Command("cdktr-principal", "--port", "0", "--workflows", in.Workflows)
		if err := starting.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(round) * 8 * time.Millisecond) // another moment of its start each time
		in.Must("cdktr-principal", "revoke", "ada")
		harness.Eventually(t, "the principal is ready", func() bool {
			a, ok := in.Address()
			return ok && a.PID == starting.Process.Pid
		})
		if got := in.Must("cdktr-principal", "keys"); strings.Contains(got, "ada") {
			t.Errorf("round %d: the principal lets in who was revoked:\n%s", round, got)
		}
		if err := starting.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = starting.Wait() // it was killed
	}
}

// kill -9 of the principal right after a grant or a revocation was answered.
func TestAnsweredGrantAndRevocationSurviveKill(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Must("cdktr-principal", "grant", "old", "--role", "viewer")
	in.StartPrincipalAlone()
	in.Must("cdktr-principal", "grant", "new", "--role", "viewer")
	in.Must("cdktr-principal", "revoke", "old")
	in.KillPrincipal()
	for _, when := range []string{"while it is away", "after its start"} {
		if got := in.Must("cdktr-principal", "keys"); !strings.Contains(got, `"new"`) || strings.Contains(got, `"old"`) {
			t.Errorf("%s the keys are\n%s", when, got)
		}
		in.RestartPrincipal()
	}
}
