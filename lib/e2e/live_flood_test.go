package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/harness"
)

// flooded is a task of 20,000 lines, that pauses in the middle until it may go
// on.
const flooded = `
tasks:
  a:
    run: |
      seq -f 'line %.0f' 1 10000
      until [ -e more ]; do sleep 0.02; done
      seq -f 'line %.0f' 10001 20000
`

// reader is a command that follows, with its stdout in a file.
type reader struct {
	*exec.Cmd
	t    *testing.T
	out  string
	said bytes.Buffer
}

func startReader(t *testing.T, in *harness.Installation, out, name string, args ...string) *reader {
	t.Helper()
	r := &reader{Cmd: in.Command(name, args...), t: t, out: filepath.Join(in.Dir, out)}
	f, err := os.Create(r.out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r.Stdout, r.Stderr = f, &r.said
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if r.ProcessState == nil {
			_ = r.Process.Kill()
			_ = r.Wait()
		}
	})
	return r
}

// has waits until the reader has printed more than n bytes.
func (r *reader) has(n int64) {
	r.t.Helper()
	harness.Eventually(r.t, fmt.Sprintf("%s has %d bytes", filepath.Base(r.out), n), func() bool {
		s, err := os.Stat(r.out)
		return err == nil && s.Size() > n
	})
}

// ends waits for the end, which must be good, and checks that the lines are
// exactly those from 1 to n.
func (r *reader) ends(n int) {
	r.t.Helper()
	hangs := time.AfterFunc(4*harness.Patience, func() { _ = r.Process.Kill() })
	defer hangs.Stop()
	if err := r.Wait(); err != nil {
		r.t.Fatalf("%s: %v\n%s", filepath.Base(r.out), err, &r.said)
	}
	if got := numbered(r.t, read(r.t, r.out)); got != n {
		r.t.Errorf("%s has %d lines, want %d", filepath.Base(r.out), got, n)
	}
}

// The principal dies in the middle of a flood and comes back on another port;
// one reader goes on, and one that was stopped all the while costs nobody
// anything and has everything too.
func TestFollowedFloodIsWholeOverAKillOfThePrincipal(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("flood.yml", flooded)
	in.StartPrincipalAlone()
	in.StartAgent("web1")
	good := startReader(t, in, "good", "cdktr-run", "-l", "flood")
	good.has(0)
	id := runs(t, in)[0].Run
	stopped := startReader(t, in, "stopped", "cdktr-run", "-l", "--wait", id)
	stopped.has(0)
	if err := stopped.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	good.has(50_000)
	in.KillPrincipal()
	in.RestartPrincipal()
	touch(t, in, "more")
	began := time.Now()
	good.ends(20_000)
	t.Logf("the rest took %v", time.Since(began).Round(time.Millisecond))
	if err := stopped.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	stopped.ends(20_000)
}
