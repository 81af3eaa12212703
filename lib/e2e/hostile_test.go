package e2e

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

// Bounds for a principal under attack. They are generous, because other tests
// share the machine; what they are to catch has no bound at all.
const (
	longestAnswer = 10 * time.Second
	mostMemory    = 512 << 20
)

// guest is somebody with a key who starts runs all the time and wants every
// answer soon.
type guest struct {
	stop    context.CancelFunc
	all     sync.WaitGroup
	mu      sync.Mutex
	answers int
	worst   time.Duration
	err     error
}

// invite starts a guest. He stays until leave is called.
func invite(t *testing.T, in *harness.Installation) *guest {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	g := &guest{stop: stop}
	c := client.New(client.Options{Data: in.Data})
	g.all.Go(func() {
		defer c.Close()
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			began := time.Now()
			req := &wire.Trigger{TriggerItem: wire.TriggerItem{Workflow: "quiet"}}
			err := c.Call(ctx, wire.OpRunTrigger, req, nil)
			if ctx.Err() != nil {
				return
			}
			g.mu.Lock()
			g.answers++
			g.worst = max(g.worst, time.Since(began))
			if g.err == nil {
				g.err = err
			}
			g.mu.Unlock()
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	t.Cleanup(g.stop)
	return g
}

// isServed waits until the guest was answered several times more.
func (g *guest) isServed(t *testing.T) {
	t.Helper()
	g.mu.Lock()
	before := g.answers
	g.mu.Unlock()
	harness.Eventually(t, "the guest is answered", func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.err != nil || g.answers > before+5
	})
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		t.Errorf("the guest is refused: %v", g.err)
	}
	if g.worst > longestAnswer {
		t.Errorf("the guest waited %v for an answer", g.worst)
	}
	g.worst = 0
}

func (g *guest) leave() {
	g.stop()
	g.all.Wait()
}

// house is a principal with an agent and a guest, for others to attack.
func house(t *testing.T) (*harness.Installation, *guest) {
	t.Helper()
	in := harness.New(t)
	in.Workflow("quiet.yml", "tasks: {a: {run: ':'}}")
	in.Workflow("hello.yml", "tasks: {a: {run: 'echo hello'}}")
	in.Workflow("flood.yml", "tasks: {a: {run: 'head -c 20000000 /dev/zero | tr \"\\0\" x | fold -w 200'}}")
	in.StartPrincipal()
	g := invite(t, in)
	g.isServed(t)
	return in, g
}

// stands checks that the principal is the same as before, and does all that it
// is for: from a trigger to the last line.
func stands(t *testing.T, in *harness.Installation, g *guest) {
	t.Helper()
	g.isServed(t)
	if out := in.Must("cdktr-run", "--log", "hello"); out != "hello" {
		t.Errorf("a run prints %q", out)
	}
	select {
	case <-in.Principal().Exited():
		t.Fatalf("the principal ended with exit code %d\n%s", in.Principal().Code(), in.Principal().Said())
	default:
	}
	if has := memory(t, in.Principal().PID()); has > mostMemory {
		t.Errorf("the principal has %d MiB", has>>20)
	}
}

var residentSize = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// memory is what a process has resident, in bytes; 0 where there is no /proc.
func memory(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0
	}
	m := residentSize.FindSubmatch(text)
	if m == nil {
		return 0
	}
	kB, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kB << 10
}

// hostile starts testdata/hostile.py, and returns how to wait for what it says.
func hostile(t *testing.T, in *harness.Installation, attack string) (wait func() []string) {
	t.Helper()
	program, err := filepath.Abs("testdata/hostile.py")
	if err != nil {
		t.Fatal(err)
	}
	a, _ := in.Address()
	out := make(chan harness.Result, 1)
	go func() {
		var r harness.Result
		defer func() { out <- r }()
		r = in.Run("python3", program, attack, a.API, a.Logs, a.Live, filepath.Join(in.Data, "keys"))
	}()
	return func() []string {
		t.Helper()
		r := <-out
		if r.Code != 0 {
			t.Fatalf("%s: exit code %d\n%s%s", attack, r.Code, r.Stdout, r.Stderr)
		}
		return strings.Fields(r.Stdout)
	}
}

// raw is a connection with a key on which any bytes can be sent, to one of the
// principal's two ports for requests.
func raw(t *testing.T, in *harness.Installation, endpoint string, pair bus.Pair) *bus.Client {
	t.Helper()
	a, _ := in.Address()
	c, err := bus.Dial(bus.Target{Endpoint: endpoint, ServerKey: a.PublicKey, Pair: pair})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// keyOf is the key pair of one of the installation's own holders.
func keyOf(t *testing.T, in *harness.Installation, name string) bus.Pair {
	t.Helper()
	c, err := bus.ReadCertificate(filepath.Join(in.Data, "keys", name+".key_secret"))
	if err != nil {
		t.Fatal(err)
	}
	return c.Pair
}

// say sends any bytes and returns the answer.
func say(t *testing.T, c *bus.Client, body string) wire.Reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), harness.Patience)
	defer cancel()
	answer, err := c.Call(ctx, []byte(body))
	if err != nil {
		t.Fatalf("%.100q: %v", body, err)
	}
	return one[wire.Reply](t, string(answer))
}

// code is the code of a refusal, or ok.
func code(r wire.Reply) wire.Code {
	if r.OK || r.Error == nil {
		return "ok"
	}
	return r.Error.Code
}
