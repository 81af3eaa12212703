package e2e

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
)

// Where the system gives 1,024 open files, more connections than that take none
// of those that the history needs.
func TestHostileCrowdLeavesThePrincipalItsFiles(t *testing.T) {
	t.Parallel()
	in := harness.New(t, "CDKTR_DEFAULT_ZMQ_TIMEOUT_MS=1000", "CDKTR_RETRY_ATTEMPTS=100")
	in.Workflow("quiet.yml", "tasks: {a: {run: ':'}}")
	in.Workflow("hello.yml", "tasks: {a: {run: 'echo hello'}}")
	cmd := in.Command("sh", "-c", `ulimit -n 1024 && exec cdktr-principal --port 0 --with-agent --workflows "$0"`, in.Workflows)
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	harness.Eventually(t, "the principal is ready", func() bool { _, ok := in.Address(); return ok })
	admin := raw(t, in, address(in), keyOf(t, in, "admin"))
	say(t, admin, `{"v":1,"id":"x","op":"ping"}`)

	// Nothing of a run is in the history yet: its files are opened now.
	end := besiege(t, in, 1500)
	defer end()
	most, same := 0, 0
	harness.Eventually(t, "the crowd grows no more", func() bool {
		open, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid), "fd"))
		if same++; len(open) > most {
			most, same = len(open), 0
		}
		return err != nil || most > 500 && same > 8
	})
	for range 20 {
		if r := say(t, admin, `{"v":1,"id":"x","op":"run.trigger","workflow":"quiet"}`); code(r) != "ok" {
			t.Errorf("a trigger: %s", code(r))
		}
	}
	end()
	if out := in.Must("cdktr-run", "--log", "hello"); out != "hello" {
		t.Errorf("a run prints %q", out)
	}
	select {
	case <-ended:
		t.Fatalf("the principal ended: %s\n%s", cmd.ProcessState, said.String())
	default:
	}
}

// besiege keeps n connections knocking, each again as soon as it is turned away,
// until end is called.
func besiege(t *testing.T, in *harness.Installation, n int) (end func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	address := strings.TrimPrefix(address(in), "tcp://")
	for range n {
		all.Go(func() {
			for ctx.Err() == nil {
				c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
				if err != nil {
					continue
				}
				gone := context.AfterFunc(ctx, func() { c.Close() })
				_, _ = io.Copy(io.Discard, c)
				gone()
				c.Close()
			}
		})
	}
	return func() { stop(); all.Wait() }
}

// Without the check of keys nobody may be let in: the process ends and says why.
func TestPrincipalEndsWhenItsKeyCheckFails(t *testing.T) {
	t.Parallel()
	in := harness.New(t, "CDKTR_DEFAULT_ZMQ_TIMEOUT_MS=200", "CDKTR_RETRY_ATTEMPTS=5")
	in.Workflow("hello.yml", "tasks: {a: {run: 'echo hello'}}")
	doomed := in.StartPrincipalToFail("bus.zap:3")
	harness.Eventually(t, "the third peer asks to be let in", func() bool {
		in.Run("cdktr-run", "--list")
		select {
		case <-doomed.Exited():
			return true
		default:
			return false
		}
	})
	if doomed.Code() != 74 || !strings.Contains(doomed.Said(), "the key check stopped: ") {
		t.Errorf("it ended with exit code %d\n%s", doomed.Code(), doomed.Said())
	}
	if _, there := in.Address(); there {
		t.Error("principal.json is left")
	}
}
