package e2e

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/harness"
)

func TestAbsentPrincipalIs69AfterTheTimeSetAndNamesTheAddress(t *testing.T) {
	t.Parallel()
	in := harness.New(t, "CDKTR_DEFAULT_ZMQ_TIMEOUT_MS=200", "CDKTR_RETRY_ATTEMPTS=5")
	in.StartPrincipalAlone() // for the keys
	gone, _ := in.Address()
	in.StopPrincipal()

	// It takes connections and says nothing.
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()

	for _, c := range []struct {
		name, address string
		args          []string
	}{
		{"nobody on the data directory", "tcp://127.0.0.1:5561", []string{"cdktr-run", "hello"}},
		{"nobody at the address", gone.API, []string{"cdktr-logs", "--principal", gone.API}},
		{"a mute stranger at the address", mute.Addr().String(), []string{"cdktr-agent", "list", "--principal", mute.Addr().String()}},
	} {
		r := in.Run(c.args[0], c.args[1:]...)
		if r.Code != 69 || !strings.Contains(r.Stderr, c.address) || strings.Count(r.Stderr, "waiting") != 1 || r.Stdout != "" {
			t.Errorf("%s: want exit code 69, the address %s and one word about the wait, got %+v", c.name, c.address, r)
		}
		if r.Took < 900*time.Millisecond || r.Took > 20*time.Second {
			t.Errorf("%s: gave up after %v, 5 × 200ms were set", c.name, r.Took)
		}
	}
	// --timeout is shorter than that and counts too.
	if r := in.Run("cdktr-run", "hello", "--timeout", "300ms"); r.Code != 69 || r.Took < 250*time.Millisecond || r.Took > 20*time.Second {
		t.Errorf("--timeout 300ms without a principal: %+v", r)
	}
}

// A principal that comes in time is waited for.
func TestClientWaitsForAPrincipalThatComesLater(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("hello.yml", "tasks: {a: {run: echo hello}}")
	cmd := in.Command("cdktr-run", "-l", "hello")
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in.StartPrincipal()
	if err := cmd.Wait(); err != nil || stdout.String() != "hello\n" {
		t.Errorf("got %v, %q, %q", err, stdout.String(), stderr.String())
	}
}
