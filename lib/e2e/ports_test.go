package e2e

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
)

func TestPortMovesAllThreeAndATakenOneIsReplaced(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("hello.yml", "tasks: {a: {run: echo hello}}")
	base, held := neighbours(t)
	in.StartPrincipal("--port", fmt.Sprint(base))
	a, _ := in.Address()
	if want := fmt.Sprintf("tcp://127.0.0.1:%d", base); a.API != want {
		t.Errorf("the API is at %s, want %s", a.API, want)
	}
	if taken := fmt.Sprintf(":%d", held); strings.HasSuffix(a.Logs, taken) || strings.HasSuffix(a.Logs, ":0") {
		t.Errorf("lines are taken at %s, where somebody else listens", a.Logs)
	}
	if want := fmt.Sprintf("tcp://127.0.0.1:%d", base+2); a.Live != want {
		t.Errorf("the live stream is at %s, want %s", a.Live, want)
	}
	for _, address := range []string{fmt.Sprintf("127.0.0.1:%d", base), a.API, fmt.Sprintf("localhost:%d", base)} {
		if got := in.Must("cdktr-run", "-l", "hello", "--principal", address); got != "hello" {
			t.Errorf("at %s: %q", address, got)
		}
	}
	if r := in.Run("cdktr-principal", "--data", "other", "--port", fmt.Sprint(base)); r.Code != 74 || !strings.Contains(r.Stderr, fmt.Sprint(base)) {
		t.Errorf("the API's port is taken: want exit code 74 and the port named, got %+v", r)
	}
}

// neighbours finds three ports in a row: the first and the third are free, the
// second is held until the test ends.
func neighbours(t *testing.T) (first, held int) {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		held := l.Addr().(*net.TCPAddr).Port
		if free(held-1) && free(held+1) {
			t.Cleanup(func() { l.Close() })
			return held - 1, held
		}
		l.Close()
	}
	t.Fatal("no three ports in a row")
	return 0, 0
}

func free(port int) bool {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err == nil {
		l.Close()
	}
	return err == nil
}
